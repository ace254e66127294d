import ArgumentParser
import Dispatch
import Foundation
import Serving
import SIPMessage
import SIPTransport
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab serve`: the endpoint on real sockets.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the Kallglot endpoint on real sockets until Ctrl-C.",
    discussion: """
      The configuration for a PBX: serve --print asterisk (or asterisk-chan_sip, freeswitch, cucm), with the same --config, --listen and \
      --state. Without an account in --config, an account and a certificate authority are created once and kept in the state file. While \
      running, it reads commands from standard input: call, hold, resume, hangup, calls, help.

      What crosses its sockets is read and judged by the rules of 'kallglot-lab rules', as run and inspect do: each error and warning is a \
      line with the rule, its section, what was seen, who did it, the frame of the capture (with --out) and the Call-ID, and each call \
      that ends is a line with its outcome and its RTP streams. Notes are counted. Of one rule and one peer ten lines are written, then \
      every 100th, 1,000th, … is. The last lines are totals, which status.json has too.

      With --out a call over TLS is written in clear (call-*.clear.pcapng: SIP and RTP decrypted, keys removed), and the ciphertext of its \
      connection with the secrets beside it. With --no-secrets no file has secrets or what they open, and keys of SRTP that crossed in \
      clear are overwritten with x.
        kallglot-lab serve --listen 'udp 127.0.0.1:5060' --out out
        kallglot-lab serve --print asterisk --transport tls

      Exit codes: 0 it was stopped by Ctrl-C or SIGTERM, or has printed; 2 bad input, or it cannot listen.
      """)

  @Option(help: "YAML file: the policy keys, and listen, account, sessions, domain, tone, answerDelay.")
  var config: String?

  @Option(help: "Folder for captures (of each call, of each TLS connection, of the rest), serve.log and status.json.")
  var out: String?

  @Flag(help: "With --out: captures without secrets, and without what TLS and SRTP carried.")
  var noSecrets = false

  @Option(
    help: ArgumentHelp("Instead of the configuration's: a transport and an address such as 'udp 127.0.0.1:5060'.", valueName: "listener"))
  var listen: [String] = []

  @Option(help: "File of the account and the authority; $XDG_STATE_HOME/kallglot-lab/serve.json, or below ~/.local/state.")
  var state: String?

  @Option(
    help: ArgumentHelp("Print the configuration for a PBX, and exit: asterisk, asterisk-chan_sip, freeswitch, cucm.", valueName: "product"))
  var print: String?

  @Option(help: "With --print: over udp, tcp or tls; the best of the listeners when missing.")
  var transport: String?

  @Option(help: ArgumentHelp("With --print: the folder of the PBX's configuration, when it is not the usual one.", valueName: "folder"))
  var pbxFolder: String?

  @Flag(help: "Log nothing but listeners and problems; of what is judged, errors.")
  var quiet = false

  @Flag(help: "Leave the digits that callers press out of the log: they may be PINs. Captures have them all the same.")
  var maskDigits = false

  @Flag(help: "Listen for digits in the audio as well, as old sets send them (ITU-T Q.23).")
  var inBandDigits = false

  @Flag(inversion: .prefixedNo, help: "Read and judge what crosses the sockets.")
  var judge = true

  func run() async throws {
    let settings = try readSettings()
    if noSecrets, out == nil { throw Complaint("--no-secrets goes with --out: without it no capture is written") }
    guard print == nil else { return try printGuide(settings) }
    guard transport == nil, pbxFolder == nil else {
      throw Complaint("\(transport == nil ? "--pbx-folder" : "--transport") goes with --print only; --listen sets what serve listens on")
    }
    let identity = try identity(settings)
    if let out { try Output.makeFolder(out) }
    let interrupts = Interrupts()
    Console.becomeOptional()
    do {
      let endpoint = try LiveEndpoint(
        settings, identity, folder: out, keepsSecrets: !noSecrets, logsCalls: !quiet, judges: judge
      ) { say($0) }
      try await endpoint.start()
      if settings.policy.authentication == .digest {
        say(
          "account \(identity.account.username); serve --print asterisk, with the same options, prints its password and the "
            + "configuration for a PBX"
        )
      }
      if let authority = identity.authority, let out {
        try Output.write(authority.certificate.text, to: "\(out)/authority.pem")
        endpoint.say("the authority of our TLS certificate is in \(out)/authority.pem")
      }
      endpoint.say("ready; Ctrl-C ends calls with BYE and stops; 'help' lists what can be typed")
      readCommands(for: endpoint)
      await interrupts.next()
      endpoint.say("stopping")
      await endpoint.stop()
    } catch let complaint as Complaint {
      throw complaint
    } catch {
      throw Complaint("\(error)")
    }
  }
}

extension ServeCommand {
  private func readSettings() throws -> ServeConfiguration {
    var settings = ServeConfiguration.standard
    if let config { settings = try Configurations.read(config, ServeConfiguration.read) }
    (settings.masksDigits, settings.hearsTonesAsDigits) = (maskDigits, inBandDigits)
    guard !listen.isEmpty else { return settings }
    settings.listeners = try listen.map { text in
      do throws(ListenerMistake) { return try ListenerText.read(text) } catch { throw Complaint("--listen '\(text)': \(error)") }
    }
    return settings
  }

  private func identity(_ settings: ServeConfiguration) throws -> ServeIdentity {
    do throws(LiveFailure) {
      return try ServeIdentity.read(settings, stateFile: state, environment: ProcessInfo.processInfo.environment)
    } catch { throw Complaint(error.description) }
  }

  /// Prints and opens no socket.
  private func printGuide(_ settings: ServeConfiguration) throws {
    do throws(LiveFailure) {
      let product = try PBXProduct(reading: print ?? "")
      var wanted: SIPTransportProtocol?
      if let transport {
        let words = ["udp", "tcp", "tls"]
        guard words.contains(transport.lowercased()) else {
          throw LiveFailure("--transport '\(transport)' is not one of udp, tcp, tls\(Spelling.hint(for: transport, among: words))")
        }
        wanted = SIPTransportProtocol(rawValue: transport.lowercased())
      }
      let identity = try ServeIdentity.read(settings, stateFile: state, environment: ProcessInfo.processInfo.environment)
      let guide = try SetupGuide(settings, identity, transport: wanted, folder: pbxFolder)
      Console.write(guide.text(for: product))
    } catch { throw Complaint(error.description) }
  }

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
