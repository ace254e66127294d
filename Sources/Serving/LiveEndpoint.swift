import FoundationEssentials
import Kallglot
import KallglotPolicy
import CallControl
import Inspection
import LiveNetwork
import Media
import NIOCore
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioModel
import SecureTransport

/// The Kallglot endpoint on real sockets: what `serve` runs.
// Unchecked: its state belongs to its driver's event loop, on which everything after the start is done.
public final class LiveEndpoint: @unchecked Sendable {
  public let configuration: ServeConfiguration
  public let identity: ServeIdentity
  private let host: KallglotEndpoint
  private let driver: LiveDriver
  private let loop: SocketLoop
  private let captures: CallCaptures?
  private let judge: LiveJudge?
  private let desk: ServeDesk
  private let limit: DescriptorLimit
  // On the loop.
  private var waiting: Set<TransportListener> = []
  private var bound: EventLoopPromise<Void>?
  private var quiet: EventLoopPromise<Void>?
  private var captureTimer: RepeatedTask?
  private var statusTimer: RepeatedTask?
  private var judgeTimer: RepeatedTask?

  /// - Parameters:
  ///   - folder: gets one pcapng a call, `serve.log` and `status.json`; nil = none of them.
  ///   - keepsSecrets: whether captures have secrets, and what secrets open.
  ///   - logsCalls: under load, making a line for each event costs more than the call.
  ///   - judges: whether what crosses the sockets is read and judged, on a thread of its own.
  ///   - say: takes each line of the log, on the loop.
  public init(
    _ configuration: ServeConfiguration, _ identity: ServeIdentity, folder: String? = nil, keepsSecrets: Bool = true,
    logsCalls: Bool = true,
    judges: Bool = true,
    say: @escaping @Sendable (String) -> Void
  ) throws {
    self.configuration = configuration
    self.identity = identity
    limit = DescriptorLimit.raise()
    do throws(SystemError) { loop = try SocketLoop() } catch { throw LiveFailure("no event loop: \(error)") }
    let clock = LiveClock()
    let tls = try LiveTLS.read(configuration, identity.authority)
    host = try Self.endpoint(configuration, identity.account, tls, clock.epoch)
    desk = ServeDesk(
      configuration, folder: folder, epoch: clock.epoch, logsCalls: logsCalls, isJudged: judges, console: say)
    captures = folder.map { CallCaptures(folder: $0, host: "kallglot", epoch: clock.epoch, keepsSecrets: keepsSecrets) }
    let watch = judges ? PolicyWatch(serving: configuration, identity.account, anchors: tls?.trustAnchors?.text) : nil
    do throws(SystemError) {
      judge = try watch.map { watch throws(SystemError) in
        try LiveJudge("kallglot", epoch: clock.epoch, watch: watch)
      }
    } catch {
      throw LiveFailure("no thread to judge on: \(error)")
    }
    let sinks: [(any JournalSink)?] = [captures, judge]
    driver = LiveDriver(
      host, name: "kallglot", on: loop, clock: clock, quantum: .microseconds(250), sinks: sinks.compactMap { $0 })
    driver.onEvent = { [unowned self] event in take(event) }
    judge?.onNews = { [unowned self] news in loop.execute { [unowned self] in take(news) } }
    captures?.onEvent = { [unowned self] event in desk.take(event, at: driver.clock.now) }
  }

  private static func endpoint(
    _ configuration: ServeConfiguration, _ account: ServeConfiguration.AccountGiven, _ tls: EndpointTLS?, _ epoch: Epoch
  ) throws(LiveFailure) -> KallglotEndpoint {
    var settings = KallglotEndpoint.Configuration(
      domain: configuration.domain,
      accounts: [
        Account(name: account.username, username: account.username, password: Secret(account.password), policy: configuration.policy)
      ],
      sessions: configuration.sessions.map { Session(id: $0.id, account: account.username, isReusable: $0.isReusable) },
      listener: configuration.policy,
      listeners: configuration.listeners, mediaAddress: configuration.mediaAddresses[0])
    settings.otherMediaAddress = configuration.mediaAddresses.dropFirst().first
    settings.answerDelay = configuration.answerDelay
    settings.tone = configuration.tone.map { Tone(frequency: $0) }
    settings.audio = configuration.audio
    (settings.sendsMedia, settings.hearsTonesAsDigits) = (configuration.sendsMedia, configuration.hearsTonesAsDigits)
    do throws(TLSError) {
      return try KallglotEndpoint(settings, identity: tls, entropy: .source(KernelRandomness()), epoch: epoch)
    } catch {
      throw LiveFailure("TLS cannot be served: \(error)")
    }
  }

  /// The path of the capture that holds the leg's call; nil without a folder, before the call has a file and after its leg has ended.
  /// On the loop.
  public func capture(of leg: LegID) -> String? { captures?.capture(of: leg) }

  // MARK: - Running

