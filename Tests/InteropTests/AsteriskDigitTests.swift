import Foundation
import Testing

extension Interop {
  /// Digits between our endpoint and a real Asterisk 22, in each of the three ways and both directions.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason)) struct AsteriskDigitTests {
    @Test(arguments: [("rfc4733", "RFC 4733"), ("info", "INFO"), ("inband", "in-band")])
    func `what Asterisk sends by SendDTMF is in our log and in inspect (RFC 4733 §2.5.2, DTMF-01, DTMF-05)`(
      mode: String, way: String
    ) async throws {
      try await Scene.run("asterisk-digits-\(mode)") { scene in
        let serve = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(scene.us):5060"), more: ["--in-band-digits"])
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp", more: "dtmf_mode=\(mode)"), dialplan: "")
        try await asterisk.ask("channel originate PJSIP/sess_demo@kallglot application SendDTMF 1590*#AD,200,150")
        let call = try await serve.line("leg 1: up")
        var last = call
        for digit in "1590*#AD" { last = try await serve.line("leg 1: digit \(digit) by \(way)", after: last) }
        _ = try await serve.line("hung up by the peer", after: last)
        try await scene.endAll()
        let report = try await program(Place.lab, ["inspect", try scene.capture("serve/call")])
        #expect(report.output.contains("digits 1590*#AD (\(way))"), "\(report.output)")
        #expect(!report.output.contains("dtmf-") && !report.output.contains("telephone-event w"), "\(report.output)")
      }
    }

    @Test(arguments: [("rfc4733", ""), ("info", "info"), ("inband", "in-band")])
    func `what we press is what Asterisk's Read hears (DTMF-01, DTMF-05)`(mode: String, word: String) async throws {
      try await Scene.run("asterisk-reads-\(mode)") { scene in
        let serve = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(scene.us):5060"))
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp", registers: true, more: "dtmf_mode=\(mode)"),
          dialplan: """
            [from-kallglot]
            exten => acme,1,Answer()
             same => n,Verbose(1,digits are awaited)
             same => n,Read(D,,6,,1,8)
             same => n,Verbose(1,digits read ${D})
             same => n,Wait(1)
            """)
        _ = try await serve.line("policy step registration passed: 1 contact ")
        try await asterisk.ask("pjsip show registrations", until: "Registered")
        serve.type("call acme")
        let up = try await serve.line("leg 1: up")
        // Asterisk says nothing meanwhile: Read without a prompt sends no RTP.
        _ = try await asterisk.line("digits are awaited")
        serve.type("press 1 159*D0 \(word)")
        _ = try await serve.line("leg 1: digits sent", after: up)
        _ = try await asterisk.line("digits read 159*D0")
      }
    }
  }
}
