import ArgumentParser
import Reports

/// `kallglot-lab rules`: what `allowViolations` and the expectation `violation` name.
struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "List the rules that peers are watched for: id, section, sentence.",
    discussion: """
      A scenario fails when a peer breaks one that its allowViolations does not name.
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
