import ArgumentParser
import Reports

/// `kallglot-lab rules`: what `allowViolations` and the expectation `violation` name.
struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "List the rules that peers must not violate: id, section, sentence.",
    discussion: """
      A scenario fails when a peer violates one that its allowViolations does not list.
        kallglot-lab rules
        kallglot-lab rules --json

      Exit codes: 0; 2 bad input.
      """)

  @Flag(help: "As JSON: an array of objects with id, section and sentence.")
  var json = false

  func run() throws {
    if json { say(RuleList.json) } else { for line in RuleList.lines { say(line) } }
  }
}
