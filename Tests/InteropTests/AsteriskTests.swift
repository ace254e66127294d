import Foundation
import Testing

extension Interop {
  /// A real Asterisk 22 as the customer's PBX. Each test looks at our log and at Asterisk's own view.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason)) struct AsteriskTests {
    /// Registration with digest and `line=yes`: the contact has a parameter of Asterisk's own, by which it knows the trunk when a call
    /// comes.
    @Test func `Asterisk registers, and is called by its whole Contact, line parameter included (RFC 3261 §10.3, §16.5)`() async throws {
      try await Scene.run("asterisk-registers") { scene in
        let serve = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(scene.us):5060"))
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp", registers: true),
          dialplan: "[from-kallglot]\nexten => acme,1,Answer()\n same => n,Milliwatt()")
        _ = try await serve.line("policy step registration passed: 1 contact ")
        try await asterisk.ask("pjsip show registrations", until: "Registered")
        serve.type("call acme")
        let call = try await serve.line("call to sip:acme@\(scene.them):5060;line=")
        _ = try await serve.line("leg 1: up, PCMU 20 ms", after: call)
        // Milliwatt is 1004 Hz; Asterisk hears our 700 Hz, which its channel statistics count.
        _ = try await serve.line("tone of 100", after: call)
        #expect(try await asterisk.ask("core show channels concise").contains("!Milliwatt!"))
        serve.type("hangup 1")
        let end = try await serve.line("leg 1: hung up here", after: call)
        #expect(!end.line.contains("in 0,"), "\(end.line)")
        _ = try await asterisk.line("BYE sip:\(scene.them):5060")
        serve.type("call nobody")
        _ = try await serve.line("account nobody is not called: it has no registered contact")
      }
    }

    @Test(arguments: [("udp", 5060), ("tcp", 5060), ("tls", 5061)])
    func `Asterisk calls a session by its URI and echoes what it hears`(transport: String, port: Int) async throws {
      try await Scene.run("asterisk-calls-\(transport)") { scene in
        let serve = try await scene.serve(Trunk.endpoint(scene, listen: "\(transport) \(scene.us):\(port)"))
        let asterisk = try await AsteriskServer.start(scene, pjsip: Trunk.pjsip(scene, transport: transport), dialplan: "")
        try await asterisk.ask("channel originate PJSIP/sess_demo@kallglot application Echo")
        let call = try await serve.line("over \(transport.uppercased())")
        _ = try await serve.line("session sess_demo as customer, account acme", after: nil)
        _ = try await serve.line("tone of 700 Hz detected", after: call)
        let channels = try await asterisk.ask("pjsip show channels") + asterisk.ask("pjsip show channelstats")
        #expect(channels.contains("PJSIP/kallglot-00000000/Echo") && channels.contains("ulaw"), "\(channels)")
        try await asterisk.ask("channel request hangup all")
        _ = try await serve.line("Reason from the peer: Q.850;cause=", after: call)
        _ = try await serve.line("hung up by the peer", after: call)
      }
    }

    /// We call what its dialplan refuses: each cause has its status and its Reason (RFC 3326).
    @Test(arguments: [
      ("busy", "486", "Q.850;cause=17"), ("congested", "503", "Q.850;cause=34"), ("nobody", "404", "Not Found"),
    ])
    func `Asterisk refuses with a cause, and call says which`(extension name: String, status: String, reason: String) async throws {
      try await Scene.run("asterisk-refuses-\(status)") { scene in
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp") + Trunk.identify(scene),
          dialplan: "[from-kallglot]\nexten => busy,1,Hangup(17)\nexten => congested,1,Hangup(34)")
        let refused = try await Trunk.call(scene, name)
        #expect(
          refused.code == 1 && refused.output.contains("not answered: \(status)") && refused.output.contains(reason), "\(refused.output)")
        _ = try await asterisk.line("INVITE sip:\(name)@")
      }
    }

    @Test func `Asterisk without a codec of ours answers 488 (RFC 3261 §13.3.1.3)`() async throws {
      try await Scene.run("asterisk-no-codec") { scene in
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp", codecs: "g722") + Trunk.identify(scene),
          dialplan: "[from-kallglot]\nexten => s,1,Answer()")
        let refused = try await Trunk.call(scene, "s")
        #expect(refused.code == 1 && refused.output.contains("not answered: 488"), "\(refused.output)")
        _ = try await asterisk.line("SIP/2.0 488")
      }
    }

    @Test func `Asterisk hangs up with a cause of its dialplan, and the BYE's Reason is in our log (RFC 3326)`() async throws {
      try await Scene.run("asterisk-hangs-up") { scene in
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp") + Trunk.identify(scene),
          dialplan: "[from-kallglot]\nexten => s,1,Answer()\n same => n,Wait(0.5)\n same => n,Hangup(19)")
        let call = try await Trunk.call(scene, "s")
        #expect(call.code == 0 && call.output.contains("Reason from the peer: Q.850;cause=19"), "\(call.output)")
        #expect(call.output.contains("answered; hung up by the peer"))
        _ = try await asterisk.line("Reason: Q.850;cause=19")
      }
    }
  }
}
