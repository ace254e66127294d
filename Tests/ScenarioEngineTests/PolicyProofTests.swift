import Inspection
import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

/// What observers say at the end of a run, and what scenarios forbid in clear.
@Suite struct PolicyProofTests {
  private func scenario(_ policy: String, _ steps: String, persona: String = "", top: String = "") throws -> Scenario {
    let text = """
      summary: s
      \(policy.isEmpty ? "" : "policy: { \(policy) }")
      given: { accounts: { acme: { password: correct-horse } }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme\(persona) }
        wire: { wire: raw, address: 192.0.2.30 }
      \(top)
      steps:

      """
    return try Scenario.read(text + steps, file: "x.yaml")
  }

  private func run(_ policy: String, _ steps: String, persona: String = "", top: String = "") throws -> ScenarioResult {
    try VirtualStage(try scenario(policy, steps, persona: persona, top: top), seed: 1).run()
  }

  private static let call = """
      - call: { from: pbx, to: session demo, as: leg }
      - expect: { leg: leg, is: established, within: 2 s }
      - wait: 1 s
      - hangUp: pbx
      - expect: { leg: leg, is: ended, within: 2 s }

    """

  private static let send = """
      - send:
          from: wire
          to: kallglot
          message: |+
            OPTIONS sip:sip.kallglot.com SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK-1;rport
            Max-Forwards: 70
            From: <sip:wire@192.0.2.30>;tag=w
            To: <sip:sip.kallglot.com>
            Call-ID: o@192.0.2.30
            CSeq: 1 OPTIONS
            X-Note: TEXT
            Content-Length: 0


    """

