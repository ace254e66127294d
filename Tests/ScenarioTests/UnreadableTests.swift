import Foundation
import LabTesting
import Reports
import ScenarioEngine
import ScenarioModel
import Subprocess
import Testing

/// A file that cannot be read is an error of that file in every report; the others run.
@Suite(.timeLimit(.minutes(15))) struct UnreadableTests {
  private let good = "summary: s\ncast: { kallglot: { endpoint: default, address: 198.51.100.10 } }\nsteps:\n  - wait: 1 s\n"

  private func lab(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(arguments), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return (code, result.standardOutput, result.standardError)
  }

  /// A folder with these files, and what they are called in messages.
  private func folder(_ files: [String: String]) throws -> String {
    let folder = try Place.temporary()
    for (name, text) in files { try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8) }
    return folder
  }

  @Test(arguments: [
    ("summary: [1\n", "bad.yaml:2:1: "),
    ("summary: s\ncast: { a: { endpoint: default, address: 192.0.2.1 } }\nstepps: []\n", "bad.yaml:3:1: "),
    ("summary: s\ninclude: _nowhere.yaml\nsteps: []\n", "bad.yaml:2:10: "), ("", "bad.yaml: the file is empty"),
  ])
  func `text, JSON and JUnit name the file that cannot be read with its place, the others run, and the exit code is 3`(
    text: String, place: String
  ) async throws {
    let folder = try folder(["bad.yaml": text, "good.yaml": good])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try await lab(["run", folder, "--json", "\(folder)/r.json", "--junit", "\(folder)/r.xml"])
    #expect(outcome.code == 3)
    #expect(outcome.output.contains("NOT RUN") && outcome.output.contains("\(folder)/\(place)"), "\(outcome.output)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/r.json"))) as? [String: Any])
    let scenarios = try #require(json["scenarios"] as? [[String: Any]])
    #expect(Set(scenarios.map { $0["verdict"] as? String }) == ["could not run", "passed"])
    let bad = try #require(scenarios.first { $0["verdict"] as? String == "could not run" })
    #expect(bad["file"] as? String == "\(folder)/bad.yaml")
    #expect((bad["reason"] as? String)?.hasPrefix("\(folder)/\(place)") == true)
    let xml = try String(contentsOfFile: "\(folder)/r.xml", encoding: .utf8)
    #expect(
      xml.contains("tests=\"2\" failures=\"0\" errors=\"1\"") && xml.contains("<error type=\"could not run\" message=\"\(folder)/\(place)"))
  }

  @Test func `a path that does not exist, a folder called .yaml and bytes that are not UTF-8 are errors of themselves`() async throws {
    let folder = try folder(["good.yaml": good])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: "\(folder)/folder.yaml", withIntermediateDirectories: true)
    try Data([0x73, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: "\(folder)/latin.yaml"))
    let outcome = try await lab(["run", folder, "\(folder)/nowhere.yaml"])
    #expect(outcome.code == 3)
    #expect(outcome.output.contains("\(folder)/folder.yaml: the file cannot be read: it is a folder"))
    #expect(outcome.output.contains("\(folder)/latin.yaml: the file is not UTF-8 text"))
    #expect(outcome.output.contains("\(folder)/nowhere.yaml: no such file or folder"))
    #expect(outcome.output.contains("1 passed, 3 could not run"))
  }

  @Test func `when nothing can be read the exit code is 2, every mistake is told, and the reports are written`() async throws {
    let folder = try folder(["a.yaml": "summary: s\ncast: {}\nsteps: []\n", "b.yaml": "- x\n"])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try await lab(["run", folder, "--junit", "\(folder)/r.xml"])
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("\(folder)/a.yaml:2:7: ") && outcome.errors.contains("\(folder)/b.yaml:1:1: "))
    #expect(try String(contentsOfFile: "\(folder)/r.xml", encoding: .utf8).contains("errors=\"2\""))
  }

  @Test func `a scenario that failed outweighs a file that cannot be read`() async throws {
    let bad = good.replacing("steps:", with: "never: [{ ports: kallglot, open: 0 }]\nsteps:")
    let folder = try folder(["bad.yaml": bad, "unread.yaml": "- x\n"])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try await lab(["run", folder]).code == 1)
  }

  @Test func `list shows the files that can be read, names the others, and exits with 3`() async throws {
    let folder = try folder(["bad.yaml": "- x\n", "good.yaml": good])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try await lab(["list", folder])
    #expect(outcome.code == 3)
    #expect(outcome.output.contains("good") && outcome.errors.contains("\(folder)/bad.yaml:1:1: "))
  }

  @Test func `in a test suite the file that cannot be read is a scenario that could not run`() throws {
    let folder = try folder(["bad.yaml": "- x\n", "good.yaml": good])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let results = try ScenarioSuite(folder).scenarios.map { ScenarioSuite.run($0) }
    #expect(results.map(\.verdict) == [.couldNotRun, .passed])
    #expect(ScenarioSuite.explanation(results[0]).contains("bad.yaml:1:1: expected keys with values, found a list"))
  }

  @Test(arguments: [
    (POSIXError(.EACCES) as any Error, "permission denied"), (CocoaError(.fileReadNoPermission), "permission denied"),
    (CocoaError(.fileWriteOutOfSpace), "no space is left on the device"), (POSIXError(.EISDIR), "it is a folder"),
    (CocoaError(.fileWriteUnknown, userInfo: [NSUnderlyingErrorKey: POSIXError(.ENOTDIR)]), "a part of the path is not a folder"),
  ])
  func `why a file cannot be read or written is said in words (errno)`(error: any Error, words: String) {
    #expect(FileFailure.reason(error) == words)
  }
}
