import Foundation
import Testing

extension Interop {
  /// A real Asterisk 22 over TLS with SDES (RFC 4568) or DTLS (RFC 5763), where SRTP is required.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason)) struct AsteriskSRTPTests {
    /// How Asterisk gets its keys, and what its endpoint says for that.
    enum Keying: String, CaseIterable, Sendable {
      case sdes, dtls

      var lines: String {
        switch self {
        case .sdes: "media_encryption=sdes"
        case .dtls:
          "media_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_verify=fingerprint\ndtls_setup=actpass\ndtls_fingerprint=SHA-256"
        }
      }
    }

    private func configuration(_ scene: Scene, _ offer: String = "sdes") -> String {
      Trunk.endpoint(
        scene, listen: "tls \(scene.us):5061",
        more: "requireTLS: true\nrequireSRTP: true\nsrtpOffer: \(offer)\nsessions: [{ id: sess_demo, reusable: true }]\n"
      ).replacing("sessions: [sess_demo]\n", with: "")
    }

    private func asterisk(_ scene: Scene, dialplan: String = "", more: String = "media_encryption=sdes") async throws -> AsteriskServer {
      let certificates = ["--out", "\(scene.folder)/certs", "--host", scene.them, "--state", "\(scene.folder)/serve-state.json"]
      let made = try await program(Place.lab, ["certs"] + certificates)
      #expect(made.code == 0, "\(made.output)")
      // Its own certificate, for calls to it.
      let own = "cert_file=\(scene.folder)/certs/pbx.pem\npriv_key_file=\(scene.folder)/certs/pbx-key.pem\nmethod=tlsv1_2"
      let pjsip = Trunk.pjsip(scene, transport: "tls", registers: true, more: more).replacing("method=tlsv1_2", with: own)
      let asterisk = try await AsteriskServer.start(scene, pjsip: pjsip, dialplan: dialplan)
      try await asterisk.register("kallglot-registration")
      return asterisk
    }

    /// Every packet of the call was opened with the keys of its SIP, and nothing is wrong.
    private func check(_ scene: Scene, calls: [String] = ["serve/call-00001"]) async throws {
      for call in calls {
        let report = try await program(Place.lab, ["inspect", try scene.capture(call), "--fail-on", "error"])
        // The clear twin shows RTP where SRTP was opened.
        #expect(report.output.contains("2 RTP streams"), "\(report.output)")
        // Asterisk counts the authentication tags among the octets of its sender reports (RFC 3550 §6.4.1).
        let errors = report.output.split(separator: "\n").filter { $0.contains("  error ") && !$0.contains("sender report") }
        #expect(errors.isEmpty, "\(report.output)")
        #expect(!report.output.contains("SRTP, closed"), "\(report.output)")
      }
    }

    @Test(arguments: Keying.allCases)
    func `Asterisk registers over TLS, its call is answered with its keying, and both hear each other (RFC 4568, RFC 5763)`(
      keying: Keying
    ) async throws {
      try await Scene.run("asterisk-\(keying)-calls") { scene in
        let serve = try await scene.serve(configuration(scene))
        let asterisk = try await asterisk(scene, more: keying.lines)
        _ = try await serve.line("policy step registration passed: 1 contact ")
        // Milliwatt is 1004 Hz: heard here is what was spoken there.
        try await asterisk.ask("channel originate PJSIP/sess_demo@kallglot application Milliwatt")
        let call = try await serve.line("over TLS")
        let heard = try await serve.line("tone of 100", after: call)
        try await asterisk.ask("channel request hangup all")
        let over = try await serve.line("hung up by the peer", after: heard)
        // An echo: what comes back went there.
        try await asterisk.ask("channel originate PJSIP/sess_demo@kallglot application Echo")
        let second = try await serve.line("over TLS", after: over)
        _ = try await serve.line("tone of 700 Hz detected", after: second)
        try await asterisk.ask("channel request hangup all")
        _ = try await serve.line("hung up by the peer", after: second)
        try await scene.endAll()
        try await check(scene, calls: ["serve/call-00001", "serve/call-00002"])
      }
    }

    @Test(arguments: Keying.allCases)
    func `Asterisk is called over TLS, and after hold and resume the keys are right (RFC 4568 §7.1.4, RFC 8842 §5.3)`(
      keying: Keying
    ) async throws {
      try await Scene.run("asterisk-\(keying)-is-called") { scene in
        let serve = try await scene.serve(configuration(scene, keying.rawValue))
        let dialplan = "[from-kallglot]\nexten => acme,1,Answer()\n same => n,Milliwatt()"
        let asterisk = try await asterisk(scene, dialplan: dialplan, more: keying.lines)
        _ = try await serve.line("policy step registration passed: 1 contact ")
        serve.type("call acme")
        let call = try await serve.line("over TLS")
        let tone = try await serve.line("tone of 100", after: call)
        serve.type("hold 1")
        let held = try await serve.line("re-INVITE, ", after: tone)
        #expect(await serve.transcript.isSilent(about: "hung up", after: held, for: .milliseconds(500)))
        serve.type("resume 1")
        let resumed = try await serve.line("re-INVITE, ", after: held)
        #expect(resumed.line.contains("sendrecv"), "\(resumed.line)")
        #expect(await serve.transcript.isSilent(about: "hung up", after: resumed, for: .seconds(1)))
        #expect(try await asterisk.ask("pjsip show channelstats").contains("ulaw"))
        serve.type("hangup 1")
        _ = try await serve.line("leg 1: hung up here", after: resumed)
        try await scene.endAll()
        // What each side sent after the resume.
        let packets = try await Shark.packets(try scene.capture("serve/call-00001"))
        let resume = try #require(packets.last { $0.sip == "ACK" }).time
        let after = packets.filter { $0.isRTP && $0.time > resume + 0.2 }
        #expect(after.contains { $0.source.hasPrefix(scene.us) })
        let isHeard = after.contains { $0.destination.hasPrefix(scene.us) }
        #expect(isHeard, "Asterisk begins a new handshake with each re-INVITE")
        try await check(scene)
      }
    }

    @Test func `an Asterisk without SRTP gets 488 with Warning 302, and no port is opened for it (contract 8.1)`() async throws {
      try await Scene.run("asterisk-in-clear") { scene in
        let serve = try await scene.serve(configuration(scene))
        let asterisk = try await asterisk(scene, more: "")
        _ = try await serve.line("policy step registration passed: 1 contact ")
        try await asterisk.ask("channel originate PJSIP/sess_demo@kallglot application Echo")
        _ = try await serve.line("refused with 488 ")
        _ = try await asterisk.line("SIP/2.0 488")
      }
    }
  }
}
