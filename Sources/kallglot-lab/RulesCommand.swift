import ArgumentParser
import Reports

/// `kallglot-lab rules`: what `run`, `serve` and `inspect` judge by.
struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "List the rules that peers and captures are judged by.",
    discussion: """
      A line a rule: id, section, the worst severity that it has, where it is looked for (run, serve, inspect), when a run fails by it, \
      and a sentence.
        kallglot-lab rules
        kallglot-lab rules --json
      A scenario fails by a rule that its allowViolations does not list: 'always', or as far as packets prove an error ('errors': as a \
      warning it may be the network's doing), or only when the scenario asks for it ('asked': 'never: [{ violation: one-way-audio, at: \
      pbx }]'), because it says how a call went. The checks of 'inspect' are what its findings are called in JSON.

      Exit codes: 0; 2 bad input.
      """)

  @Flag(help: "As JSON: an array of objects with id, section, sentence, severity, where and failsRuns.")
  var json = false

  func run() throws {
    if json { say(RuleList.json) } else { for line in RuleList.lines { say(line) } }
  }
}