  @Test func `a run with a policy ends with what was proven, over how many packets, and by which setting`() throws {
    let result = try run("requireSRTP: true, transports: [tls]", Self.call, persona: ", srtp: require, transport: tls")
    #expect(result.verdict == .passed, "\(result.findings)")
    let proof = try #require(result.proof)
    #expect(proof.lines.count == 1 && !proof.isOneSided)
    // 20 ms each, both ways, for a second.
    let secrecy = try #require(proof.items.first { $0.rule == "rtp-outside-srtp" })
    #expect(secrecy.setting == "requireSRTP" && secrecy.standing == .proven && (96...106).contains(secrecy.count))
    #expect(secrecy.text == "no RTP outside SRTP in \(secrecy.count) packets of 2 streams")
    #expect(
      proof.lines[0].hasPrefix("proven: no RTP outside SRTP in \(secrecy.count) packets of 2 streams; no SIP served over a transport"))
    #expect(proof.lines[0].contains("all over TLS"))
  }

  @Test func `where nothing was seen nothing is proven, and the reason is said`() throws {
    let result = try run("requireSRTP: true, sdesOverClear: refuse", "  - wait: 1 s\n")
    #expect(
      result.proof?.lines == [
        "not proven: no RTP outside SRTP: no RTP was seen under requireSRTP; no SDES key outside TLS: no SDES key was seen; "
          + "no codec off the list, no RTP to an address that nobody agreed on: no RTP was seen; "
          + "no password or H(A1) in clear: no SIP was seen"
      ])
  }

  @Test func `a run without a policy proves nothing of one`() throws { #expect(try run("", Self.call).proof == nil) }

  @Test func `a policy that changes holds for the next call alone, and an observer knows which call had which (ACL-04)`() throws {
    let later = """
        - call: { from: pbx, to: "sip:+49301@sip.kallglot.com", as: one }
        - expect: { leg: one, is: established, within: 2 s }
        - changePolicy: { account: acme, requireSRTP: true, transports: [tls], codecs: [PCMA] }
        - wait: 1 s
        - hangUp: pbx
        - expect: { leg: one, is: ended, within: 2 s }

      """
    let result = try run("requireSRTP: false", later)
    #expect(result.verdict == .passed, "\(result.findings)")
    let secrecy = try #require(result.proof?.items.first { $0.rule == "rtp-outside-srtp" })
    #expect(secrecy.standing == .notProven && secrecy.reason == "no RTP was seen under requireSRTP")
  }

  @Test func `the journal says what observers are armed for, and again when the policy changes`() throws {
    final class Notes: JournalSink {
      var texts: [String] = []
      func hostAdded(_ host: HostID, name: String) {}
      func packet(_ packet: PacketRecord) {}
      func record(_ record: JournalRecord) { if case .note(let text) = record.body { texts.append(text) } }
      func finish(at now: Instant) {}
    }
    let notes = Notes()
    let steps = "  - changePolicy: { account: acme, requireTLS: true, codecs: [PCMA] }\n  - wait: 10 ms\n"
    _ = try VirtualStage(try scenario("requireSRTP: true, codecs: [PCMU]", steps), seed: 1, sinks: [notes]).run()
    let always = "media to addresses that nobody agreed on; media ports of refused calls; passwords and H(A1) in clear"
    #expect(
      notes.texts == [
        "observers are armed for: RTP outside SRTP (requireSRTP); codecs other than PCMU (codecs); \(always)",
        "observers are armed for: RTP outside SRTP (requireSRTP); SIP over other transports than TLS alone (requireTLS); "
          + "codecs other than PCMA (codecs); \(always)",
      ])
  }

  @Test(arguments: [
    ("RTP", "pbx", "RTP from 192.0.2.20:10000 to 198.51.100.10:20000 is outside SRTP"), ("SIP", "pbx", "INVITE over UDP"),
    ("SDES key", "pbx", "INVITE over UDP has a key of SRTP"),
  ])
  func `what is never to be in clear ends the run at its first packet, and the finding says which`(
    what: String, sender: String, text: String
  ) throws {
    let persona = what == "SDES key" ? ", srtp: require" : ""
    let result = try run("", Self.call, persona: persona, top: "never:\n  - { plaintext: \(what), by: \(sender) }")
    let finding = try #require(result.findings.first)
    #expect(finding.observed.hasSuffix(text), "\(finding.observed)")
    #expect(finding.evidence != nil && finding.step == "never: \(sender) sends \(what == "SDES key" ? "a SDES key" : what) in clear")
  }

  @Test(arguments: [
    ("correct-horse", true), ("x:correct-horse.", true), ("incorrect-horse", false), ("correct-horses", false), ("Correct-Horse", false),
    // H(A1) of acme, by MD5 and of another realm.
    (WireHash.md5("acme:sip.kallglot.com:correct-horse"), true), (WireHash.md5("acme:example.com:correct-horse"), false),
  ])
  func `a password is seen as a word of its own, and so is H(A1), in any header field (RFC 7616 §5.2)`(text: String, isSeen: Bool) throws {
    let steps = Self.send.replacing("TEXT", with: text) + "  - wait: 100 ms\n"
    let result = try run("codecs: [PCMU]", steps, top: "never:\n  - { plaintext: password }")
    #expect(result.findings.contains { $0.step == "never: anybody sends a password in clear" } == isSeen, "\(result.findings)")
    #expect(result.findings.contains { $0.rule.hasPrefix("password-in-clear, ") } == isSeen)
    // Nothing that was said shows it.
    #expect(!result.findings.contains { $0.line.contains("correct-horse") || isSeen && $0.line.contains(text) })
    #expect(result.proof.map { !"\($0)".contains("correct-horse") } ?? true)
  }

  @Test func `as a step never looks at its own time alone`() throws {
    let steps = """
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established, within: 2 s }
        - hold: { who: pbx, by: inactive }
        - expect: { leg: leg, is: modified, within: 1 s }
        - wait: 100 ms
        - never: { plaintext: RTP, by: kallglot, during: 500 ms }
        - resume: pbx
        - never: { plaintext: RTP, by: kallglot, during: 500 ms }

      """
    let result = try run("", steps)
    #expect(result.findings.first?.place?.line == 17, "\(result.findings)")
    #expect(result.findings.first?.observed.contains("saw it: RTP from 198.51.100.10:20000") == true)
  }
}

/// The hash of RFC 7616 §3.4.2, computed apart from the code under test.
private enum WireHash {
  static func md5(_ text: String) -> String {
    switch text {
    case "acme:sip.kallglot.com:correct-horse": "30cb662e10bc7ac77f3aa02ca7709449"
    default: "76c347ed99c177e71831c0d8b4cef9a4"
    }
  }
}
