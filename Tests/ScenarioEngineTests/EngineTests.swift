import KallglotPolicy
import LabBench
import Rules
import SansIO
import ScenarioModel
import Testing
import WireReader

@testable import ScenarioEngine

private let answered = """
  summary: a call
  given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
  cast:
    kallglot: { endpoint: default, address: 198.51.100.10 }
    pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
  steps:
    - call: { from: pbx, to: session demo, as: leg }
    - expect: { leg: leg, is: established, within: 2 s }
    - hangUp: pbx
    - expect: { leg: leg, is: ended, because: hang-up, within: 1 s }
  """

/// The engine alone: a stage made of a list of events.
@Suite struct EngineOnAFakeStageTests {
  private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

  private func words(_ commands: [StageCommand]) -> [String] {
    commands.compactMap { command in
      switch command {
      case .call(let from, _, let name): "call \(from) \(name)"
      case .hangUp(let leg): "hang up \(leg)"
      case .hangUpAll: "hang up all"
      case .finding(let finding): "finding: \(finding.expected); \(finding.observed); frame \(finding.evidence?.frame ?? 0)"
      case .note, .cancel, .hold, .resume, .reinvite, .speak, .press, .sendCodec, .register, .unregister, .options, .administer, .send,
        .inject, .wire, .setPassword, .fault, .reboot, .move, .impair, .host:
        nil
      }
    }
  }

  /// Tells an engine of messages between the PBX and the endpoint, as the PBX's packets show them.
  private struct Tap {
    let talk = Talk(callID: "c")
    private let reader = PassiveReader(path: "pbx")
    private var frame: UInt32 = 0

    mutating func see(_ bytes: Bytes, isSent: Bool, at now: Instant) throws -> StageEvent {
      frame += 1
      let (near, far) = (TransportAddress(alice, port: 5060), TransportAddress(bob, port: 5060))
      let packet = PacketRecord(
        at: now, host: HostID(1), frame: frame, direction: isSent ? .sent : .received, carrier: .udp, source: isSent ? near : far,
        destination: isSent ? far : near, payload: bytes, label: .none)
      for case .message(let message, _, let repetition) in reader.take(packet) {
        let citation = FrameCitation(HostID(1), frame)
        return .seen("pbx", SeenMessage(message.message, message, isSent: isSent, isCopy: repetition > 0, frame: citation))
      }
      throw NothingSeen()
    }

    struct NothingSeen: Error {}

    mutating func sent(_ method: String, cseq: Int = 1, inDialog: Bool = false, sdp: String = "", at now: Instant) throws -> StageEvent {
      try see(talk.request(method, cseq: cseq, inDialog: inDialog, sdp: sdp), isSent: true, at: now)
    }

    mutating func received(_ status: String, to method: String = "INVITE", cseq: Int = 1, sdp: String = "", at now: Instant) throws
      -> StageEvent
    {
      try see(talk.response(status, cseq: cseq, method, sdp: sdp), isSent: false, at: now)
    }
  }

  private let offer = Talk.sdp(alice, 4_000)
  private let answer = Talk.sdp(bob, 5_000)

  @Test func `steps follow each other by messages and deadlines alone`() throws {
    var (engine, tap) = (ScenarioEngine(try Scenario.read(answered, file: "x.yaml")), Tap())
    #expect(words(engine.handle([.began], at: .zero)) == ["call pbx leg"])
    #expect(engine.nextDeadline == .zero)
    _ = engine.handle([try tap.sent("INVITE", sdp: offer, at: .zero)], at: .zero)
    #expect(words(engine.handle([.deadline], at: .zero)).isEmpty)
    #expect(engine.nextDeadline == milliseconds(2_000))
    let up = milliseconds(80)
    #expect(words(engine.handle([try tap.received("200 OK", sdp: answer, at: up)], at: up)).isEmpty)
    #expect(words(engine.handle([try tap.sent("ACK", inDialog: true, at: up)], at: up)) == ["hang up leg of pbx (Call-ID c)"])
    _ = engine.handle([.deadline], at: up)
    #expect(words(engine.handle([try tap.sent("BYE", cseq: 2, inDialog: true, at: up)], at: up)).isEmpty)
    let over = milliseconds(90)
    #expect(words(engine.handle([try tap.received("200 OK", to: "BYE", cseq: 2, at: over)], at: over)) == ["hang up all"])
    #expect(!engine.isOver)
    _ = engine.handle([.deadline], at: milliseconds(290))
    #expect(engine.isOver)
    #expect(engine.verdict == .passed)
  }

