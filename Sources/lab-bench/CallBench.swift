import Capture
import Foundation
import Impairments
import Kallglot
import KallglotPolicy
import CallControl
import Media
import Personas
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioEngine
import ScenarioModel
import VirtualNetwork

/// A caller and the endpoint in virtual time.
struct CallRig {
  let simulation: Simulation
  let endpoint: KallglotEndpoint
  let caller: Persona
  let callerID: HostID
  private let endpointID: HostID
  private let target: SIPTarget

  init(sinks: [any JournalSink], sendsMedia: Bool, cap: Int, listening: AudioListening = .none, loss: Ratio = .never) {
    simulation = Simulation(seed: 1)
    if loss != .never { simulation.defaultLink = Impairment(loss: .random(loss)) }
    for sink in sinks { simulation.addSink(sink) }
    let here = IPAddress(v4: 0xC633_640A)
    let there = IPAddress(v4: 0xC000_0214)
    var policy = Policy.standard
    policy.maxConcurrentCalls = cap
    policy.mediaPorts = 20_000...60_000
    let account = Account(name: "acme", username: "acme", password: Secret("secret"), policy: policy)
    var settings = KallglotEndpoint.Configuration(
      accounts: [account], listener: policy, listeners: [TransportListener(.udp, .init(here, port: 5060))], mediaAddress: here)
    (settings.sendsMedia, settings.listening) = (sendsMedia, listening)
    endpoint = KallglotEndpoint(settings, tls: nil, entropy: Entropy(seed: 2), epoch: simulation.epoch)
    var own = Persona.Configuration(
      profile: .plainCaller, listeners: [TransportListener(.udp, .init(there, port: 5060))], mediaAddress: there,
      mediaPorts: 10_000...60_000, aor: NameAddress(uri: SIPURI(host: "192.0.2.20", user: "acme")),
      credentials: Credentials(username: "acme", password: Secret("secret")), sendsMedia: sendsMedia)
    own.listening = listening
    caller = Persona(
      own, serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 3), epoch: simulation.epoch)
    endpointID = simulation.add(endpoint, name: "kallglot", addresses: [here])
    callerID = simulation.add(caller, name: "pbx", addresses: [there])
    target = SIPTarget(transport: .udp, address: TransportAddress(here, port: 5060))
    simulation.run(until: .zero)
  }

  func call() {
    let request = CallRequest(uri: SIPURI(host: "sip.kallglot.com", user: "+4930"), target: target)
    simulation.command(callerID) { now, out in caller.perform(.call(request), at: now, &out) }
  }

  /// What the endpoint does.
  func answer(_ command: CallAgentCommand) {
    simulation.command(endpointID) { now, out in endpoint.perform(.party(command), at: now, &out) }
  }

  func perform(_ command: CallAgentCommand) { simulation.command(callerID) { now, out in caller.perform(command, at: now, &out) } }
}

/// INVITE, 401, ACK, INVITE, 180, 200, ACK, BYE, 200: whole calls with digest.
enum CallBench {
  static func run() throws -> [Row] {
    [
      Row(
        name: "virtual calls with digest, taps, journal and capture on",
        value: rate { [CaptureSink(.discarded), JournalFile(path: "/dev/null")] }, unit: "calls/s", bar: 5_000,
        note: "without the file system; aim 20,000"),
      Row(
        name: "  the same into files", value: rate { [CaptureSink(.folder(folder)), JournalFile(path: "\(folder)/journal.ndjson")] },
        unit: "calls/s"),
      Row(name: "  the same without taps", value: rate { [] }, unit: "calls/s"),
    ]
  }

  private static let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-calls-\(getpid())").path

  /// The best of three rounds, each with a network and sinks of its own.
  private static func rate(sinks: () -> [any JournalSink]) -> Double { (0..<3).map { _ in round(sinks()) }.max() ?? 0 }

  private static func round(_ sinks: [any JournalSink]) -> Double {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let rig = CallRig(sinks: sinks, sendsMedia: false, cap: 100_000)
    var ended = 0
    rig.simulation.onEvent = { host, event in
      guard host == rig.callerID, let event = event as? CallAgentEvent else { return }
      if case .established(let leg, _) = event { rig.perform(.hangUp(leg)) }
      if case .ended = event { ended += 1 }
    }
    let count = 10_000
    let seconds = Stopwatch.best(of: 1) {
      // A hundred a second, which keeps some three thousand of them in their timers at any time.
      for batch in 0..<count / 10 {
        for _ in 0..<10 { rig.call() }
        rig.simulation.run(until: Instant(nanoseconds: Int64(batch + 1) * 100_000_000))
      }
      rig.simulation.run(until: rig.simulation.now.advanced(by: .seconds(40)))
    }
    rig.simulation.finish()
    precondition(ended == count, "only \(ended) of \(count) calls ended")
    return Double(count) / seconds
  }
}

/// The Timer B scenario as a file, captures written.
enum ScenarioBench {
  static func run(root: String) throws -> [Row] {
    let path = "\(root)/scenarios/faults/timer-b.yaml"
    let scenario = try Scenario.read(try ScenarioLibrary.text(of: path), file: path)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-b-\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var verdict = Verdict.void
    let seconds = Stopwatch.best { verdict = VirtualRun.run(scenario, seed: 1, folder: folder).verdict }
    precondition(verdict == .passed, "the Timer B scenario does not pass")
    return [Row(name: "Timer B scenario, 32 s of virtual time, captures on", value: seconds * 1e3, unit: "ms", bar: 5, isCeiling: true)]
  }
}

/// Thirty seconds of G.711 both ways.
enum MediaBench {
  static func run() throws -> [Row] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-media-\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let seconds = Stopwatch.best(of: 3) {
      let rig = CallRig(sinks: [CaptureSink(.folder(folder)), JournalFile(path: "\(folder)/journal.ndjson")], sendsMedia: true, cap: 10)
      rig.simulation.onEvent = { host, event in
        guard host == rig.callerID, case .established(let leg, _)? = event as? CallAgentEvent else { return }
        rig.perform(.speak(leg, .tone(Tone(frequency: 440)), for: nil))
      }
      rig.call()
      rig.simulation.run(until: Instant(nanoseconds: 30_000_000_000))
      rig.perform(.hangUpAll)
      rig.simulation.run(until: Instant(nanoseconds: 31_000_000_000))
      rig.simulation.finish()
    }
    return [Row(name: "virtual 30-s G.711 call both ways, captures on", value: 30 / seconds, unit: "× real time", bar: 500)]
  }
}
