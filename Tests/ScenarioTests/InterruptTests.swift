import Foundation
import Subprocess
import Testing

@Suite struct InterruptTests {
  @Test func `Ctrl-C ends a run with what was done, in the reports too, and exit code 130`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // So many that a busy machine cannot run them all before this test has read the first line: the pipe is full long before.
    let paths = [String](repeating: "\(Place.root)/scenarios", count: 5)
    let arguments = ["run"] + paths + ["--jobs", "1", "--json", "\(folder)/r.json", "--junit", "\(folder)/r.xml"]
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
    #expect(result.terminationStatus == .exited(130))
    let lines = result.closureResult
    #expect(lines.first?.hasPrefix("passed ") == true)
    #expect(lines.contains { $0.hasPrefix("interrupted: ") && $0.contains(" scenarios ran, ") }, "\(lines)")
    #expect(try String(contentsOfFile: "\(folder)/r.json", encoding: .utf8).contains("\"interrupted\": true"))
    #expect(try String(contentsOfFile: "\(folder)/r.xml", encoding: .utf8).hasSuffix("</testsuites>\n"))
  }
}
