import Capture
import Foundation
import LabTesting
import SansIO
import ScenarioEngine
import ScenarioModel
import Subprocess
import Testing

/// Places in the repository and in the build.
enum Place {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  /// The program that was built with these tests.
  static let lab = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent(
    "kallglot-lab"
  ).path
  /// Read once: it is long.
  static let library = Result { try ScenarioSuite("\(root)/scenarios").scenarios }

  static func temporary() throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("lab-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}

@Suite struct LibraryTests {
  /// Each scenario proves what it says. An exception that nobody needs would hide the next fault.
  @Test(arguments: try Place.library.get())
  func `the scenario passes, what it allows peers to break one of them breaks, and inspect finds in its captures what it found`(
    scenario: Scenario
  ) throws {
    let (notes, captures) = (Notes(), CaptureSink(.memory))
    let result = ScenarioSuite.run(scenario, observers: [notes, captures])
    #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
    #expect(!scenario.proves.isEmpty, "it says nothing of what it proves")
    #expect(notes.lines.filter { $0.hasPrefix("allowed, but nobody violated it") } == [])
    let said = try Remarks(of: result, scenario, captures)
    #expect(said.run == said.inspected)
    #expect(scenario.allowedViolations.isEmpty || !result.breaches.isEmpty, "nothing was found, so nothing was compared")
  }

  @Test func `every file of the folder, without the parts that others include, has a scenario among those that are run`() throws {
    let folder = "\(Place.root)/scenarios"
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
    let files = Set(paths.filter { !ScenarioFile.isLibrary($0) }.map { "\(folder)/\($0)" })
    #expect(Set(try Place.library.get().map(\.file)) == files)
  }

  private final class Notes: JournalSink {
    private(set) var lines: [String] = []
    func hostAdded(_ host: HostID, name: String) {}
    func packet(_ packet: PacketRecord) {}
    func record(_ record: JournalRecord) { if case .step(let text) = record.body { lines.append(text) } }
    func finish(at now: Instant) {}
  }

  /// A green scenario that no defect turns red proves nothing: each of these breaks what its scenario is about.
  @Test(arguments: Mutation.all)
  func `a scenario fails when what it is about is taken away`(mutation: Mutation) throws {
    let result = ScenarioSuite.run(try mutation.scenario())
    #expect(result.verdict == .failed)
    #expect(result.findings.allSatisfy { !$0.expected.isEmpty && !$0.observed.isEmpty && !$0.rule.isEmpty })
  }
}

@Suite(.serialized, .timeLimit(.minutes(15))) struct ProcessTests {
  private struct Outcome {
    var code: Int32
    var output: String
    var errors: String
  }

  private func lab(_ arguments: String...) async throws -> Outcome { try await lab(arguments) }

  private func lab(_ arguments: [String]) async throws -> Outcome {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(arguments), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return Outcome(code: code, output: result.standardOutput, errors: result.standardError)
  }

  private func files(_ folder: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder) where path.hasSuffix(".pcapng") || path.hasSuffix(".ndjson") {
      files[path] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)"))
    }
    return files
  }

