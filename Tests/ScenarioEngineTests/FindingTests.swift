import LabBench
import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

/// What a finding shows: the line, the message to blame, when it was there.
@Suite struct FindingTests {
  private let head = """
    summary: x
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }

    """

  private func run(_ text: String, file: String = "a/x.yaml", loader: SourceLoader = .none) throws -> [ScenarioResult] {
    let read = ScenarioFile.read(text, file: file, loader: loader)
    #expect(read.problems == [])
    return try read.scenarios.map { try VirtualStage($0, seed: 1).run() }
  }

  private func run(steps: String, top: String = "") throws -> ScenarioResult {
    try #require(try run(head + top + "steps:\n" + steps).first)
  }

  private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

  // MARK: - file:line

  @Test func `a step of an included file is named by that file and its line`() throws {
    let text = head + "steps:\n  - include: _call.yaml\n  - hangUp: pbx\n"
    let inner = "steps:\n  - call: { from: pbx, to: session nobody, as: leg }\n  - expect: { leg: leg, is: established }\n"
    let findings = try run(text, loader: .files(["a/_call.yaml": inner])).flatMap(\.findings)
    #expect(findings.map(\.place) == [SourcePlace(file: "a/_call.yaml", line: 3)])
    #expect(findings.map(\.step) == ["expect leg is established within 5.0 seconds"])
  }

  @Test func `a row of a table is found at the step of the file, not at the row`() throws {
    let text =
      head + "table: { to: [session demo, session nobody] }\nsteps:\n  - call: { from: pbx, to: \"${to}\" }\n"
      + "  - expect: { leg: leg, is: established, within: 1 s }\n"
    let results = try run(text)
    #expect(results.map(\.verdict) == [.passed, .failed])
    #expect(results[1].findings.map(\.place) == [SourcePlace(file: "a/x.yaml", line: 9)])
  }

  @Test func `of several expectations in any order the one that is not met is named by its own line`() throws {
    let steps = """
        - call: { from: pbx, to: session demo, as: leg }
        - inAnyOrder:
            all:
              - { leg: leg, is: established }
              - { hears: pbx, tone: 440 Hz }
            within: 1 s

      """
    #expect(try run(steps: steps).findings.map(\.place) == [SourcePlace(file: "a/x.yaml", line: 11)])
  }

  @Test func `a fault that met nothing is named by its line, also when it stands over several`() throws {
    let steps = "  - fault:\n      drop: the 1st CANCEL\n  - call: { from: pbx, to: session demo, as: leg }\n"
    #expect(try run(steps: steps).findings.map(\.place) == [SourcePlace(file: "a/x.yaml", line: 7)])
  }

  @Test func `what must never be is named by its own line at the top of the file`() throws {
    let top = "never:\n  - { decision: allowlist, is: refused }\n  - { leg: leg, is: established }\n"
    let findings = try run(steps: "  - call: { from: pbx, to: session demo, as: leg }\n  - wait: 1 s\n", top: top).findings
    #expect(findings.map(\.place) == [SourcePlace(file: "a/x.yaml", line: 8)])
    #expect(findings.map(\.step) == ["never: leg is established"])
  }

  // MARK: - The message to blame

  /// The frame has its own time, which is not that of the verdict.
  @Test(arguments: [
    ("is: established, within: 4 s", "drop: every 200 INVITE", "180 Ringing to INVITE", Exhibit.Direction.received, Int64(4)),
    ("is: ended, because: timer-b, within: 4 s", "drop: every 180 INVITE", "200 OK to INVITE", .received, 4),
    (
      "is: refused, status: 403, within: 40 s", "drop: every INVITE", "INVITE sip:sess_demo@sip.kallglot.com, dropped by a fault", .sent,
      31_500
    ),
  ])
  func `the message is the one that the leg's last news speak of`(
    wish: String, fault: String, text: String, direction: Exhibit.Direction, at: Int64
  ) throws {
    let steps =
      "  - fault: { \(fault), optional: true }\n  - call: { from: pbx, to: session demo, as: leg }\n  - expect: { leg: leg, \(wish) }\n"
    let exhibit = try #require(try run(steps: steps).findings.first?.exhibit)
    #expect((exhibit.text, exhibit.direction, exhibit.at) == (text, direction, milliseconds(at)))
  }

  @Test func `with RTP at the same instant a leg that the peer ended is still shown by its BYE`() throws {
    let steps = """
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established }
        - speak: { on: pbx, tone: 440 Hz }
        - wait: 1 s
        - hangUp: kallglot
        - expect: { leg: leg, is: ended, because: cancel }

      """
    let exhibit = try #require(try run(steps: steps).findings.first?.exhibit)
    #expect(exhibit.text.hasPrefix("BYE sip:"))
    #expect(exhibit.direction == .received)
  }

