import Codecs
import KallglotPolicy
import SansIO
import Testing

@testable import ScenarioModel

@Suite struct RegistryTests {
  private let head = """
    summary: s
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
      wire: { wire: raw, address: 192.0.2.30, mediaPort: 4000 }
      stream: { wire: raw, address: 192.0.2.31, transport: tcp }
      tls: { wire: raw, address: 192.0.2.32, transport: tls }
    network: [{ nat: home, inside: [pbx], outside: 203.0.113.7 }, { firewall: edge, inside: [home] }]
    steps:
      - call: { from: pbx, to: session demo, as: leg }
      - speak: { who: pbx, mark: caller }
      - speak: { who: kallglot, mark: agent }

    """

  private var played: [String: Bytes] {
    let wave = Bytes(WaveFile(samples: [0], sampleRate: 8_000).serialized)
    return ["prompt.wav": wave, "prompts/hello.wav": wave]
  }

  private func problems(_ step: String) -> [String] {
    ScenarioFile.read(head + "  - \(step)\n", file: "x.yaml", loader: .files(["_answered.yaml": "steps: []"], played: played)).problems.map(
      \.description)
  }

  @Test func `each step and each expectation has a word of its own, a sentence and examples`() {
    let words = StepRegistry.kinds.map { $0.keyword }
    #expect(Set(words).count == words.count)
    let keys = ExpectationRegistry.kinds.map { $0.key }
    #expect(Set(keys).count == keys.count)
    #expect(StepRegistry.kinds.allSatisfy { !$0.summary.isEmpty && !$0.examples.isEmpty })
    #expect(
      ExpectationRegistry.kinds.allSatisfy {
        !$0.summary.isEmpty && !$0.examples.isEmpty && $0.fields.first?.description.isRequired == true
      })
  }

  @Test func `the examples of the documentation are valid`() {
    for kind in StepRegistry.kinds { for example in kind.examples { #expect(problems(example) == [], "\(example)") } }
    for kind in ExpectationRegistry.kinds { for example in kind.examples { #expect(problems("expect: \(example)") == [], "\(example)") } }
  }

  /// Every mapping that a file can hold, with what it is called.
  private static var mappings: [(String, MappingShape)] {
    var found: [(String, MappingShape)] = [("file", ScenarioKeys.shape)]
    func visit(_ name: String, _ shape: Shape) {
      switch shape {
      case .mapping(let mapping):
        found.append((name, mapping))
        for field in mapping.fields { visit("\(name).\(field.name)", field.shape) }
      case .alternatives(let mappings): for mapping in mappings { visit(name, .mapping(mapping)) }
      case .list(let inner), .oneOrMore(let inner), .named(let inner): visit(name, inner)
      case .text, .flag, .integer, .words, .quantity, .name, .expectation, .steps, .table: break
      }
    }
    for field in ScenarioKeys.shape.fields { visit(field.name, field.shape) }
    for kind in StepRegistry.kinds { visit(kind.keyword, kind.shape) }
    for kind in ExpectationRegistry.kinds { found.append((kind.key, MappingShape(kind.fields, exactlyOneOf: kind.exactlyOneOf))) }
    return found
  }

  @Test func `no mapping has a key twice, and every key has a sentence that ends`() {
    for (name, mapping) in Self.mappings {
      #expect(Set(mapping.names).count == mapping.names.count, "\(name)")
      for field in mapping.fields { #expect(field.summary.hasSuffix(".") || field.summary.hasSuffix(":"), "\(name).\(field.name)") }
      for group in mapping.exactlyOneOf { #expect(group.allSatisfy { word in mapping.names.contains(word) }, "\(name)") }
      if let bare = mapping.bare { #expect(mapping.names.contains(bare), "\(name)") }
    }
  }

  @Test func `what a key goes with stands in the same mapping, and has the values that are named`() {
    for (name, mapping) in Self.mappings {
      for field in mapping.fields {
        for condition in field.conditions {
          let other = mapping.fields.first { $0.name == condition.key }
          #expect(other != nil, "\(name).\(field.name) goes with \(condition.text)")
          guard case .words(let words)? = other?.shape else {
            #expect(condition.values.isEmpty, "\(name).\(field.name) goes with \(condition.text)")
            continue
          }
          #expect(condition.values.allSatisfy(words.contains), "\(name).\(field.name) goes with \(condition.text)")
        }
      }
    }
  }

  @Test func `no key is a word that readers of YAML 1.1 take for something else (YAML 1.1 bool, null)`() {
    let words: Set = ["y", "yes", "n", "no", "true", "false", "on", "off", "null", "~"]
    for (name, mapping) in Self.mappings { for key in mapping.names { #expect(!words.contains(key.lowercased()), "\(name).\(key)") } }
  }

  @Test func `an older word of a key is read, and lint asks for the new one`() {
    let step = "  - speak: { on: pbx, tone: 440 Hz }\n  - hold: { on: pbx }\n  - expect: { leg: leg, is: ended }\n  - endSession: demo\n"
    let file = ScenarioFile.read(head + step, file: "x.yaml")
    #expect(file.problems == [])
    #expect(file.scenarios.first?.steps.contains { $0.text == "pbx speaks 440 Hz" } == true)
    let places = file.warnings.filter { $0.message.contains("YAML 1.1") }.map { [$0.line, $0.column] }
    #expect(places == [[14, 14], [15, 13]])
    #expect(problems("speak: { on: pbx, who: pbx, tone: 440 Hz }") == ["x.yaml:14:23: 'who' appears more than once: on is its older name"])
  }

  @Test func `a key that defaults may give means one thing wherever it stands`() {
    var shapes: [String: String] = [:]
    for (name, mapping) in Self.mappings {
      for field in mapping.fields where field.isInheritable {
        // An account is named before the accounts are known to be read, and after: the same word.
        let shape = field.name == "account" ? "account" : "\(field.shape)"
        #expect(shapes[field.name, default: shape] == shape, "\(name).\(field.name)")
        shapes[field.name] = shape
      }
    }
    #expect(shapes.keys.sorted() == DefaultsKeys.descriptions.map(\.name).sorted())
  }

  @Test func `the documented standard of a policy key is the policy's own (contract 8.7)`() throws {
    var policy = Policy()
    (policy.sipAccess, policy.requireTLS, policy.codecs, policy.maxConcurrentCalls, policy.allow) = (
      false, true, [], 1, [AddressRange("10.0.0.0/8")].compactMap(\.self)
    )
    let lines = PolicySchema.descriptions.compactMap { field in field.standard.map { "\(field.name): \($0)" } }
    try PolicySchema.apply(try .root(lines.joined(separator: "\n"), file: "p.yaml"), to: &policy, .empty)
    #expect(policy == .standard)
  }

  @Test func `a value without keys stands for the field that is named so`() throws {
    let short = try Scenario.read(head + "  - hold: pbx\n  - wait: 2 s\n  - hangUp: leg\n", file: "x.yaml")
    let long = try Scenario.read(head + "  - hold: { who: pbx }\n  - wait: { for: 2 s }\n  - hangUp: { leg: leg }\n", file: "x.yaml")
    #expect(short.steps.map(\.text) == long.steps.map(\.text))
  }

  @Test(arguments: [
    ("1", Count.atLeast(1)), ("3", .atLeast(3)), ("0", .exactly(0)), ("none", .exactly(0)), ("once", .exactly(1)),
    ("exactly 2", .exactly(2)),
    ("at most 4", .atMost(4)), ("at least 2", .atLeast(2)),
  ])
  func `counts are written as people say them`(text: String, count: Count) { #expect(Count(text) == count) }

  @Test(arguments: ["", "two", "-1", "exactly", "exactly none", "at most", "at least 0", "about 3", "3 times"])
  func `what is no count is nil`(text: String) { #expect(Count(text) == nil) }
}
