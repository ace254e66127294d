import KallglotPolicy
import FoundationEssentials
import CallControl
import Inspection
import LiveNetwork
import Media
import NIOCore
import Personas
import Rules
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioModel
import SecureTransport

/// What became of one live call.
public struct CallOutcome: Sendable {
  public var established: Bool
  /// nil = it never came to an end of its own.
  public var end: EndReason?
  public var refusal: String?
  /// What the operating system, ICMP or a connection said last of a failure.
  public var failure: String?
  /// Where the last INVITE went.
  public var target: TransportAddress
  public var report: MediaReport?
}

/// Places one call from real sockets with the same stack as everything else: what `call` runs.
// Unchecked: its state belongs to its driver's event loop, on which everything after the start is done.
public final class LiveCaller: @unchecked Sendable {
  private let loop: SocketLoop
  private let driver: LiveDriver
  private let host: Persona
  private let request: CallRequest
  private let tone: Tone?
  private let duration: Duration
  private let lines: ServeLog
  /// How long it may ring.
  private let patience: Duration
  private let captures: CallCaptures?
  private let judge: LiveJudge
  // On the loop.
  private var findings = FindingLog()
  private var judgeTimer: RepeatedTask?
  private var log = CallLog()
  private var outcome: CallOutcome
  private var done: EventLoopPromise<CallOutcome>?
  private var leg: LegID?
  private var isHangingUp = false
  /// Listeners that are not open yet.
  private var awaited: Int
  private var captureTimer: RepeatedTask?
  private var length: Scheduled<Void>?
  private var ringing: Scheduled<Void>?

  /// - Parameters:
  ///   - target: the next hop, resolved.
  ///   - others: tried in their order where it fails (RFC 3263 §4.3).
  ///   - local: our address; the one that routes to the target.
  ///   - duration: from the answer to our BYE.
  ///   - tone: what we send; nil = silence.
  ///   - patience: from the INVITE to our CANCEL when no final response came.
  ///   - mediaPorts: for RTP and RTCP; nil = somewhere in 30000 to 39999.
  ///   - folder: gets the call's captures; nil = none.
  ///   - keepsSecrets: whether they have secrets, and what secrets open.
  public init(
    _ uri: SIPURI, target: SIPTarget, others: [SIPTarget] = [], local: IPAddress, configuration: CallConfiguration, duration: Duration,
    tone: Tone?, patience: Duration = .seconds(180), mediaPorts: ClosedRange<UInt16>? = nil, folder: String? = nil,
    keepsSecrets: Bool = true, say: @escaping @Sendable (String) -> Void
  ) throws {
    (self.duration, self.tone, self.patience) = (duration, tone, patience)
    outcome = CallOutcome(established: false, target: target.address)
    _ = DescriptorLimit.raise()
    do throws(SystemError) { loop = try SocketLoop() } catch { throw LiveFailure("no event loop: \(error)") }
    let clock = LiveClock()
    lines = ServeLog(epoch: clock.epoch, console: say)
    let from = try configuration.from.map { text in
      do { return NameAddress(uri: try SIPURI(parsing: text)) } catch { throw LiveFailure("from: \(error)") }
    }
    let credentials = configuration.username.flatMap { name in
      configuration.password.map { Credentials(username: name, password: Secret($0)) }
    }
    let listeners = Self.listeners([target] + others, local)
    awaited = listeners.count
    let clientTLS = try Self.tls(configuration, [target] + others)
    var settings = Persona.Configuration(
      profile: .plainCaller, listeners: listeners,
      mediaAddress: local, mediaPorts: mediaPorts ?? Self.anyPorts, aor: from ?? Self.address(configuration, local),
      credentials: credentials)
    (settings.security, settings.reception) = (MediaSecurity(configuration.srtp), .live)
    settings.audio.codecs = configuration.codecs
    settings.opens = clientTLS == nil ? [.tcp] : [.tcp, .tls]
    host = Persona(settings, serverTLS: nil, clientTLS: clientTLS, entropy: .system, epoch: clock.epoch)
    request = CallRequest(uri: uri, hop: .servers(target, others: others))
    captures = folder.map { CallCaptures(folder: $0, host: "caller", epoch: clock.epoch, keepsSecrets: keepsSecrets) }
    do throws(SystemError) {
      judge = try LiveJudge("caller", epoch: clock.epoch, watch: PolicyWatch(calling: configuration))
    } catch { throw LiveFailure("no thread to judge on: \(error)") }
    let sinks: [(any JournalSink)?] = [captures, judge]
    driver = LiveDriver(host, name: "caller", on: loop, clock: clock, sinks: sinks.compactMap { $0 })
    judge.onNews = { [unowned self] news in loop.execute { [unowned self] in take(news) } }
    driver.onEvent = { [unowned self] event in take(event) }
    captures?.onEvent = { [unowned self] event in say(log.line(for: event)) }
  }

  /// Who calls where the configuration does not say it.
  private static func address(_ configuration: CallConfiguration, _ local: IPAddress) -> NameAddress {
    NameAddress(uri: SIPURI(.sip, host: .address(local), user: configuration.username ?? "kallglot-lab"))
  }

  /// Several calls of one machine seldom begin at the same port.
  private static var anyPorts: ClosedRange<UInt16> {
    var entropy = Entropy.system
    return 30_000 + 2 * UInt16.random(in: 0..<4_000, using: &entropy)...39_999
  }

  /// Where responses and requests of the callee can come, for each kind of target.
  private static func listeners(_ targets: [SIPTarget], _ local: IPAddress) -> [TransportListener] {
    [SIPTransportProtocol.udp, .tcp].filter { kind in targets.contains { $0.transport.isReliable == kind.isReliable } }
      .map { TransportListener($0, TransportAddress(local, port: 0)) }
  }