  @Test func `two calls at once are told apart by their Call-IDs`() throws {
    let text =
      head + "  other: { persona: plain-caller, address: 192.0.2.21, account: acme, rejectsWith: 486 }\nsteps:\n"
      + "  - call: { from: kallglot, to: pbx, as: one }\n  - call: { from: kallglot, to: other, as: two }\n"
      + "  - expect: { leg: one, is: refused, status: 480, within: 1 s }\n"
    let exhibit = try #require(try run(text).first?.findings.first?.exhibit)
    #expect(exhibit.text == "200 OK to INVITE")
  }

  @Test func `over TLS the message is named as well`() throws {
    let text =
      (head + "steps:\n").replacing("account: acme }\nsteps", with: "account: acme, transport: tls }\nsteps")
      + "  - call: { from: pbx, to: session nobody, as: leg }\n  - expect: { leg: leg, is: established }\n"
    let finding = try #require(try run(text).first?.findings.first)
    #expect(finding.exhibit?.text == "404 Not Found to INVITE over TLS")
  }

  // MARK: - Rules that a peer broke

  @Test func `a breach is a finding with who broke it, its first time and its frame`() throws {
    let steps = """
        - wait: 50 ms
        - send:
            from: wire
            to: pbx
            message: |+
              OPTIONS sip:pbx@192.0.2.20 SIP/2.0
              Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK-1;rport
              From: <sip:wire@192.0.2.30>;tag=w
              To: <sip:pbx@192.0.2.20>
              Call-ID: o@192.0.2.30
              CSeq: 1 OPTIONS
              Content-Length: 0

        - wait: 1 s

      """
    let result = try #require(try run(head + "  wire: { wire: raw, address: 192.0.2.30 }\nsteps:\n" + steps).first)
    let finding = try #require(result.findings.first)
    #expect(result.findings.count == 1)
    #expect(finding.rule == "message-form, RFC 3261 §8.1.1.6")
    #expect(finding.observed.hasPrefix("pbx saw wire break it: OPTIONS"))
    #expect(finding.place == SourcePlace(file: "a/x.yaml", line: 1))
    #expect(finding.at == finding.exhibit?.at && finding.at > milliseconds(49) && finding.at < milliseconds(100))
    #expect(finding.exhibit?.direction == .received)
  }

  @Test func `a packet that a fault of the scenario changed is nobody's breach`() throws {
    let steps = """
        - fault: { replace: the 1st INVITE, from: pbx, text: "Max-Forwards: 70", with: "Max-Forwards: 7x" }
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established }

      """
    let result = try run(steps: steps)
    #expect(result.verdict == .passed)
    #expect(result.breaches.contains { $0.rule.id == "message-form" && $0.member == "kallglot" && $0.severity == .note })
  }

  @Test func `a breach that both sides show is one finding, as its receiver shows it; that of another call is another`() throws {
    let text = head + "steps:\n  - call: { from: pbx, to: session demo, as: leg }\n  - wait: 1 s\n"
    var engine = ScenarioEngine(try Scenario.read(text.replacing("192.0.2.20", with: "\(alice)"), file: "x.yaml"))
    let seen = [breach("one", at: "pbx"), breach("one", count: 3), breach("two", at: "pbx")]
    _ = engine.conclude(unmet: [], witness: Witness(seen), at: .zero)
    #expect(
      engine.findings.map(\.observed) == [
        "kallglot saw pbx break it 3 times: CSeq is 1 again", "pbx broke it: CSeq is 1 again",
      ])
    #expect(engine.findings.map(\.count) == [3, 1])
    #expect(engine.findings.map(\.rule) == ["cseq-not-higher, RFC 3261 §12.2.1.1", "cseq-not-higher, RFC 3261 §12.2.1.1"])
  }

  @Test func `a refusal that nobody acknowledges is shown by the refusal, not by what came last (Timer H, RFC 3261 §17.2.1)`() throws {
    let steps = "  - fault: { drop: every ACK, from: pbx }\n  - call: { from: pbx, to: session nobody, as: leg }\n  - wait: 40 s\n"
    let findings = try run(steps: steps).findings
    #expect(findings.map(\.rule) == ["refusal-not-acknowledged, RFC 3261 §17.1.1.3"])
    #expect(findings.map { $0.exhibit?.direction } == [.sent])
    #expect(findings.map { $0.exhibit?.text } == ["401 Unauthorized to INVITE"])
  }
}
