import Foundation
import Testing

@testable import ScenarioModel
@testable import Serving

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// The system's Python with PyYAML and jsonschema: what editors and CI read our files with.
enum Python {
  private static let program = "/usr/bin/python3"

  static let isRequired = (ProcessInfo.processInfo.environment["LAB_REQUIRE_PEERS"] ?? "").split(separator: ",").contains {
    $0.filter { $0 != " " } == "python"
  }
  static let isThere = run("import jsonschema, yaml", []).status == 0
  static var runs: Bool { isThere || isRequired }
  static let reason: Comment =
    """
    /usr/bin/python3 has no PyYAML or jsonschema (Debian packages python3-yaml, python3-jsonschema); LAB_REQUIRE_PEERS=python would make \
    this a failure
    """

  static func run(_ script: String, _ arguments: [String]) -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = ["-W", "ignore", "-c", script] + arguments
    (process.standardOutput, process.standardError) = (pipe, pipe)
    do { try process.run() } catch { return (127, "\(error)") }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}

/// The schema in the validator that editors and CI have.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Python.runs, Python.reason)) struct ValidatorTests {
  /// Reads each file as PyYAML does, by YAML 1.1, and prints a line for what the schema refuses, and one for each value that is another
  /// thing there than the text that stands in the file.
  private static let script = """
    import json, re, sys, yaml, jsonschema
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    def is_same(text, value):
        if isinstance(value, bool): return text == ('true' if value else 'false')
        if isinstance(value, int): return text == str(value)
        if isinstance(value, float): return re.fullmatch('-?[0-9]+[.][0-9]+', text) is not None
        return value == text if isinstance(value, str) else value is None and text == ''
    def others(text, value, path):
        if isinstance(text, dict):
            for (key, left), (name, right) in zip(text.items(), value.items()):
                if key != name: yield path + '/' + key, name
                yield from others(left, right, path + '/' + key)
        elif isinstance(text, list):
            for index, (left, right) in enumerate(zip(text, value)): yield from others(left, right, path + '/' + str(index))
        elif not is_same(text, value): yield path + '/' + text, value
    for path in sys.argv[2:]:
        text = open(path, encoding='utf-8').read()
        value = yaml.safe_load(text)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if error is not None: print(path, '/'.join(str(p) for p in error.absolute_path), error.message[:200], sep=': ')
        for place, other in others(yaml.load(text, yaml.BaseLoader), value, ''): print(path, place, 'is %r to YAML 1.1' % other, sep=': ')
    """

  /// The lines that the validator prints.
  private func refusals(_ schema: String, _ files: [String]) throws -> [String] {
    try #require(Python.isThere, "LAB_REQUIRE_PEERS names python, and /usr/bin/python3 has no PyYAML or jsonschema")
    let folder = FileManager.default.temporaryDirectory.appending(path: "lab-schema-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "schema.json").path
    try schema.write(toFile: path, atomically: true, encoding: .utf8)
    let (status, output) = Python.run(Self.script, [path] + files)
    #expect(status == 0, "\(output)")
    return output.split(separator: "\n").map(String.init)
  }

  private func yaml(_ folder: String) -> [String] {
    ((try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")) ?? []).filter { $0.hasSuffix(".yaml") }.sorted().map {
      "\(root)/\(folder)/\($0)"
    }
  }

  private func write(_ texts: [String]) throws -> (folder: URL, files: [String]) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lab-files-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let files = try texts.enumerated().map { index, text in
      let path = folder.appending(path: "\(index).yaml").path
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    return (folder, files)
  }

  @Test func `every scenario and every serve configuration of the repository is valid to an editor's validator`() throws {
    let scenarios = yaml("scenarios").filter { !ScenarioFile.isLibrary($0) }
    #expect(scenarios.count > 20)
    #expect(try refusals(JSONSchema.scenario, scenarios + yaml("Tests/Examples")) == [])
    #expect(try refusals(ServeConfiguration.schema, yaml("fixtures/policies")) == [])
  }

  @Test func `the examples of steps and expectations, tables, includes and defaults are valid`() throws {
    let head = "summary: s\ncast: { pbx: { persona: plain-caller, address: 192.0.2.1 } }\nsteps:\n"
    var texts = StepRegistry.kinds.flatMap { kind in kind.examples.map { head + "  - \($0)\n" } }
    texts += ExpectationRegistry.kinds.flatMap { kind in kind.examples.map { head + "  - expect: \($0)\n" } }
    texts += [
      "summary: s\ninclude: _t.yaml\ncast: { pbx: { transport: tcp } }\n",
      head.replacing("steps:", with: "defaults: { within: 2 s, tone: 440 Hz }\nsteps:") + "  - speak: { who: pbx }\n",
      head.replacing(
        "steps:", with: "table: { status: [403, 404], codecs: [[PCMU, PCMA], PCMU] }\npolicy: { codecs: \"${codecs}\" }\nsteps:")
        + "  - expect: { pinged: pbx, status: \"${status}\" }\n  - wait: ${time}\n",
    ]
    let (folder, files) = try write(texts)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try refusals(JSONSchema.scenario, files) == [])
  }

  /// What one file shows by itself. Names, and what belongs together, are lint's.
  @Test func `files with mistakes in keys, words, forms and ranges are refused`() throws {
    let head = "summary: s\ncast: { pbx: { persona: plain-caller, address: 192.0.2.1 } }\n"
    let broken = [
      "cast: {}\nsteps: []\n", "summary: s\nsteps: []\n", "summary: s\ncast: {}\n", head + "stepps: []\n", head + "steps: {}\n",
      head + "steps: [{ cal: {} }]\n",
      head + "steps: [{ call: { from: pbx } }]\n", head + "steps: [{ call: { from: pbx, to: x, via: y } }]\n",
      head + "steps: [{ wait: soon }]\n", head + "steps: [{ wait: 5 }]\n",
      head + "steps: [{ wait: 1 s, hangUp: pbx }]\n", head + "steps: [{}]\n", head + "steps: [{ expect: { leg: l, is: establised } }]\n",
      head + "steps: [{ expect: { legg: l } }]\n",
      head + "steps: [{ expect: { hears: pbx, tone: 440 Hz, codec: PCMU } }]\n",
      head + "steps: [{ expect: { leg: l, is: refused, status: 200 } }]\n",
      head + "steps: [{ fault: { drop: the INVITE, delay: the BYE, by: 1 s } }]\n",
      head + "steps: [{ fault: { drop: the 2nd 99 INVITE } }]\n", head + "steps: [{ fault: { from: pbx } }]\n",
      head + "steps: [{ speak: { tone: 440 Hz } }]\n", head + "steps: [{ speak: { who: pbx, tone: loud } }]\n",
      head + "steps: [{ send: { from: w, to: k } }]\n",
      head + "steps: [{ expect: { decision: allowlist, times: twice } }]\n", head + "policy: { maxConcurentCalls: 3 }\nsteps: []\n",
      head + "policy: { capReachedStatus: 487 }\nsteps: []\n",
      head + "policy: { codecs: [GSM] }\nsteps: []\n", head + "network: [{ between: [a, b], loss: lots }]\nsteps: []\n",
      head + "defaults: { widthin: 2 s }\nsteps: []\n", head + "table: []\nsteps: []\n",
      head + "proves: [call-01]\nsteps: []\n", "summary: s\ncast: { pbx: { persona: asterix, address: 192.0.2.1 } }\nsteps: []\n",
      "summary: s\ncast: { pbx: { persona: plain-caller } }\nsteps: []\n",
      "summary: s\ncast: { pbx: { persona: plain-caller, wire: raw, address: 192.0.2.1 } }\nsteps: []\n",
    ]
    let (folder, files) = try write(broken)
    defer { try? FileManager.default.removeItem(at: folder) }
    let lines = try refusals(JSONSchema.scenario, files)
    for (index, file) in files.enumerated() { #expect(lines.contains { $0.hasPrefix("\(file): ") }, "\(broken[index])") }
    // The reader agrees on all of them.
    for text in broken {
      #expect(
        !ScenarioFile.read(text, file: "x.yaml").problems.isEmpty || !ScenarioFile.read(text, file: "x.yaml").references.isEmpty, "\(text)")
    }
  }

  @Test func `a word that YAML 1.1 takes for something else is found (YAML 1.1 bool, int, float, timestamp)`() throws {
    let head = "summary: s\ncast: { pbx: { persona: plain-caller, address: 192.0.2.1 } }\nsteps:\n"
    let texts = [
      "on: pbx, tone: 440 Hz", "who: no, tone: 440 Hz", "who: 1:20, tone: 440 Hz", "who: 010, tone: 440 Hz",
      "who: 2026-01-01, tone: 440 Hz",
    ]
    let (folder, files) = try write(texts.map { head + "  - speak: { \($0) }\n" })
    defer { try? FileManager.default.removeItem(at: folder) }
    let lines = try refusals(JSONSchema.scenario, files)
    for file in files { #expect(lines.contains { $0.hasPrefix("\(file): ") && $0.hasSuffix("to YAML 1.1") }, "\(lines)") }
  }

  /// Keys that go only with others: reader and schema agree, mapping by mapping.
  @Test func `what the reader refuses because its companion is missing the schema refuses too`() throws {
    let head = "summary: s\ncast: { pbx: { persona: plain-caller, address: 192.0.2.1 } }\nsteps:\n"
    let wrong = [
      "expect: { leg: l, is: established, status: 486 }", "expect: { leg: l, is: ended, codec: opus }",
      "expect: { at: pbx, is: ringing, times: 2 }", "expect: { registered: pbx, status: 403 }",
      "expect: { registered: pbx, is: refused, expires: 3 }", "expect: { nat: n, maps: pbx, times: 5 }",
      "expect: { nat: n, drops: expired, maps: pbx }", "expect: { nat: n }", "hangUp: { who: pbx, at: pbx }",
      "reinvite: { who: pbx, port: 4000 }",
      "reinvite: { who: pbx, form: direct-media }", "fault: { drop: the BYE, by: 1 s }", "fault: { delay: the BYE }",
      "never: { message: w, during: 1 s, within: 1 s }", "never: { message: w }", "never: { message: w, as: x, during: 1 s }",
      "never: { message: w, during: 1 s, until: { message: w } }", "speak: { who: pbx, on: pbx, tone: 440 Hz }",
    ]
    let right = [
      "expect: { leg: l, is: refused, status: 486 }", "expect: { leg: l, is: \"${state}\", status: 486 }",
      "expect: { registered: pbx, expires: 3 }",
      "expect: { nat: n, maps: pbx, port: 5 }", "hangUp: { leg: l, at: pbx }", "reinvite: { who: pbx, form: direct-media, to: 192.0.2.1 }",
      "fault: { delay: the BYE, by: 1 s }", "never: { message: w, until: { message: w, as: x }, within: 1 s }",
    ]
    let (folder, files) = try write((wrong + right).map { head + "  - \($0)\n" })
    defer { try? FileManager.default.removeItem(at: folder) }
    let refused = try refusals(JSONSchema.scenario, files)
    for (file, step) in zip(files, wrong + right) {
      #expect(refused.contains { $0.hasPrefix("\(file): ") } == wrong.contains(step), "\(step): \(refused.filter { $0.hasPrefix(file) })")
    }
    for step in wrong { #expect(!ScenarioFile.read(head + "  - \(step)\n", file: "x.yaml").problems.isEmpty, "\(step)") }
  }
}
