import Kallglot
import KallglotPolicy
import SDP
import SIPUserAgent
import SansIO
import Testing

@testable import ScenarioEngine
@testable import ScenarioModel

private func run(_ steps: String, top: String = "", cast: String = "", pbx: String = "") throws -> ScenarioResult {
  let text = """
    summary: x
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme\(pbx) }
    \(cast)\(top)steps:
    \(steps)
    """
  return try VirtualStage(try Scenario.read(text, file: "x.yaml", name: "x"), seed: 1).run()
}

private let call = "  - call: { from: pbx, to: session demo, as: leg }\n"
private let established = "  - expect: { leg: leg, is: established, within: 4 s }\n"

private func instant(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

/// A break, and the whole finding word for word.
struct Break: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var top = ""
  var steps: String
  var because: [Cause]
  var lines: String

  static let eleven: [Break] = [
    Break(
      testDescription: "SIP access is off", top: "policy: { sipAccess: false }\n", steps: call + established,
      because: [
        .policy(PolicyDecision(.sipAccess, setting: "sipAccess", .refused(status: 403), detail: "SIP access is switched off"))
      ],
      lines: """
          x.yaml:9  expect leg is established within 4.0 seconds
            rule      RFC 3261 §13
            observed  refused with 403 Forbidden
            because   policy step 4, sipAccess is off: SIP access is switched off
            message   pbx#2 received at 0.002 s: 403 Forbidden to INVITE
        """),
    Break(
      testDescription: "TLS is required", top: "policy: { requireTLS: true }\n", steps: call + established,
      because: [
        .policy(PolicyDecision(.requireTLS, setting: "requireTLS", .refused(status: 403), detail: "signalling came over UDP"))
      ],
      lines: """
          x.yaml:9  expect leg is established within 4.0 seconds
            rule      RFC 3261 §13
            observed  refused with 403 Forbidden
            because   policy step 2, requireTLS is on: signalling came over UDP
            message   pbx#2 received at 0.002 s: 403 Forbidden to INVITE
        """),
    Break(
      testDescription: "no codec is common", top: "policy: { codecs: [opus] }\n", steps: call + established,
      because: [
        .policy(
          PolicyDecision(
            .description, setting: "codecs", .refused(status: 488), detail: "Incompatible media format: no common codec"))
      ],
      lines: """
          x.yaml:9  expect leg is established within 4.0 seconds
            rule      RFC 3261 §13
            observed  refused with 488 Not Acceptable Here (305 198.51.100.10 "Incompatible media format: no common codec")
            because   policy step 9, codecs: Incompatible media format: no common codec
            message   pbx#5 received at 0.004 s: 488 Not Acceptable Here to INVITE
        """),
    Break(
      testDescription: "SRTP is required", top: "policy: { requireSRTP: true }\n", steps: call + established,
      because: [
        .policy(
          PolicyDecision(
            .description, setting: "requireSRTP", .refused(status: 488),
            detail: "Incompatible transport protocol: the media profile cannot be agreed"))
      ],
      lines: """
          x.yaml:9  expect leg is established within 4.0 seconds
            rule      RFC 3261 §13
            observed  refused with 488 Not Acceptable Here (302 198.51.100.10 "Incompatible transport protocol: \
        the media profile cannot be agreed")
            because   policy step 9, requireSRTP is on: Incompatible transport protocol: the media profile cannot be agreed
            message   pbx#5 received at 0.004 s: 488 Not Acceptable Here to INVITE
        """),
    Break(
      testDescription: "another status than expected", top: "policy: { maxConcurrentCalls: 0 }\n",
      steps: call + "  - expect: { leg: leg, is: refused, status: 403, within: 1 s }\n",
      because: [
        .policy(
          PolicyDecision(.concurrency, setting: "maxConcurrentCalls", .refused(status: 486), detail: "0 of 0 calls are up"))
      ],
      lines: """
          x.yaml:9  expect leg is refused with 403 within 1.0 seconds
            rule      RFC 3261 §13.2.2, contract 8.1
            observed  refused with 486 Busy Here
            because   policy step 8, maxConcurrentCalls: 0 of 0 calls are up
            message   pbx#5 received at 0.004 s: 486 Busy Here to INVITE
        """),
    Break(
      testDescription: "no ACK comes", top: "policy: { authentication: none }\n",
      steps: "  - fault: { drop: every ACK, from: pbx }\n" + call + established + "  - never: { leg: leg, is: ended, during: 40 s }\n",
      because: [
        .noACK(member: "kallglot", sent: 11), .legEnded(member: "pbx", at: instant(32_002), .hungUpByPeer, reason: nil),
        .fault(.dropped(fault: "drop every ACK"), kind: "ACK", sender: "pbx", count: 11, of: 11),
      ],
      lines: """
          x.yaml:11  never: leg is ended, during 40.0 seconds
            rule      RFC 3261 §15
            observed  the leg ended: hung up by the peer
            because   kallglot sent its 200 INVITE 11 times, got no ACK within 64·T1 and sent BYE
                      pbx's leg ended at 32.002 s: hung up by the peer
                      the fault 'drop every ACK' dropped 11 of 11 ACK from pbx
            message   pbx#1631 received at 32.002 s: BYE sip:acme@192.0.2.20:5060
        """),
    Break(
      testDescription: "the ACK that a fault waits for does not come",
      steps: "  - fault: { drop: every ACK, from: pbx, where: { CSeq: \"9 *\" } }\n" + call + established
        + "  - hangUp: pbx\n  - wait: 1 s\n",
      because: [
        .passed(
          sender: "pbx", [Cause.Passed(kind: "ACK", count: 2)],
          nearest: "'ACK sip:sess_demo@sip.kallglot.com SIP/2.0', whose CSeq is '1 ACK' instead of '9 *'")
      ],
      lines: """
          x.yaml:7  fault: drop every ACK with CSeq: 9 *
            rule      the scenario
            expected  the fault 'drop every ACK with CSeq: 9 *' applies to a message from pbx
            observed  no such message was sent
            because   pbx sent 2 ACK; the nearest was 'ACK sip:sess_demo@sip.kallglot.com SIP/2.0', whose CSeq is '1 ACK' instead of '9 *'
        """),
    Break(
      testDescription: "every 200 is lost", steps: "  - fault: { drop: every 200 INVITE, from: kallglot }\n" + call + established,
      because: [.fault(.dropped(fault: "drop every 200 INVITE"), kind: "200 INVITE", sender: "kallglot", count: 4, of: 4)],
      lines: """
          x.yaml:9  expect leg is established within 4.0 seconds
            rule      RFC 3261 §13
            observed  the leg is ringing after 4.0 seconds
            because   the fault 'drop every 200 INVITE' dropped 4 of 4 200 INVITE from kallglot
            message   pbx#5 received at 0.004 s: 180 Ringing to INVITE
        """),
    Break(
      testDescription: "the link loses everything", top: "network: [{ between: [pbx, kallglot], loss: 100 % }]\n",
      steps: call + "  - expect: { leg: leg, is: established, within: 40 s }\n",
      because: [
        .legEnded(member: "pbx", at: instant(32_000), .timerB, reason: nil),
        .link(from: "pbx", to: "kallglot", kind: "INVITE", count: 7, of: 7, why: [Cause.Loss(cause: .random, count: 7)]),
      ],
      lines: """
          x.yaml:9  expect leg is established within 40.0 seconds
            rule      RFC 3261 §13
            observed  the leg ended: Timer B: no response to the INVITE within 64·T1
            because   pbx's leg ended at 32.000 s: Timer B: no response to the INVITE within 64·T1
                      the link pbx → kallglot lost 7 of 7 INVITE
            message   pbx#7 sent at 31.500 s: INVITE sip:sess_demo@sip.kallglot.com, lost on the link
        """),
    Break(
      testDescription: "RTP is blocked one way",
      steps: "  - fault: { drop: every RTP, from: kallglot }\n" + call + established
        + "  - speak: { on: kallglot, tone: 1000 Hz, for: 1 s }\n  - expect: { hears: pbx, tone: 1000 Hz, within: 1 s }\n",
      because: [
        .media(
          sender: "kallglot", to: TransportAddress("192.0.2.20:10000") ?? TransportAddress(IPAddress(v4: 0), port: 0), sent: 49,
          parts: [PacketFlow.Part(.dropped(fault: "drop every RTP"), 49)])
      ],
      lines: """
          x.yaml:11  expect pbx hears 1000 Hz within 1.0 seconds
            rule      RFC 3264 §6: the audio that was agreed arrives
            observed  pbx heard no tone after 1.0 seconds
            because   kallglot sent 49 RTP packets to 192.0.2.20:10000, the fault 'drop every RTP' dropped all of them
            message   kallglot#105 sent at 0.985 s: RTP, payload type 0, sequence number 55428, dropped by a fault
        """),
    Break(
      testDescription: "the wrong tone",
      steps: call + established
        + "  - speak: { on: pbx, tone: 480 Hz, for: 1 s }\n  - expect: { hears: kallglot, tone: 440 Hz, within: 2 s }\n",
      because: [.heardInstead(member: "kallglot", [HeardTone(frequency: 480, from: instant(125), to: instant(1_165))])],
      lines: """
          x.yaml:10  expect kallglot hears 440 Hz within 2.0 seconds
            rule      RFC 3264 §6: the audio that was agreed arrives
            observed  kallglot heard 480 Hz after 2.0 seconds
            because   kallglot heard 480 Hz from 0.1 s to 1.2 s instead
            message   kallglot#122 received at 1.165 s: RTP, payload type 0, sequence number 48556
        """),
  ]
}

