import ArgumentParser
import ScenarioModel
import Serving

/// `kallglot-lab schema`: the JSON Schema of scenario files, for editors.
struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON Schema (draft 2020-12) of scenario files, for editors.",
    discussion: """
      With the YAML extension of an editor: write it to a file and put '# yaml-language-server: $schema=FILE' at the top of a scenario, or \
      map it to scenarios/**/*.yaml:
        kallglot-lab schema > scenario.schema.json

      Exit codes: 0; 2 bad input.
      """)

  @Flag(help: "The schema of serve --config instead.")
  var serve = false

  @Flag(help: "The language reference as Markdown instead.")
  var reference = false

  func run() throws {
    if reference { say(LanguageReference.markdown) } else { say(serve ? ServeConfiguration.schema : JSONSchema.scenario) }
  }
}
