import ArgumentParser
import Reports

/// `kallglot-lab rules`: what `run`, `serve` and `inspect` judge by.
struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "List the rules that peers and captures are judged by.",
    discussion: """
      A line a rule: id, section, the worst severity that it has, where it is looked for (run, serve, inspect), and a sentence.
        kallglot-lab rules
        kallglot-lab rules --json
      A scenario fails when a peer violates a rule of 'run' that its allowViolations does not list. The checks of 'inspect' are what its \
      findings are called in JSON.

      Exit codes: 0; 2 bad input.
      """)

  @Flag(help: "As JSON: an array of objects with id, section, sentence, severity and where.")
  var json = false

  func run() throws {
    if json { say(RuleList.json) } else { for line in RuleList.lines { say(line) } }
  }
}
