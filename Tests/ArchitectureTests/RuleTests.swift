import Foundation
import Rules
import SansIO
import Testing

/// What the Lab judges by is declared in one place, once, and each rule is looked for by whoever its declaration says.
@Suite struct RuleTests {
  private struct Declaration: Hashable {
    var name: String
    var id: String
  }

  private static let folder = "Sources/Rules"

  /// `static let acknowledgementSequence = Rule("ack-sequence", …)`
  private var declarations: [Declaration] {
    Repository.files(Self.folder).flatMap { file in
      file.text.matches(of: #/static let (\w+) = Rule\(\s*"([^"]*)",/#).map { Declaration(name: String($0.1), id: String($0.2)) }
    }
  }

  private func names(_ name: String, in text: String) -> Bool {
    text.ranges(of: ".\(name)").contains { found in
      found.upperBound == text.endIndex || !(text[found.upperBound].isLetter || text[found.upperBound].isNumber)
    }
  }

  private func code(_ isWanted: (Repository.File) -> Bool) -> String {
    Repository.files("Sources").filter { !$0.path.hasPrefix("\(Self.folder)/") && isWanted($0) }.map(\.text).joined()
  }

  @Test func `every rule has an id, a section and a sentence of its own`() {
    let rules = RuleRegistry.rules
    #expect(Set(rules.map(\.id)).count == rules.count)
    #expect(Set(rules.map(\.sentence)).count == rules.count)
    for rule in rules {
      #expect(rule.id.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(rule.id)")
      let isSection = rule.section.wholeMatch(of: /(RFC [0-9]+ §[0-9A-Z]+(\.[0-9]+)*)|(ITU-T [A-Z]\.[0-9]+)|(contract 8\.[0-9])/) != nil
      #expect(isSection || rule.section.isEmpty && rule.severity == .note, "\(rule.id): \(rule.section)")
      #expect(rule.sentence.count > 10 && !rule.sentence.hasSuffix(".") && !rule.sentence.contains(" RFC "), "\(rule.id)")
      #expect(!rule.watchers.isEmpty, "\(rule.id)")
    }
  }

  @Test func `the registry has every declared rule and no other, and nobody else declares one`() {
    #expect(declarations.map(\.id).sorted() == RuleRegistry.ids.sorted())
    for file in Repository.files("Sources") where !file.path.hasPrefix("\(Self.folder)/") && file.path != "Sources/SansIO/Rule.swift" {
      #expect(!file.text.contains(/\bRule\(\s*"/), "\(file.path) declares a rule of its own")
    }
  }

  @Test func `what a member watches its peers for can be read off their packets as well`() {
    let unseen = RuleRegistry.rules.filter { !$0.watchers.contains(.reader) }.map(\.id)
    #expect(unseen.isEmpty, "\(unseen)")
  }

  @Test func `each rule is looked for by who its declaration says`() {
    let reader = code { $0.module == "Inspection" }
    // Who finds out whose mistake it was names the rule as well, and raises none.
    let peer = code { !["Inspection", "ScenarioEngine", "Reports"].contains($0.module) }
    for declaration in declarations {
      guard let rule = RuleRegistry.rule(declaration.id) else { continue }
      if rule.watchers.contains(.reader) { #expect(names(declaration.name, in: reader), "\(rule.id) is read off no packet") }
      if rule.watchers.contains(.peer) { #expect(names(declaration.name, in: peer), "\(rule.id) is raised by no member") }
    }
  }
}