  @Test func `an expectation that is not met in time says what was seen and where`() throws {
    var (engine, tap) = (ScenarioEngine(try Scenario.read(answered, file: "x.yaml")), Tap())
    _ = engine.handle([.began], at: .zero)
    _ = engine.handle([try tap.sent("INVITE", sdp: offer, at: .zero)], at: .zero)
    _ = engine.handle([try tap.received("180 Ringing", at: milliseconds(50))], at: milliseconds(50))
    let commands = words(engine.handle([.deadline], at: milliseconds(2_000)))
    #expect(commands == ["finding: leg is established within 2.0 seconds; the leg is ringing after 2.0 seconds; frame 2", "hang up all"])
    #expect(engine.verdict == .failed)
  }

  @Test func `what cannot come true any more fails at once`() throws {
    var (engine, tap) = (ScenarioEngine(try Scenario.read(answered, file: "x.yaml")), Tap())
    _ = engine.handle([.began], at: .zero)
    _ = engine.handle([try tap.sent("INVITE", sdp: offer, at: .zero)], at: .zero)
    _ = engine.handle([try tap.received("403 Forbidden", at: milliseconds(10))], at: milliseconds(10))
    #expect(engine.findings.map(\.observed) == ["refused with 403 Forbidden"])
    #expect(engine.findings.first?.at == milliseconds(10))
  }

  /// A member's word counts only where its packets cannot show it.
  @Test func `a member that says its call ended without a message of it is not believed, and one whose INVITE was never answered is`()
    throws
  {
    for (reason, observed) in [
      (EndReason.hungUpHere, "the leg is placed after 2.0 seconds"), (.timerB, "the leg ended: \(EndReason.timerB)"),
    ] {
      var (engine, tap) = (ScenarioEngine(try Scenario.read(answered, file: "x.yaml")), Tap())
      _ = engine.handle([.began], at: .zero)
      _ = engine.handle([try tap.sent("INVITE", sdp: offer, at: .zero)], at: .zero)
      _ = engine.handle([.word("pbx", .ended(callID: "c", reason, packetsReceived: nil), nil)], at: milliseconds(10))
      _ = engine.handle([.deadline], at: milliseconds(2_000))
      #expect(engine.findings.map(\.observed) == [observed])
    }
  }

  @Test func `what was broken comes before the expectation that was not met by it`() throws {
    var (engine, tap) = (ScenarioEngine(try Scenario.read(answered, file: "x.yaml")), Tap())
    _ = engine.handle([.began], at: .zero)
    _ = engine.handle([try tap.sent("INVITE", sdp: offer, at: .zero)], at: .zero)
    _ = engine.handle([.deadline], at: milliseconds(2_000))
    _ = engine.conclude(unmet: [], witness: Witness([breach("c")]), at: milliseconds(6_000))
    #expect(engine.findings.map(\.rule) == ["cseq-not-higher, RFC 3261 §12.2.1.1", "RFC 3261 §13"])
  }

