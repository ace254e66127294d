import Codecs
import Foundation
import LabTesting
import ScenarioEngine
import Testing

@testable import ScenarioModel

/// A scenario of `fixtures/scenarios/keys.txt`: `[[key|right|wrong]]` in it are values of keys.
struct KeyCase: Sendable, CustomTestStringConvertible {
  var title: String
  private var text: String
  var testDescription: String { title }

  /// The keys that have a wrong value in it.
  var keys: [String] { Set(text.matches(of: Self.mark).map { String($0.1) }).sorted() }

  /// The scenario with its right values, or with the wrong ones of one key.
  func text(wrong key: String?) -> String {
    text.replacing(Self.mark) { match in match.1 == key.map { $0[...] } ? match.3 : match.2 }
  }

  private static var mark: Regex<(Substring, Substring, Substring, Substring)> { /\[\[([A-Za-z0-9.]+)\|([^|]*?)\|([^|]*?)\]\]/ }

  static let (all, exempt): ([KeyCase], [String: String]) = {
    let text = (try? String(contentsOfFile: "\(Place.root)/fixtures/scenarios/keys.txt", encoding: .utf8)) ?? ""
    var sections = text.components(separatedBy: "\n=== ").dropFirst().map { section in
      let lines = section.components(separatedBy: "\n")
      return KeyCase(title: lines[0], text: lines.dropFirst().joined(separator: "\n"))
    }
    let reasons = sections.popLast()?.text.split(separator: "\n").compactMap { line -> (String, String)? in
      line.firstRange(of: ": ").map { (String(line[..<$0.lowerBound]), String(line[$0.upperBound...])) }
    }
    let late = head.replacing("198.51.100.10 }", with: "198.51.100.10, answerDelay: 2 s }")
    for index in sections.indices { sections[index].text.replace("@head", with: head) }
    for index in sections.indices { sections[index].text.replace("@late", with: late) }
    return (sections, Dictionary(reasons ?? [], uniquingKeysWith: { first, _ in first }))
  }()

  private static let head = """
    summary: s
    given: { accounts: { acme: {}, other: {} }, sessions: { demo: { account: acme }, second: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
      phone: { persona: plain-caller, address: 192.0.2.21 }
      renewed: { persona: plain-caller, address: 192.0.2.22, account: acme, password: new one }
      wire: { wire: raw, address: 192.0.2.30 }
      probe: { wire: raw, address: 192.0.2.31 }
      tcp: { wire: raw, address: 192.0.2.32, transport: tcp }
      stream: { wire: raw, address: 192.0.2.33, transport: tcp }
    """
}

/// No key can be ignored: each turns a scenario that passes red by its value alone.
@Suite struct KeyTests {
  /// Every key that the registries know, by where it stands.
  static let keys: Set<String> = {
    var keys: Set<String> = []
    func add(_ place: String, _ mapping: MappingShape) { for name in mapping.names { keys.insert("\(place).\(name)") } }
    add("file", ScenarioKeys.shape)
    add("cast", CastKeys.shape)
    add("given.account", GivenKeys.Account.shape)
    add("given.session", GivenKeys.Session.shape)
    add("certificate", CertificateKeys.shape)
    for shape in [NameKeys.hostShape, NameKeys.srvShape, NameKeys.naptrShape, NameKeys.unansweredShape] { add("given.name", shape) }
    add("network.link", NetworkKeys.shape)
    for (name, shape) in [
      ("jitter", JitterKeys.mapping), ("loss", LossKeys.mapping), ("loss.burst", LossKeys.burstShape),
      ("loss.gilbertElliott", LossKeys.elliottShape), ("loss.states", LossKeys.statesShape), ("reorder", ReorderKeys.mapping),
      ("outage", OutageKeys.mapping), ("delaySteps", DelayStepKeys.mapping),
    ] { add("network.link.\(name)", shape) }
    add("network.nat", NATKeys.shape)
    add("network.nat.forwards", NATKeys.forward)
    add("network.firewall", FirewallKeys.shape)
    add("policy", PolicySchema.shape)
    for kind in ExpectationRegistry.kinds { add(kind.key, MappingShape(kind.fields)) }
    func visit(_ place: String, _ shape: Shape) {
      switch shape {
      case .mapping(let mapping):
        // The policy's keys, and a link's, are the same in a step.
        let own = mapping.fields.filter {
          (place != ChangePolicyStep.keyword || !PolicySchema.names.contains($0.name)) && place != ImpairStep.keyword
        }
        add(place, MappingShape(descriptions: own))
        for field in own { visit("\(place).\(field.name)", field.shape) }
      case .expectation(let context): add(place, context.others)
      case .list(let inner), .named(let inner): visit(place, inner)
      case .alternatives(let mappings): for mapping in mappings { visit(place, .mapping(mapping)) }
      case .oneOrMore: if !place.contains(".") { keys.insert(place) }
      case .text, .flag, .integer, .words, .quantity, .name, .steps, .table: break
      }
    }
    for kind in StepRegistry.kinds { visit(kind.keyword, kind.shape) }
    return keys
  }()

  @Test func `every key that a file can hold has a value here that makes it wrong, or a reason why none does`() {
    let shown = Set(KeyCase.all.flatMap(\.keys))
    #expect(
      Self.keys.subtracting(shown).subtracting(KeyCase.exempt.keys).sorted() == [], "keys without a case in fixtures/scenarios/keys.txt")
    #expect(
      shown.union(KeyCase.exempt.keys).subtracting(Self.keys).sorted() == ["changePolicy.sipAccess"], "cases of keys that do not exist")
    #expect(shown.intersection(KeyCase.exempt.keys) == [], "cases of keys that are said to have none")
    #expect(Self.keys.count > 180)
  }

  @Test(arguments: KeyCase.all)
  func `the scenario passes, and a wrong value of each key alone turns it red`(example: KeyCase) {
    let right = run(example.text(wrong: nil))
    #expect(right?.verdict == .passed, "\(right.map(ScenarioSuite.explanation) ?? "it cannot be read")")
    for key in example.keys {
      let wrong = run(example.text(wrong: key))
      #expect(wrong?.verdict == .failed, "\(key) is \(wrong?.verdict.rawValue ?? "unreadable")")
    }
  }

  /// What steps play: a tone, and half a second of silence.
  private static let loader: SourceLoader = {
    let period: [Int16] = [0, 5_657, 8_000, 5_657, 0, -5_657, -8_000, -5_657]
    let tone = WaveFile(samples: (0..<8_000).map { period[$0 % 8] }, sampleRate: 8_000)
    let silence = WaveFile(samples: Array(repeating: 0, count: 4_000), sampleRate: 8_000)
    return .files([:], played: ["tone.wav": Bytes(tone.serialized), "silence.wav": Bytes(silence.serialized)])
  }()

  private func run(_ text: String) -> ScenarioResult? {
    let file = ScenarioFile.read(text, file: "keys.yaml", loader: Self.loader)
    #expect(file.problems == [])
    return file.scenarios.first.map { ScenarioSuite.run($0) }
  }
}