  private static func tls(_ configuration: CallConfiguration, _ targets: [SIPTarget]) throws -> TLSContext? {
    guard targets.contains(where: { $0.transport == .tls }) else { return nil }
    guard let path = configuration.trust else { return try TLSContext(TLSConfiguration(role: .client)) }
    let authorities = try CertificateFile.authorities(path)
    return try TLSContext(TLSConfiguration(role: .client, trustAnchors: authorities, verification: .peer))
  }

  /// Calls, speaks, hangs up, and says what happened.
  public func run() async throws -> CallOutcome {
    let promise = driver.eventLoop.makePromise(of: CallOutcome.self)
    driver.eventLoop.execute { [self] in
      done = promise
      captureTimer = captures?.schedule(on: driver.eventLoop) { [unowned self] in self.captures?.tick(at: driver.clock.now) }
      judgeTimer = judge.schedule(on: driver.eventLoop) { [unowned self] in judge.tick(at: driver.clock.now) }
    }
    driver.start()
    let result: Result<CallOutcome, any Error>
    do {
      result = .success(
        try await withTaskCancellationHandler {
          try await promise.futureResult.get()
        } onCancel: {
          hangUp()
        })
    } catch { result = .failure(error) }
    try? await driver.stop().get()
    try? await driver.eventLoop.submit { [self] in
      judgeTimer?.cancel()
      judge.finish(at: driver.clock.now)
    }.get()
    await judge.leave()
    if captures != nil { try? await driver.eventLoop.submit { [self] in endCaptures() }.get() }
    try? await loop.shutdownGracefully()
    return try result.get()
  }

  private func endCaptures() {
    captureTimer?.cancel()
    captures?.finish(at: driver.clock.now)
  }

  /// What observers say of the packets: no secret in clear, no media to strangers.
  private func take(_ news: [LiveInspection.News]) {
    for one in news {
      switch one {
      case .finding(let finding) where Rule.policies.contains(finding.breach):
        let place = { [self] (finding: InspectionFinding) in captures?.place(of: UInt32(truncatingIfNeeded: finding.frame), finding.callID)
        }
        if let line = findings.line(for: finding, place: place) { say(line) }
      case .proven(let proof): for line in proof.lines { say(line) }
      case .finding, .ended: break
      }
    }
  }

  /// Tasks that came after the end: none, in a right shutdown.
  var droppedTasks: Int { loop.droppedTasks }

  /// Ends the call early: CANCEL, BYE, or nothing but the end where no INVITE has left yet. Nothing once it has ended.
  public func hangUp() { driver.eventLoop.execute { [self] in endCall() } }

  private func take(_ event: any HostEvent) {
    guard let event = event as? CallAgentEvent else { return }
    switch event {
    case .listening:
      awaited -= 1
      guard awaited == 0, !isHangingUp else { break }
      driver.command { [self] now, out in host.perform(.call(request), at: now, &out) }
    case .listenFailed(let listener, let failure): done?.fail(LiveFailure.listening(listener, failure))
    // What it refused itself is no news to who placed the call.
    case .requestRefused: break
    default: if let line = log.line(for: event, at: driver.clock.now) { say(line) }
    }
    switch event {
    case .started(let id, _):
      leg = id
      if isHangingUp { driver.command { [self] now, out in host.perform(.hangUp(id), at: now, &out) } }
      ringing = driver.eventLoop.scheduleTask(in: .nanoseconds(patience.wholeNanoseconds)) { [self] in loseWaiting() }
      if let tone { driver.command { [self] now, out in host.perform(.speak(id, .tone(tone), for: nil), at: now, &out) } }
    case .established:
      outcome.established = true
      ringing?.cancel()
      length = driver.eventLoop.scheduleTask(in: .nanoseconds(duration.wholeNanoseconds)) { [self] in endCall() }
    case .redirected(_, _, _, let target): outcome.target = target
    case .failedOver(_, _, _, let next): outcome.target = next.address
    case .serversFailed(_, let reason): outcome.failure = reason
    case .socketFailed(_, let failure): outcome.failure = "\(failure)"
    case .portsMissing(_, let reason): outcome.failure = reason
    case .connectionFailed(let remote, let reason): outcome.failure = "\(remote): \(reason)"
    case .refused(_, let status, let phrase, let explanation):
      outcome.refusal = "\(status) \(phrase)\(explanation.map { " (\($0))" } ?? "")"
    case .ended(_, let end, let report):
      outcome.end = end
      outcome.report = report
      length?.cancel()
      ringing?.cancel()
      finish()
    default: break
    }
  }

  /// What still leaves, such as the last ACK, leaves before.
  private func finish() {
    driver.eventLoop.scheduleTask(in: .milliseconds(50)) { [self] in
      // A leg that began in the meantime has its own end.
      guard leg == nil || outcome.end != nil else { return }
      done?.succeed(outcome)
      done = nil
    }
  }

  /// A line of the log.
  public func say(_ line: String) { lines.line(line, at: driver.clock.now) }

  /// Nobody answers: CANCEL (RFC 3261 §9.1).
  private func loseWaiting() {
    guard !outcome.established, outcome.end == nil, !isHangingUp else { return }
    outcome.failure = "no final response within \(patience.components.seconds) s, CANCEL was sent"
    say("no final response within \(patience.components.seconds) s: CANCEL")
    endCall()
  }

  private func endCall() {
    guard outcome.end == nil, !isHangingUp else { return }
    isHangingUp = true
    guard let leg else { return finish() }
    driver.command { [self] now, out in host.perform(.hangUp(leg), at: now, &out) }
    // A peer that never answers CANCEL or BYE ends it by Timer F in 32 s; a second try does not make that faster.
  }
}
