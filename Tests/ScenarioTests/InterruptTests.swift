import Foundation
import Subprocess
import Testing

@Suite struct InterruptTests {
  /// Runs the Lab and interrupts it at its first line.
  private func interrupted(_ arguments: [String]) async throws -> (status: TerminationStatus, lines: [String]) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(arguments), input: .none, output: .sequence, error: .discarded
    ) { execution -> [String] in
      var lines: [String] = []
      for try await line in execution.standardOutput.strings() {
        if lines.isEmpty { try execution.send(signal: .interrupt) }
        lines.append(line)
      }
      return lines
    }
    return (result.terminationStatus, result.closureResult)
  }

  @Test func `Ctrl-C ends a sweep with the seeds that ran, and exit code 130`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try """
    summary: a ping, soon done
    cast: { kallglot: { endpoint: default, address: 198.51.100.10 }, pbx: { persona: plain-caller, address: 192.0.2.20 } }
    steps: [{ options: pbx }, { expect: { pinged: pbx, status: 200, within: 1 s } }]
    """.write(toFile: "\(folder)/ping.yaml", atomically: true, encoding: .utf8)
    // The library with three hundred seeds takes minutes.
    let paths = ["\(folder)/ping.yaml", "\(Place.root)/scenarios"]
    let (status, lines) = try await interrupted(["run"] + paths + ["--seeds", "1..300", "--jobs", "1", "--json", "\(folder)/r.json"])
    #expect(status == .exited(130))
    #expect(lines.first?.hasSuffix("ping  300 of 300 seeds pass") == true, "\(lines)")
    #expect(lines.contains { $0.hasPrefix("interrupted: ") && $0.contains(" runs ran, ") }, "\(lines)")
    let report = try String(contentsOfFile: "\(folder)/r.json", encoding: .utf8)
    #expect(report.contains("\"interrupted\": true") && report.contains("\"planned\": 300, \"ran\": 300, \"passed\": 300"))
  }

  @Test func `Ctrl-C ends a run with what was done, in the reports too, and exit code 130`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // So many that a busy machine cannot run them all before this test has read the first line: the pipe is full long before.
    let paths = [String](repeating: "\(Place.root)/scenarios", count: 5)
    let arguments = ["run"] + paths + ["--jobs", "1", "--json", "\(folder)/r.json", "--junit", "\(folder)/r.xml"]
    let (status, lines) = try await interrupted(arguments)
    #expect(status == .exited(130))
    #expect(lines.first?.hasPrefix("passed ") == true)
    #expect(lines.contains { $0.hasPrefix("interrupted: ") && $0.contains(" scenarios ran, ") }, "\(lines)")
    #expect(try String(contentsOfFile: "\(folder)/r.json", encoding: .utf8).contains("\"interrupted\": true"))
    #expect(try String(contentsOfFile: "\(folder)/r.xml", encoding: .utf8).hasSuffix("</testsuites>\n"))
  }
}
