import ArgumentParser
import Dispatch
import Foundation
import LiveStage
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab serve`: the endpoint on real sockets.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the Kallglot endpoint on real sockets until Ctrl-C.",
    discussion: """
      Without --config it makes an account and prints what Asterisk, FreeSWITCH and CUCM have to be told. While it runs it takes commands on \
      standard input: call, hold, resume, hangup, calls, help.
      """)

  @Option(help: "YAML file: the policy keys, and listen, account, sessions, domain, tone, answerDelay.")
  var config: String?

  @Option(help: "Folder for one pcapng a call.")
  var out: String?

  @Option(
    help: ArgumentHelp("Instead of the configuration's: a transport and an address such as 'udp 127.0.0.1:5060'.", valueName: "listener"))
  var listen: [String] = []

  @Flag(help: "Log nothing but listeners and problems.")
  var quiet = false

  func run() async throws {
    var settings = ServeConfiguration.standard
    if let config { settings = try Configurations.read(config, ServeConfiguration.read) }
    if !listen.isEmpty {
      settings.listeners = try listen.map { text in
        guard let listener = ServeConfiguration.listener(text) else {
          throw Complaint("--listen '\(text)' is not a transport and a concrete address such as 'udp 127.0.0.1:5060'")
        }
        return listener
      }
    }
    if let out { try Output.makeFolder(out) }
    let interrupts = Interrupts()
    do {
      let endpoint = try LiveEndpoint(settings, folder: out, logsCalls: !quiet) { say($0) }
      try await endpoint.start()
      if settings.account == nil, settings.policy.authentication == .digest {
        for line in SetupGuide.lines(settings, endpoint.account) { say(line) }
      }
      if let authority = endpoint.authority, let out {
        try Output.write(authority, to: "\(out)/authority.pem")
        say("the authority of our TLS certificate is in \(out)/authority.pem")
      }
      say("ready; Ctrl-C ends calls with BYE and stops; 'help' lists what can be typed")
      readCommands(for: endpoint)
      await interrupts.next()
      say("stopping")
      await endpoint.stop()
    } catch let complaint as Complaint {
      throw complaint
    } catch {
      throw Complaint("\(error)")
    }
  }
}

extension ServeCommand {
  /// Commands come on standard input, line by line, until it ends. Its thread ends with the program.
  private func readCommands(for endpoint: LiveEndpoint) {
    // A background job reads an end of file instead of being stopped.
    signal(SIGTTIN, SIG_IGN)
    Thread.detachNewThread {
      while let line = readLine() {
        do throws(LiveFailure) { if let command = try ConsoleCommand.read(line) { try endpoint.perform(command) } } catch {
          say(error.description)
        }
      }
    }
  }
}

/// Reads a configuration file for a command.
enum Configurations {
  static func read<Value>(_ path: String, _ parse: (String, String) throws(SourceProblem) -> Value) throws -> Value {
    let text = try ScenarioLibrary.text(of: path)
    do { return try parse(text, path) } catch { throw Complaint(error.description) }
  }
}

/// Ctrl-C and SIGTERM: the first is awaited, the second ends the program at once.
// Unchecked: nothing changes after `init`; signal sources are not declared Sendable.
final class Interrupts: @unchecked Sendable {
  private let stream: AsyncStream<Void>
  /// Kept alive; nobody touches them after the beginning.
  private let sources: [any DispatchSourceSignal]

  init() {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    self.stream = stream
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        continuation.yield()
        signal(number, SIG_DFL)
      }
      source.resume()
      return source
    }
  }

  /// Waits for the first one.
  func next() async { for await _ in stream { return } }
}
