import Foundation
import SansIO
import Testing

/// The rules that peers are watched for are listed in one place, each with its standard, and each is raised by somebody.
@Suite struct RuleTests {
  @Test func `every rule has an id, a section of a standard and a sentence of its own`() {
    let rules = PeerViolation.Rule.allCases
    #expect(Set(rules.map(\.sentence)).count == rules.count)
    for rule in rules {
      #expect(rule.rawValue.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(rule.rawValue)")
      #expect(rule.section.wholeMatch(of: /RFC [0-9]+ §[0-9]+(\.[0-9]+)*/) != nil, "\(rule.rawValue): \(rule.section)")
      #expect(rule.sentence.count > 10 && !rule.sentence.hasSuffix("."), "\(rule.rawValue)")
    }
  }

  @Test func `no rule is listed that nobody looks for`() {
    let sources = Repository.files("Sources").filter { $0.path != "Sources/SansIO/PeerViolation.swift" }.map(\.text).joined()
    for rule in PeerViolation.Rule.allCases { #expect(sources.contains(".\(rule)"), "\(rule.rawValue) is raised nowhere") }
  }
}
