import NIOCore
import NIOPosix
import SansIO

/// Runs one host on real sockets and the real clock (SwiftNIO).
///
/// Confined to one event loop: NIO's callbacks become arrivals, departures become writes, one timer stands for the host's next deadline.
/// Writes are flushed once a turn. Sockets that a host releases are parked and given back when it binds the same address again, since
/// a fresh pair costs more than a call's signalling.
///
/// What a kernel does not tell cannot be told here: ICMP errors for UDP never come back as `unreachable`, and the fate of what was sent is
/// unknown.
// Unchecked: what changes is touched on its event loop alone, which the compiler cannot see.
public final class LiveDriver: @unchecked Sendable {
  public let eventLoop: any EventLoop
  public let clock: LiveClock
  let host: any NetworkHost
  let tap: LiveTap
  /// Wake-ups are moved to multiples of this many nanoseconds; 0 = exactly when they are due.
  private let quantum: Int64
  /// Called on the loop for each event of the host.
  public var onEvent: ((any HostEvent) -> Void)?

  // Everything below belongs to the loop.
  var datagramPorts: [PortID: DatagramPort] = [:]
  var parked: [TransportAddress: any Channel] = [:]
  var listeners: [PortID: any Channel] = [:]
  /// Ports that were released while they were being opened.
  var released: Set<PortID> = []
  var opening: Set<PortID> = []
  var connections: [ConnectionID: LiveConnection] = [:]
  var nextConnection: UInt32 = 1
  private var dirty: [any Channel] = []
  private var dirtyIDs: Set<ObjectIdentifier> = []
  private var armed: (at: Instant, task: Scheduled<Void>)?
  private var outboxes: [Outbox] = []
  private(set) var isStopped = false

  /// - Parameters:
  ///   - number: the host's number in captures and journal.
  ///   - sinks: called on the loop.
  public init(
    _ host: any NetworkHost, number: HostID = HostID(0), name: String, on eventLoop: any EventLoop, clock: LiveClock = LiveClock(),
    quantum: Duration = .zero, sinks: [any JournalSink] = []
  ) {
    self.host = host
    self.eventLoop = eventLoop
    self.clock = clock
    self.quantum = quantum.wholeNanoseconds
    tap = LiveTap(host: number, name: name, clock: clock, sinks: sinks)
  }

  /// Starts the host. Any thread.
  public func start() {
    onLoop { driver in driver.call { host, now, out in host.start(at: now, &out) } }
  }

  /// Gives the host's owner access to it on the loop: how commands reach it. Any thread.
  public func command(_ body: @escaping @Sendable (Instant, inout Outbox) -> Void) {
    onLoop { driver in driver.call { _, now, out in body(now, &out) } }
  }

  /// The same at once. On the loop, and not from within a call of the host.
  public func commandNow(_ body: (Instant, inout Outbox) -> Void) { call { _, now, out in body(now, &out) } }

  private func onLoop(_ body: @escaping @Sendable (LiveDriver) -> Void) {
    if eventLoop.inEventLoop { body(self) } else { eventLoop.execute { body(self) } }
  }

  /// Closes every socket; the host is not called again.
  public func stop() -> EventLoopFuture<Void> {
    eventLoop.flatSubmit { [self] in
      isStopped = true
      armed?.task.cancel()
      var channels = Array(listeners.values) + Array(parked.values)
      channels += datagramPorts.values.map(\.channel)
      channels += connections.values.compactMap(\.channel)
      flush()
      return EventLoopFuture.andAllComplete(channels.map { $0.close() }, on: eventLoop)
    }
  }

  // MARK: - Calling the host

  func tell(_ arrival: Arrival) { call { host, now, out in host.receive(arrival, at: now, &out) } }

  private func call(_ body: (any NetworkHost, Instant, inout Outbox) -> Void) {
    eventLoop.preconditionInEventLoop()
    guard !isStopped else { return }
    var out = outboxes.popLast() ?? Outbox(isObserved: tap.isObserved)
    body(host, clock.now, &out)
    for index in out.departures.indices { act(on: out.departures[index]) }
    out.removeAll()
    outboxes.append(out)
    if !isReading { flush() }
    arm()
  }

  private func act(on departure: Departure) {
    switch departure {
    case .bind(let port, let address, .datagram): bindDatagram(port, address)
    case .bind(let port, let address, .listener): bindListener(port, address)
    case .unbind(let port): unbind(port)
    case .datagram(let port, to: let destination, let bytes, let label): sendDatagram(port, destination, bytes, label)
    case .open(let id, from: let source, to: let destination): open(id, from: source, to: destination)
    case .bytes(let id, let bytes, let label): write(id, bytes, label)
    case .finish(let id): finish(id)
    case .close(let id, let mode): close(id, mode)
    case .resolve(let query, let question): resolve(query, question)
    case .event(let event):
      tap.record(.event(event))
      onEvent?(event)
    case .secret(let line): tap.record(.secret(line))
    case .plaintext(let id, let direction, let bytes, let label): tap.plaintext(direction, id, bytes, label)
    }
  }

  // MARK: - Flushing

  /// True between a channel's first read and its read-complete: writes wait for the end of the turn.
  var isReading = false

  func write(_ message: some Sendable, to channel: any Channel, promise: EventLoopPromise<Void>? = nil) {
    channel.write(message, promise: promise)
    if dirtyIDs.insert(ObjectIdentifier(channel)).inserted { dirty.append(channel) }
  }

  func readCompleted() {
    isReading = false
    flush()
  }

  func flush() {
    guard !dirty.isEmpty else { return }
    for channel in dirty { channel.flush() }
    dirty.removeAll(keepingCapacity: true)
    dirtyIDs.removeAll(keepingCapacity: true)
  }

  // MARK: - The timer

  private func arm() {
    guard let deadline = host.nextDeadline else { return }
    let due = quantum == 0 ? deadline : Instant(nanoseconds: (deadline.nanoseconds + quantum - 1) / quantum * quantum)
    // A timer that is armed for an earlier time finds out itself that there is nothing to do.
    if let armed, armed.at <= due { return }
    armed?.task.cancel()
    let task = eventLoop.scheduleTask(deadline: clock.deadline(due)) { [weak self] () -> Void in self?.timerFired() }
    armed = (due, task)
  }

  private func timerFired() {
    armed = nil
    guard !isStopped else { return }
    if let deadline = host.nextDeadline, deadline <= clock.now {
      call { host, now, out in host.wake(at: now, &out) }
    } else {
      arm()
    }
  }

  // MARK: - Names

  /// A and AAAA by the system's resolver, off the loop; NAPTR and SRV are not answered.
  private func resolve(_ query: QueryID, _ question: NameQuestion) {
    guard question.kind == .a || question.kind == .aaaa else {
      eventLoop.execute { [self] in tell(.resolved(query, .noAnswer)) }
      return
    }
    NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { SystemResolver.addresses(question) }
      .whenComplete { [self] result in tell(.resolved(query, (try? result.get()) ?? .noAnswer)) }
  }
}