  @Test func `a peer that breaks a rule fails the run, unless the scenario allows that rule`() throws {
    for (allowed, verdict) in [("[]", Verdict.failed), ("cseq-not-higher", .passed), ("[rtp-source, min-expires]", .failed)] {
      var (engine, tap) = (ScenarioEngine(try Scenario.read(answered + "\nallowViolations: \(allowed)", file: "x.yaml")), Tap())
      let now = Instant.zero
      _ = engine.handle([.began], at: now)
      let up = [
        try tap.sent("INVITE", sdp: offer, at: now), try tap.received("200 OK", sdp: answer, at: now),
        try tap.sent("ACK", inDialog: true, at: now), .deadline,
      ]
      _ = engine.handle(up, at: now)
      _ = engine.handle([.deadline], at: now)
      let over = [try tap.sent("BYE", cseq: 2, inDialog: true, at: now), try tap.received("200 OK", to: "BYE", cseq: 2, at: now)]
      _ = engine.handle(over, at: now)
      _ = engine.handle([.deadline], at: milliseconds(200))
      #expect(engine.isOver)
      _ = engine.conclude(unmet: [], witness: Witness([breach("c")]), at: milliseconds(200))
      #expect(engine.verdict == verdict)
    }
  }
}

/// A stage whose packets show this.
struct Witness: PacketWitness {
  let breaches: [SeenBreach]
  init(_ breaches: [SeenBreach]) { self.breaches = breaches }
  func breaches(at now: Instant) -> [SeenBreach] { breaches }
  func exhibit(_ frame: FrameCitation) -> Exhibit? { nil }
  func flows(of member: Int, isWhole: Bool) -> [PacketFlow] { [] }
  func sent(by member: Int, _ subject: Label.Subject) -> [Bytes] { [] }
}

/// BYE with a CSeq number that did not grow, as the endpoint's packets show it of the PBX.
func breach(_ callID: String, at member: String = "kallglot", count: Int = 1) -> SeenBreach {
  SeenBreach(
    .sequenceNotHigher, .error, at: member, by: alice, section: "RFC 3261 §12.2.1.1", "CSeq is 1 again", callID: callID,
    FrameCitation(HostID(0), 9), count: count)
}

/// The same scenario on the virtual stage.
@Suite struct EngineOnTheVirtualStageTests {
  private static let calling = "account: acme }\nsteps"
  /// From the call's coming up to its end.
  private static let course =
    "is: established, within: 2 s }\n  - hangUp: pbx\n  - expect: { leg: leg, is: ended, because: hang-up, within: 1 s }"

  /// The scenario with one place changed; a place that is not there fails the test.
  private func changed(_ old: String, to new: String, in text: String = answered) throws -> String {
    try #require(text.contains(old), "\(old)")
    return text.replacing(old, with: new)
  }

  private func run(_ text: String, seed: UInt64 = 1, sinks: [any JournalSink] = []) throws -> ScenarioResult {
    try VirtualStage(try Scenario.read(text, file: "x.yaml"), seed: seed, sinks: sinks).run()
  }

