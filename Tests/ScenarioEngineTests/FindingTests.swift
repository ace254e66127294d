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

  @Test func `a breach is a finding with the peer, its first time and its frame`() throws {
    let steps = """
        - fault: { corrupt: the 3rd RTP, at: 0, from: pbx }
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established }
        - wait: 1 s

      """
    let result = try run(steps: steps)
    let finding = try #require(result.findings.first)
    #expect(result.findings.count == 1)
    #expect(finding.rule == "rtp-malformed, RFC 3550 §5.1")
    #expect(finding.expected == "an RTP packet has a complete header of version 2")
    #expect(finding.observed == "kallglot saw pbx break it: RTP version is 1, not 2 (RFC 3550 §5.1)")
    #expect(finding.place == SourcePlace(file: "a/x.yaml", line: 1))
    #expect(finding.at < milliseconds(100))
    #expect(finding.exhibit?.at == finding.at)
    #expect(finding.exhibit?.direction == .received)
  }

  @Test func `the same breach of one call is one finding with a count, that of another call is another`() throws {
    let text = head + "steps:\n  - call: { from: pbx, to: session demo, as: leg }\n  - wait: 1 s\n"
    let scenario = try Scenario.read(text, file: "x.yaml")
    var engine = ScenarioEngine(scenario)
    _ = engine.handle([.began], at: .zero)
    for (index, callID) in ["one", "one", "two", "one"].enumerated() {
      let violation = PeerViolation(.sequenceNotHigher, "\(index)")
      let event = StageEvent.word("kallglot", .violation(callID: callID, violation), FrameCitation(HostID(0), 9))
      _ = engine.handle([event], at: milliseconds(Int64(index)))
    }
    _ = engine.handle([.deadline], at: .zero)
    _ = engine.handle([.deadline], at: milliseconds(1_000))
    #expect(engine.findings.map(\.count) == [3, 1])
    #expect(engine.findings.map(\.at) == [.zero, milliseconds(2)])
    #expect(engine.findings.map(\.observed) == ["kallglot saw its peer break it 3 times: 0", "kallglot saw its peer break it: 2"])
  }

  @Test func `a refusal that nobody acknowledges is shown by the refusal, not by what came last (Timer H, RFC 3261 §17.2.1)`() throws {
    let steps = "  - fault: { drop: every ACK, from: pbx }\n  - call: { from: pbx, to: session nobody, as: leg }\n  - wait: 40 s\n"
    let findings = try run(steps: steps).findings
    #expect(findings.map(\.rule) == ["refusal-not-acknowledged, RFC 3261 §17.2.1"])
    // The challenge and the refusal of the same call.
    #expect(findings.map(\.count) == [2])
    #expect(findings.map { $0.exhibit?.direction } == [.sent])
    #expect(findings.map { $0.exhibit?.text } == ["401 Unauthorized to INVITE"])
  }
}