@Suite struct CauseTests {
  @Test func `a connection that does not open is the link's where it lost the SYN ACKs (RFC 9293 §3.5)`() throws {
    let result = try run(
      call + established, top: "network: [{ from: kallglot, to: pbx, loss: 100 % }]\n", pbx: ", transport: tcp")
    #expect(
      result.findings.first?.because == [
        .link(from: "kallglot", to: "pbx", kind: "TCP SYN", count: 3, of: 3, why: [Cause.Loss(cause: .random, count: 3)])
      ], "\(result.findingLines)")
  }

  @Test func `media that came and was dropped is told apart from media that never came (contract 8.5)`() throws {
    let result = try run(
      call + established + "  - wait: 500 ms\n  - inject: { from: stranger, to: kallglot, tone: 1000 Hz, packets: 50 }\n"
        + "  - expect: { hears: kallglot, tone: 1000 Hz, within: 1 s }\n", cast: "  stranger: { wire: raw, address: 192.0.2.99 }\n")
    let because = try #require(result.findings.first { $0.step.contains("hears") }).because
    let dropped = because.compactMap { if case .dropped("kallglot", let reason) = $0 { reason } else { nil } }
    #expect(dropped.count == 1 && dropped[0].hasPrefix("rtp-source: ") && dropped[0].contains("RTP from 192.0.2.99:"), "\(because)")
    let silent = try run(call + established + "  - wait: 500 ms\n  - expect: { hears: kallglot, tone: 1000 Hz, within: 1 s }\n")
    #expect(!silent.findings.flatMap(\.because).contains { if case .dropped = $0 { true } else { false } })
  }

  @Test(arguments: Break.eleven) func `a break is explained, word for word`(of: Break) throws {
    let result = try run(of.steps, top: of.top)
    #expect(result.findings.map(\.because) == [of.because])
    #expect(result.findingLines.dropLast().joined(separator: "\n") == of.lines)
    #expect(result.findingLines.last?.hasPrefix("    replay    kallglot-lab run x.yaml --seed 1 --out out") == true)
  }

  private static let nat = "network: [{ nat: home, inside: pbx, outside: 203.0.113.7 }]\n"
  private static let firewall = "network: [{ firewall: edge, inside: pbx }]\n"
  private static let wire = "  wire: { wire: raw, address: 192.0.2.30 }\n"
  private static let ping =
    "  - send: { from: wire, to: kallglot, message: \"OPTIONS sip:sip.kallglot.com SIP/2.0\\n"
    + "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1;rport\\nMax-Forwards: 70\\nFrom: <sip:w@192.0.2.30>;tag=1\\n"
    + "To: <sip:sip.kallglot.com>\\nCall-ID: 1\\nCSeq: 1 OPTIONS\\nContent-Length: 0\\n\\n\" }\n"

  /// Each kind of expectation, broken, and the first words of its first cause.
  private static let kinds: [(key: String, steps: String, top: String, cast: String, cause: String)] = [
    (
      "leg", "  - fault: { drop: every INVITE }\n" + call + "  - expect: { leg: leg, is: ringing, within: 1 s }", "", "",
      "the fault 'drop every INVITE' dropped 2 of 2"
    ),
    (
      "at", "  - fault: { drop: every INVITE }\n" + call + "  - expect: { at: kallglot, is: ringing, within: 1 s }", "", "",
      "kallglot has no leg"
    ),
    (
      "modification",
      call + established
        + "  - fault: { drop: every INVITE, from: pbx }\n  - hold: pbx\n"
        + "  - expect: { modification: leg, is: refused, status: 488, within: 2 s }",
      "", "", "the fault 'drop every INVITE' dropped 3 of 3"
    ),
    (
      "hears", call + established + "  - expect: { hears: pbx, tone: 440 Hz, within: 1 s }", "", "",
      "kallglot sent 49 RTP packets to 192.0.2.20:10000, all of them arrived"
    ),
    (
      "mouthToEar",
      call + established + "  - speak: { who: pbx, mark: caller }\n  - expect: { mouthToEar: pbx, mark: caller, max: 1 s, within: 1 s }",
      "", "",
      "kallglot sent 49 RTP packets to 192.0.2.20:10000, all of them arrived"
    ),
    (
      "digits", call + established + "  - press: { who: kallglot, digits: \"1\" }\n  - expect: { digits: pbx, are: \"12\", within: 1 s }",
      "",
      "", "pbx got 1 (RFC 4733)"
    ),
    (
      "decision", call + "  - expect: { decision: allowlist, is: refused, within: 1 s }", "", "",
      "policy step 5 challenged: no credentials for realm"
    ),
    (
      "registered", "  - fault: { drop: every REGISTER }\n  - register: pbx\n  - expect: { registered: pbx, within: 1 s }", "", "",
      "the fault 'drop every REGISTER' dropped 2 of 2"
    ),
    (
      "pinged", "  - options: pbx\n  - expect: { pinged: pbx, status: 200, within: 1 s }", "policy: { sipAccess: false }\n", "",
      "policy step 4, sipAccess is off"
    ),
    (
      "message", ping + "  - expect: { message: wire, start: \"SIP/2.0 486*\", within: 1 s }", "", wire,
      "instead wire received #2 200 OK to OPTIONS"
    ),
    (
      "wire", ping + "  - expect: { wire: wire, is: closed, within: 1 s }", "",
      wire.replacing("192.0.2.30 }", with: "192.0.2.30, transport: tcp }"), "instead wire received #"
    ),
    (
      "dropped", call + established + "  - expect: { dropped: kallglot, within: 1 s }", "", "", "kallglot's leg is up"
    ),
    (
      "quality", call + established + "  - expect: { quality: kallglot, loss: \"> 50 %\", within: 1 s }", "", "",
      "pbx sent"
    ),
    ("buffer", call + established + "  - expect: { buffer: kallglot, within: 1 s }", "", "", "kallglot's leg is up"),
    ("reports", call + established + "  - expect: { reports: kallglot, within: 1 s }", "", "", "kallglot's leg is up"),
    (
      "tls", ping + "  - expect: { tls: wire, is: refused, alert: unknown_ca, within: 1 s }", "",
      wire.replacing("192.0.2.30 }", with: "192.0.2.30, transport: tls }"), "instead wire received #"
    ),
    (
      "packet", ping + "  - expect: { packet: wire, within: 1 s }", "",
      wire.replacing("192.0.2.30 }", with: "192.0.2.30, mediaPort: 4000 }"), "instead wire received #"
    ),
    (
      "violation", "  - fault: { drop: every ACK }\n" + call + "  - expect: { violation: cseq-not-higher, within: 1 s }", "", "",
      "the fault 'drop every ACK' dropped"
    ),
    (
      "tls", "  - call: { from: far, to: session demo, as: leg }\n  - expect: { tls: far, is: established, within: 1 s }", "",
      "  far: { persona: plain-caller, address: 192.0.2.21, transport: tls, account: acme, versions: 1.1 }\n",
      "far's leg ended"
    ),
    (
      "plaintext", call + established + "  - never: { plaintext: RTP, by: kallglot, during: 1 s }", "", "",
      "kallglot has agreed on PCMU, sendrecv"
    ),
    ("ports", call + established + "  - expect: { ports: kallglot, opened: 0, within: 1 s }", "", "", "policy step"),
    (
      "sends", call + established + "  - never: { sends: kallglot, what: RTP, during: 1 s }", "", "",
      "kallglot has agreed on PCMU, sendrecv"
    ),
    (
      "nat", "  - call: { from: kallglot, to: pbx, as: leg }\n  - expect: { nat: home, drops: expired, within: 1 s }", nat, "",
      "NAT home dropped"
    ),
    (
      "firewall", "  - call: { from: kallglot, to: pbx, as: leg }\n  - expect: { firewall: edge, drops: pinhole-closed, within: 1 s }",
      firewall, "", "firewall edge dropped"
    ),
    (
      "latched", call + established + "  - expect: { latched: kallglot, to: 203.0.113.9, within: 1 s }", "", "",
      "pbx sent 50 RTP packets to 198.51.100.10:20000, all of them arrived"
    ),
  ]

  @Test func `every kind of expectation has a break here`() {
    #expect(Set(Self.kinds.map(\.key)) == Set(ExpectationRegistry.kinds.map { $0.key }))
  }

  @Test(arguments: Self.kinds.indices) func `whatever is expected, its break has a cause`(index: Int) throws {
    let kind = Self.kinds[index]
    let finding = try #require(try run(kind.steps, top: kind.top, cast: kind.cast).findings.last, "\(kind.key)")
    #expect(finding.because.first?.description.hasPrefix(kind.cause) == true, "\(kind.key): \(finding.because)")
  }

  /// Steps that cannot be carried out say why as well.
  @Test(arguments: [
    ("hangUp: pbx", "pbx has no leg"), ("hold: pbx", "pbx has no leg"), ("speak: { on: pbx, tone: 440 Hz }", "pbx has no leg"),
    ("reply: { from: wire, to: pbx, status: 200 OK }", "kallglot sent no message to wire"),
    ("request: { from: wire, to: kallglot, method: BYE }", "kallglot sent no message to wire"),
    ("send: { from: wire, to: kallglot, message: \"ACK ${received.Contact.uri} SIP/2.0\" }", "kallglot sent no message to wire"),
    ("inject: { from: wire, to: kallglot, tone: 440 Hz }", "kallglot has no leg"),
  ])
  func `a step that cannot be done says why`(step: String, cause: String) throws {
    let finding = try #require(try run("  - \(step)\n", cast: Self.wire).findings.first)
    #expect(finding.because.first?.description.hasPrefix(cause) == true, "\(finding.because)")
  }

  @Test func `a gateway that breaks a message, and a reboot, are causes in words (RFC 4787 §7)`() throws {
    let home = Self.nat.replacing("203.0.113.7 }", with: "203.0.113.7, alg: keeps-content-length }")
    let refused = "  - expect: { leg: leg, is: refused, status: 400, within: 1 s }"
    let broken = try run(call + refused, top: home).findings.flatMap(\.because).map(\.description)
    #expect(broken.contains { $0.hasPrefix("the ALG of home rewrote ") && $0.contains("but left Content-Length at ") }, "\(broken)")
    let steps = """
        - register: pbx
        - expect: { registered: pbx, within: 1 s }
        - reboot: home
        - call: { from: kallglot, to: account acme, as: leg }
        - expect: { leg: leg, is: established, within: 1 s }
      """
    let rebooted = try run(steps, top: Self.nat).findings.flatMap(\.because).map(\.description)
    #expect(rebooted.contains { $0.hasPrefix("home rebooted at ") }, "\(rebooted)")
  }

  @Test func `where nothing is known it is said what was looked at`() throws {
    let findings = try run("  - expect: { violation: cseq-not-higher, within: 1 s }\n").findings
    #expect(findings.map(\.because) == [[.unknown([.policy, .network, .legs])]])
    #expect(
      findings.first?.because.first?.description
        == "nothing that is known explains it: no policy step refused, no link, fault or NAT took a message, no leg ended")
  }

  @Test func `what happened before the step did something is not its cause`() throws {
    let steps =
      "  - fault: { drop: the 1st 200 INVITE, from: kallglot }\n" + call + established
      + "  - wait: 1 s\n  - hangUp: pbx\n  - expect: { leg: leg, is: refused, within: 1 s }\n"
    let causes = try #require(try run(steps).findings.first?.because)
    #expect(!causes.contains { if case .fault = $0 { true } else { false } }, "\(causes)")
  }

  @Test func `who was hung up on is explained by the side that did it`() throws {
    let steps = call + established + "  - hangUp: kallglot\n  - never: { leg: leg, is: ended, during: 1 s }\n"
    let causes = try #require(try run(steps).findings.first?.because)
    #expect(causes.contains { if case .legEnded("pbx", _, .hungUpByPeer, _) = $0 { true } else { false } }, "\(causes)")
  }
}
