import Foundation
import LabTesting
import ScenarioEngine
import ScenarioModel
import Testing

/// Scenarios whose links lose packets, over many seeds: each draws other packets. `LAB_SEEDS` says how many.
@Suite struct LossySeedTests {
  private static let seeds = UInt64(ProcessInfo.processInfo.environment["LAB_SEEDS"] ?? "") ?? 25

  private func failures(_ name: String, _ replacements: [(String, String)]) throws -> [String] {
    let file = "\(Place.root)/scenarios/\(name).yaml"
    var text = try ScenarioLibrary.text(of: file)
    for (old, new) in replacements {
      #expect(text.contains(old))
      text = text.replacingOccurrences(of: old, with: new)
    }
    let scenario = try Scenario.read(text, file: file)
    return (1...max(1, Self.seeds)).compactMap { seed in
      let result = VirtualRun.run(scenario, seed: seed)
      return result.verdict == .passed ? nil : "seed \(seed): \(ScenarioSuite.explanation(result))"
    }
  }

  @Test(arguments: ["plain-caller", "asterisk-22"], ["udp", "tcp", "tls"])
  func `a call is held and resumed twice with 5 % loss (RFC 3261 §13.2.2.4, RFC 3264 §8.4)`(persona: String, transport: String) throws {
    let failures = try failures(
      "mid-call/hold-twice-on-a-lossy-link", [("plain-caller", persona), ("transport: udp", "transport: \(transport)")])
    #expect(failures == [])
  }

  @Test(arguments: ["udp", "tcp", "tls"])
  func `CUCM's hold by two re-INVITEs goes through twice with 5 % loss (RFC 3261 §13.2.2.4, RFC 6337 §5.3)`(transport: String) throws {
    let failures = try failures("personas/cucm-hold-on-a-lossy-link", [("transport: udp", "transport: \(transport)")])
    #expect(failures == [])
  }

  @Test func `a call goes through with 3 % loss, jitter and copies`() throws {
    #expect(try failures("network/lossy-link", []) == [])
  }
}
