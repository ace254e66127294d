import Capture
import Inspection
import LabTesting
import Rules
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing

/// One reader, whether it is fed by a run's taps or by the captures that the run leaves.
@Suite struct RunAndInspectTests {
  /// What both say, in words that can be compared.
  private struct Said: Hashable, CustomStringConvertible {
    var member: String
    var rule: String
    var severity: Rule.Severity
    var text: String
    var frame: UInt32
    var count: Int

    var description: String { "\(member)#\(frame) \(severity) \(rule) ×\(count): \(text)" }
  }

  private func run(_ scenario: Scenario) throws -> (run: [Said], inspected: [Said]) {
    let captures = CaptureSink(.memory)
    let result = ScenarioSuite.run(scenario, observers: [captures])
    let run = result.breaches.map {
      Said(member: $0.member, rule: $0.rule.id, severity: $0.severity, text: $0.text, frame: $0.evidence.frame, count: $0.count)
    }
    var inspected: [Said] = []
    for (index, member) in scenario.cast.enumerated() {
      guard let file = captures.bytes(of: HostID(UInt16(index))) else { continue }
      inspected += try Inspector().inspect(file).findings.map {
        Said(member: member.name, rule: $0.check, severity: $0.severity, text: $0.text, frame: UInt32($0.frame), count: $0.count)
      }
    }
    // What a policy forbids, only the run knows.
    let forbidden = Set((Rule.policies + [.keysInClear]).map(\.id))
    return (run.filter { !forbidden.contains($0.rule) }, inspected.filter { !forbidden.contains($0.rule) })
  }

  @Test func `what a run of the library finds in its packets, inspect finds in its captures, and nothing else`() throws {
    var found = 0
    for scenario in try ScenarioSuite("\(Place.root)/scenarios").scenarios {
      let said = try run(scenario)
      found += said.run.count
      #expect(said.run == said.inspected, "\(scenario.name)")
    }
    #expect(found > 300, "hardly anything was found, so hardly anything was compared")
  }

  @Test(arguments: Mutation.all) func `the same holds where a scenario fails`(mutation: Mutation) throws {
    let said = try run(try mutation.scenario())
    #expect(said.run == said.inspected)
  }
}