  /// Opens all listeners; throws the first one's failure.
  public func start() async throws {
    let promise = driver.eventLoop.makePromise(of: Void.self)
    driver.eventLoop.execute { [self] in
      bound = promise
      waiting = Set(configuration.listeners)
      statusTimer = captures.map { _ in
        driver.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(1)) { [unowned self] _ in writeStatus() }
      }
      judgeTimer = judge?.schedule(on: driver.eventLoop) { [unowned self] in judge?.tick(at: driver.clock.now) }
      captureTimer = captures?.schedule(on: driver.eventLoop) { [unowned self] in self.captures?.tick(at: driver.clock.now) }
    }
    driver.start()
    do { try await promise.futureResult.get() } catch {
      await shutDown()
      throw error
    }
    if let line = limitLine { say(line) }
  }

  /// What the process may open, where it is less than the policy lets in; nil where it is not.
  private var limitLine: String? {
    let (calls, allowed) = (limit.calls, configuration.policy.maxConcurrentCalls)
    guard calls < allowed else { return nil }
    return
      "\(limit.soft) descriptors may be open (ulimit -n): about \(CountText.of(calls, "call")) at once, of \(allowed) that the policy "
      + "allows; more get 503"
  }

  /// Ends live calls with BYE, waits at most two seconds for their answers, then closes everything.
  public func stop() async {
    let promise = driver.eventLoop.makePromise(of: Void.self)
    driver.eventLoop.execute { [self] in
      quiet = promise
      if host.liveCalls > 0 { say("ending \(CountText.of(host.liveCalls, "call"))") }
    }
    driver.command { [self] now, out in host.perform(.party(.hangUpAll), at: now, &out) }
    driver.eventLoop.execute { [self] in endIfQuiet() }
    let patience = driver.eventLoop.scheduleTask(in: .seconds(2)) { promise.succeed() }
    try? await promise.futureResult.get()
    patience.cancel()
    await shutDown()
    for line in desk.summary(at: driver.clock.now, missed: judge?.missedInAll ?? 0) { say(line) }
  }

  /// Carries out what was typed. Blocks while a name is resolved.
  public func perform(_ command: ConsoleCommand) throws(LiveFailure) {
    switch command {
    case .call(let whom) where whom.contains(":"):
      let target = try CallTarget(whom)
      run(.party(.call(CallRequest(uri: target.uri, hop: .servers(target.target, others: target.others)))))
    case .call(let account): run(.administer(.callAccount(account, name: nil)))
    case .reinvite(let number, let change):
      run(onLeg: number) { [self] leg in
        desk.asked(for: change, on: leg)
        return .party(.reinvite(leg, change))
      }
    case .press(let number, let digits, let way):
      run(onLeg: number) { .party(.press($0, DigitPlan(digits), by: way, .relay)) }
    case .hangUp(let number): run(onLeg: number) { .party(.hangUp($0)) }
    case .calls: driver.eventLoop.execute { [self] in for line in desk.table(host, captures) { say(line) } }
    case .help: for line in ConsoleCommand.summary { say(line) }
    }
  }

  /// A line of the log, from any thread.
  public func say(_ line: String) { desk.log.line(line, at: driver.clock.now) }

  private func run(_ command: KallglotEndpoint.Command) {
    driver.command { [self] now, out in host.perform(command, at: now, &out) }
  }

  private func run(onLeg number: Int, _ command: @escaping @Sendable (LegID) -> KallglotEndpoint.Command) {
    driver.eventLoop.execute { [self] in
      guard let leg = desk.leg(numbered: number) else { return say("no leg \(number)") }
      let command = command(leg)
      driver.commandNow { [self] now, out in host.perform(command, at: now, &out) }
    }
  }

  /// Tasks that came after the end: none, in a right shutdown.
  var droppedTasks: Int { loop.droppedTasks }

  private func shutDown() async {
    try? await driver.stop().get()
    if let judge {
      try? await driver.eventLoop.submit { [self] in endJudging(judge) }.get()
      await judge.leave()
    }
    if captures != nil { try? await driver.eventLoop.submit { [self] in endCaptures() }.get() }
    try? await loop.shutdownGracefully()
  }

  private func endJudging(_ judge: LiveJudge) {
    judgeTimer?.cancel()
    judge.finish(at: driver.clock.now)
  }

  private func take(_ news: [LiveInspection.News]) {
    for one in news { desk.take(one, captures, at: driver.clock.now) }
  }

  private func endCaptures() {
    captureTimer?.cancel()
    statusTimer?.cancel()
    writeStatus()
    captures?.finish(at: driver.clock.now)
  }

  private func take(_ event: any HostEvent) {
    // Told apart once: a cast of an existential costs as much as all else here.
    guard let event = event as? EndpointEvent else { return }
    // The error of ``start()`` says it.
    if case .party(.listenFailed(let listener, let failure)) = event {
      bound?.fail(LiveFailure.listening(listener, failure))
      return
    }
    desk.take(event, at: driver.clock.now)
    switch event {
    case .party(.listening(let listener)):
      waiting = waiting.filter {
        !($0.transport == listener.transport && $0.address.address == listener.address.address
          && ($0.address.port == listener.address.port || $0.address.port == 0))
      }
      if waiting.isEmpty { bound?.succeed() }
    case .party(.ended): endIfQuiet()
    default: break
    }
  }

  private func writeStatus() { desk.writeStatus(host, captures, at: driver.clock.now) }

  private func endIfQuiet() {
    if let quiet, host.liveCalls == 0 { quiet.succeed() }
  }
}
