import Foundation
import KallglotPolicy
import Testing

@testable import ScenarioModel

/// A file with mistakes and every line that is said of them, from `fixtures/scenarios/mistakes.txt`.
struct MistakeCase: Sendable, CustomTestStringConvertible {
  var title: String
  var text: String
  var lines: [String]
  var testDescription: String { title }

  static let all: [MistakeCase] = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let text = (try? String(contentsOf: root.appending(path: "fixtures/scenarios/mistakes.txt"), encoding: .utf8)) ?? ""
    return text.components(separatedBy: "=== ").dropFirst().map { entry in
      let parts = entry.components(separatedBy: "\n---\n")
      let lines = parts[0].components(separatedBy: "\n")
      return MistakeCase(
        title: lines[0], text: lines.dropFirst().joined(separator: "\n").replacing("@head", with: head),
        lines: parts[1].components(separatedBy: "\n").filter { !$0.isEmpty }.map(expand))
    }
  }()

  private static let head = """
    summary: s
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
      wire: { wire: raw, address: 192.0.2.30 }
    """

  /// Lists of words that grow with the Lab.
  private static func expand(_ line: String) -> String {
    line.replacing("@steps", with: StepRegistry.kinds.map { $0.keyword }.joined(separator: ", "))
      .replacing("@expectations", with: ExpectationRegistry.kinds.map { $0.key }.joined(separator: ", "))
      .replacing("@policy", with: PolicySchema.names.joined(separator: ", "))
      .replacing("@member", with: CastKeys.shape.names.joined(separator: ", "))
      .replacing("@personas", with: KnownPersona.all.map(\.id).joined(separator: ", "))
  }
}

@Suite struct MistakeTests {
  @Test(arguments: MistakeCase.all)
  func `every mistake of a file is told with its place, what was expected and the nearest word`(mistake: MistakeCase) {
    let loader = SourceLoader.files([:])
    let file = ScenarioFile.read(mistake.text, file: "x.yaml", loader: loader)
    #expect((file.problems + file.references).map(\.description) == mistake.lines)
  }

  @Test func `every case of the fixture has a title of its own and a mistake`() {
    #expect(Set(MistakeCase.all.map(\.title)).count == MistakeCase.all.count && !MistakeCase.all.isEmpty)
    for mistake in MistakeCase.all { #expect(!mistake.lines.isEmpty, "\(mistake.title)") }
  }

  @Test func `reading one scenario throws the first mistake in the order of the file`() {
    let text = "summary: s\ncast: { a: { endpoint: default, address: 192.0.2.1 } }\nsteps:\n  - wait: soon\n  - wait: later\n"
    #expect(throws: SourceProblem(file: "x.yaml", line: 4, column: 11, "steps[1].wait: 'soon' is not a duration such as '2 s' or '30 ms'"))
    {
      try Scenario.read(text, file: "x.yaml")
    }
  }

  @Test func `a file of aliases of aliases or of a thousand brackets is refused, not unfolded`() {
    var bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for (name, last) in zip("bcdefgh", "abcdefg") {
      bomb += "\(name): &\(name) [\(Array(repeating: "*\(last)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(ScenarioFile.read(bomb, file: "x.yaml").problems.first?.message == "the file has more than 200000 values")
    let deep = "summary: " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    #expect(ScenarioFile.read(deep, file: "x.yaml").problems.first?.message == "values are nested more than 60 deep")
  }
}