  /// A sixth of the library, of every folder some: all of it takes minutes in a debug build.
  @Test func `scenarios in two processes give byte-equal captures and journals, TLS included; another seed gives others (design 6)`()
    async throws
  {
    let (first, second, third) = (try Place.temporary(), try Place.temporary(), try Place.temporary())
    defer { for folder in [first, second, third] { try? FileManager.default.removeItem(atPath: folder) } }
    let part = ["\(Place.root)/scenarios", "--shard", "1/6"]
    #expect(try await lab(["run"] + part + ["--out", first, "--jobs", "1"]).code == 0)
    #expect(try await lab(["run"] + part + ["--out", second, "--jobs", "4"]).code == 0)
    _ = try await lab(["run"] + part + ["--out", third, "--seed", "2"])
    let (left, right, other) = (try files(first), try files(second), try files(third))
    #expect(left.count >= 3 * 12)
    for folder in ["tls/", "dtls/"] { #expect(left.keys.contains { $0.hasPrefix(folder) && $0.hasSuffix(".pcapng") }) }
    for (path, data) in left { #expect(right[path] == data, "\(path) differs between two processes") }
    // A capture without packets has nothing that could follow the seed, nor has one of bytes that a scenario writes itself.
    let raw = Set(
      try Place.library.get().filter { $0.cast.contains { if case .wire = $0.role { true } else { false } } }.map(\.folderName))
    for (path, data) in left where path.hasSuffix(".pcapng") && data.count > 200 {
      let folder = path.split(separator: "/").dropLast().joined(separator: "/")
      if !raw.contains(folder) { #expect(other[path] != data, "\(path) does not follow the seed") }
    }
  }

  @Test func `a failed run exits with 1 and shows file:line, rule, observed, message and replay once; JUnit and JSON are written`()
    async throws
  {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = try ScenarioLibrary.text(of: "\(Place.root)/scenarios/authentication/wrong-password.yaml")
    let line = text.components(separatedBy: "status: 403")[0].components(separatedBy: "\n").count
    try text.replacingOccurrences(of: "status: 403", with: "status: 401").write(
      toFile: "\(folder)/x.yaml", atomically: true, encoding: .utf8)
    let outcome = try await lab(
      "run", "\(folder)/x.yaml", "--junit", "\(folder)/r/j.xml", "--json", "\(folder)/r/j.json", "--out", "\(folder)/out")
    #expect(outcome.code == 1)
    let capture = "\(folder)/out/\(URL(fileURLWithPath: folder).lastPathComponent)/x/pbx.pcapng"
    for part in [
      "  \(folder)/x.yaml:\(line)  expect ", "rule ", "observed  refused with 403 Forbidden",
      "message   pbx#5 received at 0.004 s: 403 Forbidden to INVITE (\(capture))",
      "replay    kallglot-lab run \(folder)/x.yaml --seed 1 --out \(folder)/out\n",
    ] {
      // Once: the summary names the scenario alone.
      #expect(outcome.output.components(separatedBy: part).count == 2, "\(outcome.output)")
    }
    #expect(try String(contentsOfFile: "\(folder)/r/j.xml", encoding: .utf8).contains("failures=\"1\""))
    #expect(try String(contentsOfFile: "\(folder)/r/j.json", encoding: .utf8).contains("\"frame\": \"pbx#5\""))
    // The frame to blame says so in the capture.
    #expect(
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: capture)), as: UTF8.self).contains("observed refused with 403 Forbidden"))
  }

  @Test(arguments: [
    (["run", "nowhere"], "no such file or folder"), (["run", "scenarios", "--filter", "no-such-name"], "no scenario's name contains"),
    (["run"], "Missing expected argument"), (["run", "scenarios", "--sed", "3"], "Did you mean '--seed'?"),
    (["run", "scenarios", "--jobs", "0"], "--jobs is '0', expected a whole number from 1"),
    (["run", "scenarios", "--seed", "-1"], "--seed is '-1', expected a whole number from 0 to 18446744073709551615"),
    (["run", "scenarios", "--seed", "1", "--seeds", "1..2"], "--seed and --seeds are both given"),
    (["run", "scenarios", "--seeds", "5..1"], "whose first seed is larger than its last: 1..5?"),
    (["run", "scenarios", "--seeds", "x"], "expected two whole numbers such as 1..200"),
    (["run", "scenarios", "--seeds", "1..2..3"], "expected two whole numbers such as 1..200"),
    (["run", "scenarios", "--seeds", "0..1000000"], "expected at most 1,000,000 seeds in a run"),
    (["run", "scenarios", "--repeat", "3", "--seeds", "1..2"], "--repeat and --seeds are both given"),
    (["run", "scenarios", "--repeat", "0"], "--repeat is '0', expected a whole number from 1"),
    (["run", "scenarios", "--repeat", "1000001"], "expected at most 1,000,000 runs"),
    (["run", "README.md"], "README.md"), (["run", "scenarios", "--junit", "/proc/x/y"], "/proc/x"),
    (["serve", "--config", "nowhere.yaml"], "nowhere.yaml"),
    (["serve", "--listen", "udp 0.0.0.0:5060"], "concrete address"),
    (["serve", "--listen", "udp 127.0.0.1"], "the port is missing"), (["serve", "--listen", "udo 127.0.0.1:5060"], "did you mean 'udp'?"),
    (["serve", "--print", "asteriks"], "did you mean 'asterisk'?"), (["serve", "--print"], "Missing value"),
    (["serve", "--print", "cucm", "--transport", "ucp"], "did you mean 'udp'?"),
    (["serve", "--transport", "udp"], "goes with --print only"),
    (["serve", "--state", "/dev/null"], "not a regular file"),
    (["call", "tel:+49"], "cannot be called"), (["call", "sip:x@127.0.0.1", "--for", "soon"], "is not a duration"), (["bogus"], "bogus"),
    (["rum", "scenarios"], "unknown command 'rum', did you mean 'run'?"), (["help", "lst"], "did you mean 'list'?"),
    (["run", "scenarios", "--shard", "3/2"], "--shard is 3/2, expected a part from 1/2 to 2/2"),
    (["run", "scenarios", "--shard", "0/4"], "expected a part from 1/4 to 4/4"),
    (["run", "scenarios", "--shard", "half"], "such as 2/4"), (["run", "scenarios", "--shard", "1/0"], "at least 1 part"),
    (["run", "scenarios", "--fail-fst"], "Did you mean '--fail-fast'?"),
    (["merge", "nowhere.json"], "nowhere.json"), (["merge", "README.md"], "README.md is not a report of run --json"),
    (["call", "sip:x@nobody.invalid"], "no server was found for nobody.invalid"),
  ])
  func `bad input is one helpful sentence and exit code 2`(arguments: [String], part: String) async throws {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(arguments), workingDirectory: .init(Place.root), output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 20))
    #expect(result.terminationStatus == .exited(2))
    let errors = result.standardError
    #expect(errors.hasPrefix("kallglot-lab: ") && errors.contains(part), "\(errors)")
    #expect(errors.split(separator: "\n").count == 1, "\(errors)")
  }
}
