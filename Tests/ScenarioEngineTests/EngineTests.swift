import Kallglot
import CallControl
import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import ScenarioModel
import Testing

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
      case .note, .cancel, .hold, .resume, .reinvite, .speak, .register, .unregister, .options, .administer, .send, .inject, .fault: nil
      }
    }
  }

  private func facts() -> LegFacts {
    LegFacts(
      direction: .outgoing, callID: "c", from: "a", to: "b", transport: .udp, peer: TransportAddress(IPAddress(v4: 1), port: 5060),
      name: "leg")
  }

  private var agreement: AudioAgreement {
    let address = TransportAddress(IPAddress(v4: 1), port: 1)
    return AudioAgreement(
      codec: .pcmu, local: address, remote: address, remoteControl: address, direction: .sendrecv, sendPayloadType: 0,
      receivePayloadType: 0,
      packetTime: 20)
  }

  @Test func `steps follow each other by events and deadlines alone`() throws {
    var engine = ScenarioEngine(try Scenario.read(answered, file: "x.yaml"))
    #expect(words(engine.handle(.began, at: .zero)) == ["call pbx leg"])
    #expect(engine.nextDeadline == .zero)
    _ = engine.handle(.party("pbx", .started(LegID(1), facts()), nil), at: .zero)
    #expect(words(engine.handle(.deadline, at: .zero)).isEmpty)
    #expect(engine.nextDeadline == milliseconds(2_000))
    #expect(
      words(engine.handle(.party("pbx", .established(LegID(1), agreement), nil), at: milliseconds(80))) == [
        "hang up leg of pbx (Call-ID c)"
      ])
    _ = engine.handle(.deadline, at: milliseconds(80))
    #expect(words(engine.handle(.party("pbx", .ended(LegID(1), .hungUpHere, nil), nil), at: milliseconds(90))) == ["hang up all"])
    #expect(!engine.isOver)
    _ = engine.handle(.deadline, at: milliseconds(290))
    #expect(engine.isOver)
    #expect(engine.verdict == .passed)
  }

  @Test func `an expectation that is not met in time says what was seen and where`() throws {
    var engine = ScenarioEngine(try Scenario.read(answered, file: "x.yaml"))
    _ = engine.handle(.began, at: .zero)
    _ = engine.handle(.party("pbx", .started(LegID(1), facts()), nil), at: .zero)
    _ = engine.handle(.party("pbx", .ringing(LegID(1), status: 180), FrameCitation(HostID(1), 7)), at: milliseconds(50))
    let commands = words(engine.handle(.deadline, at: milliseconds(2_000)))
    #expect(commands == ["finding: leg is established within 2.0 seconds; the leg is ringing after 2.0 seconds; frame 7", "hang up all"])
    #expect(engine.verdict == .failed)
  }

  @Test func `what cannot come true any more fails at once`() throws {
    var engine = ScenarioEngine(try Scenario.read(answered, file: "x.yaml"))
    _ = engine.handle(.began, at: .zero)
    _ = engine.handle(.party("pbx", .started(LegID(1), facts()), nil), at: .zero)
    _ = engine.handle(.party("pbx", .refused(LegID(1), status: 403, phrase: "Forbidden", explanation: nil), nil), at: milliseconds(10))
    _ = engine.handle(.party("pbx", .ended(LegID(1), .refused(status: 403), nil), FrameCitation(HostID(1), 2)), at: milliseconds(10))
    #expect(engine.findings.map(\.observed) == ["refused with 403 Forbidden"])
    #expect(engine.findings.first?.at == milliseconds(10))
  }

  @Test func `a peer that breaks a rule fails the run, unless the scenario allows that rule`() throws {
    for (allowed, verdict) in [("[]", Verdict.failed), ("cseq-not-higher", .passed), ("[rtp-source, min-expires]", .failed)] {
      var engine = ScenarioEngine(try Scenario.read(answered + "\nallowViolations: \(allowed)", file: "x.yaml"))
      _ = engine.handle(.began, at: .zero)
      _ = engine.handle(.party("pbx", .started(LegID(1), facts()), nil), at: .zero)
      _ = engine.handle(.party("kallglot", .violation(nil, PeerViolation(.sequenceNotHigher)), nil), at: .zero)
      _ = engine.handle(.party("pbx", .established(LegID(1), agreement), nil), at: .zero)
      _ = engine.handle(.deadline, at: .zero)
      _ = engine.handle(.party("pbx", .ended(LegID(1), .hungUpHere, nil), nil), at: .zero)
      _ = engine.handle(.deadline, at: milliseconds(200))
      #expect(engine.isOver)
      #expect(engine.verdict == verdict)
    }
  }
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
