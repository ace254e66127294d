import Foundation
import LabTesting
import ScenarioEngine
import ScenarioModel
import Testing

/// A whole scenario of the documentation.
struct Recipe: Sendable, CustomTestStringConvertible {
  var title: String
  var text: String
  var testDescription: String { title }

  /// The scenarios of a page: fenced YAML that has steps and a summary, by the heading they stand under.
  static func all(of page: String) -> [Recipe] {
    let text = (try? String(contentsOfFile: "\(Place.root)/Sources/ScenarioModel/ScenarioModel.docc/\(page).md", encoding: .utf8)) ?? ""
    return text.components(separatedBy: "\n## ").dropFirst().flatMap { section in
      let title = section.prefix { $0 != "\n" }
      let blocks = section.components(separatedBy: "```yaml\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
      return blocks.filter { $0.hasPrefix("summary:") }.map { Recipe(title: "\(page): \(title)", text: $0) }
    }
  }
}

@Suite struct CookbookTests {
  @Test func `every heading of the cookbook has one whole scenario`() throws {
    let page = try String(contentsOfFile: "\(Place.root)/Sources/ScenarioModel/ScenarioModel.docc/Cookbook.md", encoding: .utf8)
    let headings = page.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { "Cookbook: \($0.dropFirst(3))" }
    #expect(!headings.isEmpty && Recipe.all(of: "Cookbook").map(\.title) == headings)
  }

  @Test(arguments: Recipe.all(of: "Cookbook") + Recipe.all(of: "WritingScenarios"))
  func `what the documentation shows has no mistake, proves what exists, and passes`(recipe: Recipe) {
    let file = ScenarioFile.read(recipe.text, file: "cookbook/recipe.yaml")
    #expect(file.problems + file.references + file.warnings == [])
    #expect(!file.scenarios.isEmpty)
    for scenario in file.scenarios {
      let result = ScenarioSuite.run(scenario)
      #expect(result.verdict == .passed, "\(scenario.name): \(ScenarioSuite.explanation(result))")
    }
  }

  @Test func `the language reference is what the registry says: make docs writes it`() throws {
    let page = try String(contentsOfFile: "\(Place.root)/Sources/ScenarioModel/ScenarioModel.docc/LanguageReference.md", encoding: .utf8)
    let parts = page.components(separatedBy: "<!-- generated -->\n")
    #expect(parts.count == 2)
    #expect(parts.last == LanguageReference.markdown + "\n", "run: make docs")
  }

  @Test func `every keyword, expectation and key of a file is in the reference`() {
    for kind in StepRegistry.kinds { #expect(LanguageReference.markdown.contains("### \(kind.keyword)\n")) }
  }
}
