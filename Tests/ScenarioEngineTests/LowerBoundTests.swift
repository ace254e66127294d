import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

private let head = """
  summary: s
  cast:
    pbx: { persona: plain-caller, address: 192.0.2.20 }
    wire: { wire: raw, address: 192.0.2.30 }
  steps:
    - call: { from: pbx, to: wire, as: leg }
    - expect: { message: wire, start: "INVITE *", within: 1 s }

  """

private func run(_ step: String) throws -> ScenarioResult {
  try VirtualStage(try Scenario.read("\(head)  - expect: \(step)\n", file: "x.yaml"), seed: 1).run()
}

@Suite struct LowerBoundTests {
  @Test func `what comes between notBefore and within is in time: Timer A (RFC 3261 §17.1.1.2)`() throws {
    #expect(try run(#"{ message: wire, start: "INVITE *", times: 2, notBefore: 500 ms, within: 501 ms }"#).verdict == .passed)
    #expect(try run(#"{ message: wire, start: "INVITE *", times: exactly 2, notBefore: 500 ms, within: 1 s }"#).verdict == .passed)
  }

  @Test(arguments: ["2", "exactly 2"])
  func `what comes earlier is a finding that says when it came`(times: String) throws {
    let result = try run("{ message: wire, start: \"INVITE *\", times: \(times), notBefore: 600 ms, within: 1 s }")
    #expect(result.verdict == .failed)
    #expect(result.findings.map(\.observed).allSatisfy { $0.hasSuffix(" already after 0.5 seconds") }, "\(result.findings)")
    #expect(result.findings.first?.expected.hasSuffix(" not before 0.6 seconds, but within 1.0 seconds") == true)
    #expect(result.findings.first?.evidence != nil)
  }

  @Test func `what is so when the step begins came too early`() throws {
    let result = try run(#"{ message: wire, start: "INVITE *", notBefore: 100 ms, within: 1 s }"#)
    #expect(result.findings.first?.observed.hasSuffix(" already after 0.0 seconds") == true, "\(result.findings)")
  }

  @Test func `what never comes is a finding as without a lower bound`() throws {
    let result = try run(#"{ message: wire, start: "BYE *", notBefore: 100 ms, within: 200 ms }"#)
    #expect(result.findings.first?.observed.hasSuffix(" after 0.2 seconds") == true, "\(result.findings)")
  }
}

@Suite struct StalledRunTests {
  /// A host whose deadline stays in the past.
  private final class Stuck: NetworkHost {
    var nextDeadline: Instant? { .zero }
    func start(at now: Instant, _ out: inout Outbox) {}
    func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {}
    func wake(at now: Instant, _ out: inout Outbox) {}
  }

  @Test func `a run whose clock does not move is void and names the host, so that it ends by itself`() throws {
    let stage = try VirtualStage(try Scenario.read("\(head)  - wait: 5 s\n", file: "x.yaml"), seed: 1)
    stage.simulation.run(until: .zero)
    stage.simulation.add(Stuck(), name: "phone", addresses: [IPAddress("192.0.2.99") ?? .anyV4])
    let result = stage.run()
    #expect(result.verdict == .void)
    #expect(
      result.reason?.contains("phone is woken again and again: its next deadline is due again at the same instant") == true,
      "\(result.reason ?? "")")
  }
}