  @Test func `the call comes up and ends`() throws { #expect(try run(answered).verdict == .passed) }

  @Test func `a finding names the frame that brought the refusal`() throws {
    let result = try run(try changed(Self.calling, to: "account: acme, password: wrong }\nsteps"))
    #expect(result.verdict == .failed)
    let finding = try #require(result.findings.first)
    #expect(finding.observed == "refused with 403 Forbidden")
    // Frame 1 INVITE, 2 401, 3 ACK, 4 INVITE, 5 403.
    #expect(result.citation(finding.evidence) == "pbx#5")
  }

  /// The policy's order (contract 8.1): what is refused, and by which step.
  @Test(arguments: [
    ("transports: [tls]", "to: session demo", 403, "transport"), ("requireTLS: true", "to: session demo", 403, "requireTLS"),
    ("allow: [10.0.0.0/8]", "to: session demo", 403, "allowlist"), ("sipAccess: false", "to: session demo", 403, "sipAccess"),
    ("maxConcurrentCalls: 0", "to: session demo", 486, "concurrency"),
    ("maxConcurrentCalls: 0, capReachedStatus: 503", "to: session demo", 503, "concurrency"),
    ("sipAccess: true", "to: session nobody", 404, "session"), ("inboundFirst: false", "to: sip:+49@sip.kallglot.com", 404, "session"),
    ("sipAccess: true", "to: sip:+49@elsewhere.example", 404, "session"), ("requireSRTP: true", "to: session demo", 488, "description"),
    ("allow: [10.0.0.0/8], sipAccess: false, requireTLS: true", "to: session demo", 403, "requireTLS"),
  ])
  func `each step of the policy refuses with its status, the first one first (contract 8.1)`(
    policy: String, to: String, status: Int, rule: String
  ) throws {
    let refused = "is: refused, status: \(status), within: 2 s }\n  - expect: { decision: \(rule), is: refused }"
    let called = try changed("to: session demo", to: to, in: try changed(Self.course, to: refused))
    let text = try changed("steps:", to: "policy: { \(policy) }\nsteps:", in: called)
    let result = try run(text)
    #expect(result.verdict == .passed, "\(result.findings)")
  }

  @Test func `a dropped caller gets no answer at all, and Timer B ends its call (contract 8.1)`() throws {
    let ended = try changed(Self.course, to: "is: ended, because: timer-b, within: 33 s }")
    let text = try changed("steps:", to: "policy: { allow: [10.0.0.0/8], allowlistRefusal: drop }\nsteps:", in: ended)
    let senders = Senders()
    #expect(try run(text, sinks: [senders]).verdict == .passed)
    #expect(senders.addresses == [IPAddress("192.0.2.20")])
  }

  private final class Senders: JournalSink {
    private(set) var addresses: Set<IPAddress?> = []
    func hostAdded(_ host: HostID, name: String) {}
    func packet(_ packet: PacketRecord) { if packet.direction == .sent { addresses.insert(packet.source.address) } }
    func record(_ record: JournalRecord) {}
    func finish(at now: Instant) {}
  }

  @Test func `an ended session is 410, a third leg 486 (contract 8.3)`() throws {
    let session = try changed("demo: { account: acme }", to: "demo: { account: acme, state: ended }")
    let ended = try changed(Self.course, to: "is: refused, status: 410, within: 2 s }", in: session)
    #expect(try run(ended).verdict == .passed)
    let third = """
      is: established, within: 2 s }
        - call: { from: pbx, to: session demo, as: second }
        - expect: { leg: second, is: established, within: 2 s }
        - call: { from: pbx, to: session demo, as: third }
        - expect: { leg: third, is: refused, status: 486, within: 2 s }
        - expect: { decision: session, is: refused }
      """
    let result = try run(try changed(Self.course, to: third))
    #expect(result.verdict == .passed, "\(result.findings)")
  }

  @Test func `two hundred calls in and out leave no slot taken`() throws {
    var steps = ""
    for index in 0..<200 {
      steps +=
        "  - call: { from: pbx, to: \"sip:+49@sip.kallglot.com\", as: l\(index) }\n"
        + "  - expect: { leg: l\(index), is: established, within: 2 s }\n"
      steps += "  - hangUp: \(index % 2 == 0 ? "pbx" : "kallglot")\n  - expect: { leg: l\(index), is: ended, within: 2 s }\n"
    }
    let text = try changed("steps:", to: "policy: { maxConcurrentCalls: 1, mediaPorts: 20000-20003 }\nsteps:")
    let head = text.split(separator: "steps:")[0]
    #expect(try run(head + "steps:\n" + steps).verdict == .passed)
  }

  @Test func `a seed repeats a run, packet for packet, and another seed gives another one`() throws {
    final class Prints: JournalSink {
      var hash = Hasher()
      var packets: [Bytes] = []
      func hostAdded(_ host: HostID, name: String) {}
      func packet(_ packet: PacketRecord) { packets.append(packet.payload) }
      func record(_ record: JournalRecord) {}
      func finish(at now: Instant) {}
    }
    func packets(_ seed: UInt64) throws -> [Bytes] {
      let prints = Prints()
      _ = try run(try changed(Self.calling, to: "account: acme, transport: tls }\nsteps"), seed: seed, sinks: [prints])
      return prints.packets
    }
    #expect(try packets(1) == packets(1))
    #expect(try packets(1) != packets(2))
  }
}
