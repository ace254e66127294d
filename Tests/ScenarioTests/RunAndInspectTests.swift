import Capture
import Inspection
import LabTesting
import Rules
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing

/// What a run says of its packets, and what inspect says of the captures that it leaves: one reader, fed twice.
struct Remarks {
  /// In words that can be compared.
  struct Said: Hashable, CustomStringConvertible {
    var member: String
    var rule: String
    var severity: Rule.Severity
    var text: String
    var frame: UInt32
    var count: Int

    var description: String { "\(member)#\(frame) \(severity) \(rule) ×\(count): \(text)" }
  }

  var run: [Said]
  var inspected: [Said] = []

  init(of result: ScenarioResult, _ scenario: Scenario, _ captures: CaptureSink) throws {
    run = result.breaches.map {
      Said(member: $0.member, rule: $0.rule.id, severity: $0.severity, text: $0.text, frame: $0.evidence.frame, count: $0.count)
    }
    for (index, member) in scenario.cast.enumerated() {
      guard let file = captures.bytes(of: HostID(UInt16(index))) else { continue }
      inspected += try Inspector().inspect(file).findings.map {
        Said(member: member.name, rule: $0.check, severity: $0.severity, text: $0.text, frame: UInt32($0.frame), count: $0.count)
      }
    }
    // What a policy forbids, only the run knows.
    let forbidden = Set((Rule.policies + [.keysInClear]).map(\.id))
    run.removeAll { forbidden.contains($0.rule) }
    inspected.removeAll { forbidden.contains($0.rule) }
  }
}

/// Of scenarios that pass, ``LibraryTests`` says the same.
@Suite struct RunAndInspectTests {
  @Test(arguments: Mutation.all)
  func `what a run that fails finds in its packets, inspect finds in its captures, and nothing else`(mutation: Mutation) throws {
    let (scenario, captures) = (try mutation.scenario(), CaptureSink(.memory))
    let result = ScenarioSuite.run(scenario, observers: [captures])
    let said = try Remarks(of: result, scenario, captures)
    #expect(said.run == said.inspected)
  }
}
