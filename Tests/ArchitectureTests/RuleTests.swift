import Foundation
import SansIO
import ScenarioModel
import Testing

/// The rules that peers are watched for are declared by the modules whose protocols they are of, each with its standard; one catalogue
/// has them all, and each is raised by somebody.
@Suite struct RuleTests {
  private struct Declaration: Hashable {
    var name: String
    var id: String
    var path: String
  }

  /// `static let acknowledgementSequence = Self("ack-sequence", "RFC 3261 §13.2.2.4", …)`
  private var declarations: [Declaration] {
    Repository.files("Sources").flatMap { file in
      file.text.matches(of: #/static let (\w+) = Self\(\s*"([^"]*)",\s*"RFC /#).map { match in
        Declaration(name: String(match.1), id: String(match.2), path: file.path)
      }
    }
  }

  @Test func `every rule has an id, a section of a standard and a sentence of its own`() {
    let rules = RuleCatalogue.rules
    #expect(Set(rules.map(\.id)).count == rules.count)
    #expect(Set(rules.map(\.sentence)).count == rules.count)
    for rule in rules {
      #expect(rule.id.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(rule.id)")
      #expect(rule.section.wholeMatch(of: /RFC [0-9]+ §[0-9]+(\.[0-9]+)*/) != nil, "\(rule.id): \(rule.section)")
      #expect(rule.sentence.count > 10 && !rule.sentence.hasSuffix("."), "\(rule.id)")
    }
  }

  @Test func `the catalogue has every declared rule and no other, and the contract declares none`() {
    #expect(declarations.map(\.id).sorted() == RuleCatalogue.ids.sorted())
    #expect(!declarations.contains { $0.path.hasPrefix("Sources/SansIO/") })
  }

  @Test func `no rule is listed that nobody looks for`() {
    let lists = Set(declarations.map(\.path)).union(["Sources/ScenarioModel/RuleCatalogue.swift"])
    let sources = Repository.files("Sources").filter { !lists.contains($0.path) }.map(\.text).joined()
    for rule in declarations { #expect(sources.contains(".\(rule.name)"), "\(rule.id) is raised nowhere") }
  }
}
