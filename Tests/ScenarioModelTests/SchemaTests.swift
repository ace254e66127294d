import Foundation
import Testing

@testable import ScenarioModel

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// A schema as it was printed.
private struct Document {
  let object: [String: Any]

  init(_ text: String) throws { object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) }

  /// The object at a path of keys; of alternatives the one that is an object with properties.
  func properties(_ path: String...) -> Set<String> {
    var place: Any = object
    for key in path { place = (place as? [String: Any])?[key] ?? [:] }
    let map = place as? [String: Any] ?? [:]
    let alternatives = [map] + (map["anyOf"] as? [[String: Any]] ?? [])
    return Set(alternatives.compactMap { ($0["properties"] as? [String: Any])?.keys }.flatMap(\.self))
  }
}

@Suite struct SchemaTests {
  @Test func `the schema has the keys that the reader accepts, at the top and in every step`() throws {
    let schema = try Document(JSONSchema.scenario)
    #expect(schema.properties() == Set(ScenarioKeys.shape.names))
    #expect(schema.properties("$defs", "step") == Set(StepRegistry.kinds.map { $0.keyword }))
    for kind in StepRegistry.kinds {
      guard case .mapping(let mapping) = kind.shape else { continue }
      #expect(schema.properties("$defs", "step", "properties", kind.keyword) == Set(mapping.names), "\(kind.keyword)")
    }
    #expect(schema.properties("properties", "policy") == Set(PolicySchema.names))
    #expect(schema.properties("properties", "defaults") == Set(DefaultsKeys.shape.names))
    #expect(schema.properties("then", "properties", "cast", "additionalProperties") == Set(CastKeys.shape.names))
    #expect(schema.properties("then", "properties", "network", "items") == Set(NetworkKeys.shape.names + NATKeys.shape.names))
    #expect(schema.properties("then", "properties", "given") == Set(GivenKeys.shape.names))
    #expect(schema.properties("$defs", "expectation").isSuperset(of: ExpectationRegistry.kinds.map { $0.key }))
    #expect(try Document(JSONSchema.serve).properties() == Set(PolicySchema.names + ServeKeys.all.map(\.description.name)))
  }

  /// What the reader refuses as unknown, and what it takes, for each kind: the schema's keys are no list of their own.
  @Test func `the reader refuses what the schema does not name`() {
    for kind in StepRegistry.kinds {
      let text = "summary: s\ncast: { k: { endpoint: default, address: 192.0.2.1 } }\nsteps:\n  - \(kind.keyword): { nonsense-key: 1 }\n"
      let problems = ScenarioFile.read(text, file: "x.yaml").problems
      #expect(!problems.isEmpty, "\(kind.keyword)")
    }
  }

  @Test func `every reference in the schema leads somewhere, and every key has its description`() throws {
    for text in [JSONSchema.scenario, JSONSchema.serve] {
      let definitions = Set((try Document(text).object["$defs"] as? [String: Any] ?? [:]).keys)
      for match in text.matches(of: /"\$ref": "#\/\$defs\/([^"]+)"/) { #expect(definitions.contains(String(match.1)), "\(match.1)") }
    }
    for field in ScenarioKeys.shape.fields + CastKeys.shape.fields {
      #expect(JSONSchema.scenario.contains(field.summary.replacing("\"", with: "\\\"")))
    }
  }
}

/// The schema in the validator that editors and CI have: python3 with jsonschema and PyYAML.
@Suite(.timeLimit(.minutes(2))) struct ValidatorTests {
  /// Why the validator cannot be asked; nil when it can.
  private static let obstacle: String? = {
    let (status, output) = run("import jsonschema, yaml", [])
    return status == 0 ? nil : "python3 with jsonschema and PyYAML is needed (pip install jsonschema pyyaml): \(output.suffix(200))"
  }()

  /// Reads each file as YAML 1.2 does, in which 'on' is a word, and prints a line for each that the schema refuses.
  private static let script = """
    import json, re, sys, yaml, jsonschema
    class Loader(yaml.SafeLoader): pass
    Loader.yaml_implicit_resolvers = {k: [(t, r) for t, r in v if not t.endswith((':bool', ':timestamp'))] for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    Loader.add_implicit_resolver('tag:yaml.org,2002:bool', re.compile('^(true|false)$'), list('tf'))
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in sys.argv[2:]:
        error = jsonschema.exceptions.best_match(validator.iter_errors(yaml.load(open(path, encoding='utf-8'), Loader)))
        if error is not None: print(path, '/'.join(str(p) for p in error.absolute_path), error.message[:200], sep=': ')
    """

  private static func run(_ script: String, _ arguments: [String]) -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script] + arguments
    (process.standardOutput, process.standardError) = (pipe, pipe)
    do { try process.run() } catch { return (127, "\(error)") }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  /// The lines that the validator prints.
  private func refusals(_ schema: String, _ files: [String]) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lab-schema-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "schema.json").path
    try schema.write(toFile: path, atomically: true, encoding: .utf8)
    let (status, output) = Self.run(Self.script, [path] + files)
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

  @Test(.enabled(if: ValidatorTests.obstacle == nil, "python3 with jsonschema and PyYAML is missing: pip install jsonschema pyyaml"))
  func `every scenario and every serve configuration of the repository is valid to an editor's validator`() throws {
    let scenarios = yaml("scenarios").filter { !ScenarioFile.isLibrary($0) }
    #expect(scenarios.count > 20)
    #expect(try refusals(JSONSchema.scenario, scenarios) == [])
    #expect(try refusals(JSONSchema.serve, yaml("fixtures/policies")) == [])
  }

  @Test(.enabled(if: ValidatorTests.obstacle == nil, "python3 with jsonschema and PyYAML is missing: pip install jsonschema pyyaml"))
  func `the examples of steps and expectations, tables, includes and defaults are valid`() throws {
    let head = "summary: s\ncast: { pbx: { persona: plain-caller, address: 192.0.2.1 } }\nsteps:\n"
    var texts = StepRegistry.kinds.flatMap { kind in kind.examples.map { head + "  - \($0)\n" } }
    texts += ExpectationRegistry.kinds.flatMap { kind in kind.examples.map { head + "  - expect: \($0)\n" } }
    texts += [
      "summary: s\ninclude: _t.yaml\ncast: { pbx: { transport: tcp } }\n",
      head.replacing("steps:", with: "defaults: { within: 2 s, tone: 440 Hz }\nsteps:") + "  - speak: { on: pbx }\n",
      head.replacing(
        "steps:", with: "table: { status: [403, 404], codecs: [[PCMU, PCMA], PCMU] }\npolicy: { codecs: \"${codecs}\" }\nsteps:")
        + "  - expect: { pinged: pbx, status: \"${status}\" }\n  - wait: ${time}\n",
    ]
    let (folder, files) = try write(texts)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try refusals(JSONSchema.scenario, files) == [])
  }

  /// What one file shows by itself. Names, and what belongs together, are lint's.
  @Test(.enabled(if: ValidatorTests.obstacle == nil, "python3 with jsonschema and PyYAML is missing: pip install jsonschema pyyaml"))
  func `files with mistakes in keys, words, forms and ranges are refused`() throws {
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
      head + "steps: [{ speak: { tone: 440 Hz } }]\n", head + "steps: [{ speak: { on: pbx, tone: loud } }]\n",
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
}
