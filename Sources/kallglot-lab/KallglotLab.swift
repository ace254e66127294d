import ArgumentParser
import Foundation
import ScenarioModel

/// `kallglot-lab`: scenarios, a live endpoint, a live call, captures read.
@main
struct KallglotLab: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kallglot-lab",
    abstract: "SIP interop test harness and simulator for Kallglot trunks.",
    discussion: """
      Scenarios in virtual time, the endpoint on real sockets, and captures of either:
        kallglot-lab run scenarios
        kallglot-lab serve
        kallglot-lab inspect trunk.pcap

      Exit codes: 0 everything passed; 1 something failed; 2 bad input (a flag, a file, an address), in one sentence; 3 something could \
      not run; 130 interrupted.
      """,
    version: Origin.version,
    subcommands: [
      RunCommand.self, MergeCommand.self, ServeCommand.self, CallCommand.self, CertsCommand.self, InspectCommand.self,
      DecryptCommand.self, LintCommand.self, ListCommand.self, RulesCommand.self, SchemaCommand.self, RelayCommand.self,
    ])

  static func main() async {
    Console.makeFullFilesErrors()
    do {
      try checkCommand(CommandLine.arguments.dropFirst())
      var command = try parseAsRoot()
      if var live = command as? any AsyncParsableCommand { try await live.run() } else { try command.run() }
      if let reason = Console.failure { complain("standard output cannot be written: \(reason)") }
    } catch let status as ExitWith {
      Foundation.exit(status.code)
    } catch let problem as Complaint {
      complain(problem.sentence)
    } catch {
      // Help and version are no mistakes.
      guard exitCode(for: error) != .success else { exit(withError: error) }
      let lines = fullMessage(for: error).split(separator: "\n").map(String.init)
      complain((lines.first ?? "\(error)").replacing("Error: ", with: "") + " (see kallglot-lab --help)")
    }
  }

  /// A word that is not a command would be called an unexpected argument, and 'help' with one would show the help of all.
  private static func checkCommand(_ arguments: ArraySlice<String>) throws {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    let words = arguments.first == "help" ? arguments.prefix(2) : arguments.prefix(1)
    guard let word = words.first(where: { !$0.hasPrefix("-") && !names.contains($0) }) else { return }
    throw Complaint("unknown command '\(word)'\(Spelling.hint(for: word, among: names)) (see kallglot-lab --help)")
  }

  private static func complain(_ sentence: String) -> Never {
    Console.complain("kallglot-lab: \(sentence)")
    Foundation.exit(2)
  }
}

/// Bad input, in one helpful sentence; exit code 2.
struct Complaint: Error {
  var sentence: String
  init(_ sentence: String) { self.sentence = sentence }
}

/// Ends the program with a code after everything was said.
struct ExitWith: Error {
  var code: Int32
}
