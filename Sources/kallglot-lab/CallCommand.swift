import ArgumentParser
import Foundation
import LiveNetwork
import Serving
import Media
import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel

/// `kallglot-lab call`: one call from real sockets.
struct CallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Place one call and report the result.",
    discussion: """
        kallglot-lab call sip:demo@192.0.2.20 --tone --for '10 s' --out out

      Exit codes: 0 the call was answered; 1 it was not; 2 bad input.
      """)

  @Argument(help: "Whom to call: sip:user@host[:port][;transport=tcp|tls].")
  var uri: String

  @Option(help: "YAML file: username, password, from, address, transport, trust, srtp, codecs.")
  var config: String?

  @Option(name: .customLong("for"), help: "How long the answered call lasts, such as '5 s'.")
  var duration: String = "5 s"

  @Option(help: "How long it may ring before CANCEL, such as '30 s'.")
  var ringFor: String = "3 min"

  @Flag(help: "Send a tone of 440 Hz instead of silence.")
  var tone = false

  @Option(help: "Folder for the call's pcapng.")
  var out: String?

  @Flag(help: "With --out: a capture without secrets, and without what TLS and SRTP carried.")
  var noSecrets = false

  func run() async throws {
    if noSecrets, out == nil { throw Complaint("--no-secrets goes with --out: without it no capture is written") }
    var settings = CallConfiguration()
    if let config { settings = try Configurations.read(config, CallConfiguration.read) }
    guard let length = DurationText.read(duration) else {
      throw Complaint("--for '\(duration)' is not a duration such as '5 s' or '800 ms'")
    }
    guard let patience = DurationText.read(ringFor) else {
      throw Complaint("--ring-for '\(ringFor)' is not a duration such as '30 s' or '3 min'")
    }
    let target: CallTarget
    do { target = try CallTarget(uri, transport: settings.transport) } catch { throw Complaint(error.description) }
    guard let local = settings.address ?? SourceAddress.towards(target.target.address) else {
      throw Complaint("no route to \(target.target.address); 'address:' in the --config file sets the local address")
    }
    if let out { try Output.makeFolder(out) }
    let interrupts = Interrupts()
    Console.becomeOptional()
    let caller: LiveCaller
    do {
      caller = try LiveCaller(
        target.uri, target: target.target, others: target.others, local: local, configuration: settings, duration: length,
        tone: tone ? Tone(frequency: 440) : nil, patience: patience, folder: out, keepsSecrets: !noSecrets,
        say: { say($0) })
    } catch { throw Complaint("\(error)") }
    if target.target.transport == .tls, settings.trust == nil {
      say("TLS: the peer's certificate is not checked (no trust: in the configuration)")
    }
    let watch = Task {
      await interrupts.next()
      // Cancelled: the call has ended by itself.
      if !Task.isCancelled { caller.hangUp() }
    }
    defer { watch.cancel() }
    let outcome: CallOutcome
    do { outcome = try await caller.run() } catch { throw Complaint("\(error)") }
    caller.say(Self.verdict(outcome))
    if !outcome.established { throw ExitWith(code: 1) }
  }

  private static func verdict(_ outcome: CallOutcome) -> String {
    guard outcome.established else {
      let failure = outcome.failure.map { " (\($0))" } ?? ""
      let reason = outcome.refusal ?? outcome.end.map { "\($0)\(failure)" } ?? "the call ended without a reason"
      return "not answered: \(reason); the last target was \(outcome.target)"
    }
    let media = outcome.report.map { CallLog.text($0) } ?? "no RTP"
    return "answered; \(outcome.end.map { "\($0)" } ?? "ended"); \(media)"
  }
}
