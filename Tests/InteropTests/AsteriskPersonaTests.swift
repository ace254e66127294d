import Foundation
import SIPMessage
import Testing

extension Interop {
  /// The persona `asterisk-22` beside the product: the same scenario with both, their messages compared field by field.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason), .enabled(if: Peer.tshark.runs, Peer.tshark.reason))
  struct AsteriskPersonaTests {
    private static let known = "\(Place.root)/fixtures/peers/asterisk-22-differences.txt"

    /// The persona's half. Its addresses are those of the real one's half.
    private func scenario(_ scene: Scene) -> String {
      """
      summary: Asterisk pings, registers, calls and hangs up; it is called, held and resumed; another one is busy.
      given:
        accounts: { acme: { username: acme, password: s3cret-pass } }
        sessions: { demo: { account: acme } }
      cast:
        kallglot: { endpoint: default, address: \(scene.us) }
        pbx:      { persona: asterisk-22, address: \(scene.them), account: acme }
        busy:     { persona: asterisk-22, address: \(scene.network).3, rejectsWith: 486 }
      steps:
        - options: pbx
        - call:   { from: pbx, to: session demo, as: out }
        - expect: { leg: out, is: established, within: 2 s }
        - hangUp: pbx
        - expect: { leg: out, is: ended, within: 2 s }
        - call:   { from: kallglot, to: pbx, as: in }
        - expect: { leg: in, is: established, within: 2 s }
        - hold:   { who: kallglot, by: sendonly }
        - expect: { leg: in, is: modified, direction: sendonly, within: 2 s }
        - resume: kallglot
        - expect: { leg: in, is: modified, direction: sendrecv, times: 2, within: 2 s }
        - hangUp: kallglot
        - expect: { leg: in, is: ended, within: 2 s }
        - call:   { from: kallglot, to: busy, as: refused }
        - expect: { leg: refused, is: refused, status: 486, within: 2 s }
        - register: pbx
        - expect: { registered: pbx, within: 2 s }
      """
    }

    private let dialplan = """
      [from-kallglot]
      exten => pbx,1,Ringing()
       same => n,Wait(0.1)
       same => n,Answer()
       same => n,Milliwatt()
      exten => busy,1,Hangup(17)
      [outgoing]
      exten => dial,1,Set(CALLERID(num)=acme)
       same => n,Dial(PJSIP/sess_demo@acme)
      exten => hangup,1,Wait(0.2)
       same => n,Hangup(16)
      """

    @Test func `the persona sends what the real Asterisk sends, but for the differences that are listed`() async throws {
      try await Scene.run("asterisk-persona") { scene in
        let (real, persona) = (try await real(scene), try await persona(scene))
        let found = SentMessages.differences(real: real, persona: persona)
        print("asterisk-22 and the real Asterisk differ so:\n" + found.map { "  \($0)" }.joined(separator: "\n"))
        let known = try String(contentsOfFile: Self.known, encoding: .utf8).split(separator: "\n").map(String.init).filter {
          !$0.hasPrefix("#")
        }
        let (fresh, gone) = (found.filter { !known.contains($0) }, known.filter { !found.contains($0) })
        #expect(fresh.isEmpty, "differences that are not in \(Self.known):\n\(fresh.joined(separator: "\n"))")
        #expect(gone.isEmpty, "listed in \(Self.known) and not found any more:\n\(gone.joined(separator: "\n"))")
        #expect(real.byKind.count >= 14, "\(real.byKind.keys.sorted())")
      }
    }

    private func real(_ scene: Scene) async throws -> SentMessages {
      let serve = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(scene.us):5060"))
      let asterisk = try await AsteriskServer.start(
        scene,
        pjsip: Trunk.pjsip(scene, transport: "udp", registers: true, from: "from_domain=\(scene.them)", named: "acme")
          + Trunk.identify(scene, as: "acme"),
        dialplan: dialplan)
      try await asterisk.ask("pjsip qualify acme")
      _ = try await serve.line("policy step registration passed: 1 contact ")
      try await asterisk.ask("channel originate Local/dial@outgoing extension hangup@outgoing")
      _ = try await serve.line("hung up by the peer")
      serve.type("call sip:pbx@\(scene.them)")
      let up = try await serve.line(": up, ", after: try await serve.line("call to sip:pbx@"))
      let leg = up.line.components(separatedBy: "leg ").last.map { String($0.prefix { $0.isNumber }) } ?? ""
      serve.type("hold \(leg)")
      let held = try await serve.line("re-INVITE, on hold by us: PCMU", after: up)
      serve.type("resume \(leg)")
      _ = try await serve.line("re-INVITE, resumed by us: PCMU", after: held)
      serve.type("hangup \(leg)")
      let ended = try await serve.line("hung up here", after: up)
      serve.type("call sip:busy@\(scene.them)")
      _ = try await serve.line("refused with 486", after: ended)
      try await scene.endAll()
      let captures = try scene.captures()
      #expect(captures.count == 4)
      return try await sent(scene, captures)
    }

    private func persona(_ scene: Scene) async throws -> SentMessages {
      let file = try scene.write(scenario(scene), to: "asterisk.yaml")
      let run = try await program(Place.lab, ["run", file, "--out", "\(scene.folder)/virtual"])
      #expect(run.code == 0, "\(run.output)")
      return try await sent(scene, ["pbx", "busy"].flatMap { name in try scene.captures().filter { $0.hasSuffix("/\(name).pcapng") } })
    }

    private func sent(_ scene: Scene, _ captures: [String]) async throws -> SentMessages {
      var messages: [(source: String, message: SIPMessage)] = []
      for capture in captures { messages += try await Shark.messages(capture) }
      return SentMessages(messages, from: [scene.them, "\(scene.network).3"], other: [scene.us, "sip.kallglot.com"])
    }
  }
}
