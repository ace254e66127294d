import NIOCore
import NIOPosix
import SansIO

/// Runs one host on real sockets and the real clock.
///
/// Confined to one ``SocketLoop``: what sockets read becomes arrivals, departures become writes, one timer stands for the host's next
/// deadline. Writes are handed to the kernel once a turn; what it refuses comes back as an arrival, and taps see what it took. Errors of a
/// send, a read or an accept end neither socket nor listener.
// Unchecked: what changes is touched on its loop alone, which the compiler cannot see.
public final class LiveDriver: @unchecked Sendable {
  public let loop: SocketLoop
  public var eventLoop: any EventLoop { loop }
  public let clock: LiveClock
  let host: any NetworkHost
  let tap: LiveTap
  let calls: any SocketCalls
  private let names: @Sendable (NameQuestion) -> NameAnswer
  /// Wake-ups are moved to multiples of this many nanoseconds; 0 = exactly when they are due.
  private let quantum: Int64
  /// How long a released UDP socket is kept for the next one who binds its address.
  let parkingTime: TimeAmount
  /// Called on the loop for each event of the host.
  @exclusivity(unchecked) public var onEvent: ((any HostEvent) -> Void)?

  /// Called on the loop when the kernel has thrown datagrams away because a socket's queue was full: the socket's address and how many.
  /// Told when the socket is released. nil = nobody asks.
  @exclusivity(unchecked) public var onQueueDrops: ((TransportAddress, Int) -> Void)?
  /// How late the host was woken at worst. On the loop.
  public var worstLag: Duration { .nanoseconds(lag) }
  @exclusivity(unchecked) private var lag: Int64 = 0

  // Everything below belongs to the loop.
  private(set) lazy var datagrams = DatagramSockets(self)
  private(set) lazy var listeners = StreamListeners(self)
  private(set) lazy var connections = StreamConnections(self)
  private let timer: LoopTimer
  // Touched for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) private var armed: Instant?
  /// ``timer`` has its body.
  @exclusivity(unchecked) private var isTimerMade = false
  @exclusivity(unchecked) private var outboxes: [Outbox] = []
  /// What the host hears once it has been left.
  @exclusivity(unchecked) private var later: [Arrival] = []
  /// Memory that ``later`` had.
  @exclusivity(unchecked) private var emptied: [[Arrival]] = []
  /// Calls of the host under way: its owner may command it from within an event.
  @exclusivity(unchecked) private var depth = 0
  @exclusivity(unchecked) private(set) var isStopped = false
  /// True between a socket's first read and the end of its turn: writes wait for that.
  @exclusivity(unchecked) var isReading = false

  /// - Parameters:
  ///   - number: the host's number in captures and journal.
  ///   - parking: how long a released UDP socket is kept for the next one who binds its address.
  ///   - sinks: called on the loop.
  ///   - names: the name service; it is asked off the loop.
  ///   - calls: the operating system's, but for tests.
  public init(
    _ host: any NetworkHost, number: HostID = HostID(0), name: String, on loop: SocketLoop, clock: LiveClock = LiveClock(),
    quantum: Duration = .zero, parking: Duration = .seconds(5), sinks: [any JournalSink] = [],
    names: @escaping @Sendable (NameQuestion) -> NameAnswer = SystemResolver.answer, calls: any SocketCalls = KernelSockets()
  ) {
    self.host = host
    self.loop = loop
    self.clock = clock
    self.quantum = quantum.wholeNanoseconds
    self.calls = calls
    self.names = names
    parkingTime = .nanoseconds(parking.wholeNanoseconds)
    timer = loop.newTimer()
    tap = LiveTap(host: number, name: name, clock: clock, sinks: sinks)
  }

  /// Starts the host. Any thread.
  public func start() {
    onLoop { driver in driver.call { host, now, out in host.start(at: now, &out) } }
  }

  /// Gives the host's owner access to it on the loop: how commands reach it. Any thread; nothing happens once it is stopped.
  public func command(_ body: @escaping @Sendable (Instant, inout Outbox) -> Void) {
    onLoop { driver in driver.call { _, now, out in body(now, &out) } }
  }

  /// The same at once. On the loop, and not from within a call of the host.
  public func commandNow(_ body: (Instant, inout Outbox) -> Void) { call { _, now, out in body(now, &out) } }

  private func onLoop(_ body: @escaping @Sendable (LiveDriver) -> Void) {
    if loop.inEventLoop { body(self) } else { loop.execute { body(self) } }
  }

  /// Writes what waits and closes every socket; the host is not called again, and nothing is scheduled any more.
  public func stop() -> EventLoopFuture<Void> {
    eventLoop.submit { [self] in
      guard !isStopped else { return }
      isStopped = true
      loop.stopTimer(timer)
      listeners.stop()
      connections.stop()
      datagrams.stop()
      later = []
    }
  }

  // MARK: - Calling the host

  /// At once; on the loop, and not from within a call of the host.
  func tell(_ arrival: Arrival) { call { host, now, out in host.receive(arrival, at: now, &out) } }

  /// As soon as nobody is within the host.
  func tell(later arrival: Arrival) { later.append(arrival) }

  /// Tells what has gathered, and what comes of it.
  func deliver() {
    guard depth == 0, !later.isEmpty else { return }
    var arrivals = later
    later = emptied.popLast() ?? []
    for arrival in arrivals { tell(arrival) }
    arrivals.removeAll(keepingCapacity: true)
    emptied.append(arrivals)
  }

  private func call(_ body: (any NetworkHost, Instant, inout Outbox) -> Void) {
    loop.preconditionInEventLoop()
    guard !isStopped else { return }
    var out = outboxes.popLast() ?? Outbox(isObserved: tap.isObserved)
    depth += 1
    body(host, clock.now, &out)
    for index in out.departures.indices { act(on: out.departures[index]) }
    depth -= 1
    out.removeAll()
    outboxes.append(out)
    if depth == 0, !isReading { flush() }
    deliver()
    arm()
  }

  private func act(on departure: Departure) {
    switch departure {
    case .bind(let port, let address, .datagram): datagrams.bind(port, address)
    case .bind(let port, let address, .listener): listeners.bind(port, address)
    case .unbind(let port): if !datagrams.unbind(port) { listeners.unbind(port) }
    case .datagram(let port, to: let destination, let bytes, let label):
      datagrams.send(port, .init(destination: destination, bytes: bytes, label: label))
    case .open(let id, from: let source, to: let destination): connections.open(id, from: source, to: destination)
    case .bytes(let id, let bytes, let label): connections.write(id, bytes, label)
    case .finish(let id): connections.finish(id)
    case .close(let id, let mode): connections.close(id, mode)
    case .resolve(let query, let question): resolve(query, question)
    case .event(let event):
      if tap.isObserved { tap.record(.event(event)) }
      onEvent?(event)
    case .secret(let line): tap.record(.secret(line))
    case .plaintext(let id, let direction, let bytes, let label): connections.plaintext(id, direction, bytes, label)
    }
  }

  // MARK: - The end of a turn

  /// A socket has been served: what came of it leaves now.
  func turnEnded() {
    isReading = false
    flush()
    deliver()
  }

  private func flush() {
    datagrams.transmit()
    connections.flush()
  }

  // MARK: - The timer

  private func arm() {
    guard !isStopped, let deadline = host.nextDeadline else { return }
    let due = quantum == 0 ? deadline : Instant(nanoseconds: (deadline.nanoseconds + quantum - 1) / quantum * quantum)
    // A timer that is armed for an earlier time finds out itself that there is nothing to do.
    if let armed, armed <= due { return }
    armed = due
    if isTimerMade { return loop.moveTimer(timer, to: clock.deadline(due)) }
    isTimerMade = true
    loop.setTimer(timer, at: clock.deadline(due), .init(fire: { [weak self] in self?.timerFired() }, abandon: {}))
  }

  private func timerFired() {
    armed = nil
    guard !isStopped else { return }
    let now = clock.now
    if let deadline = host.nextDeadline, deadline <= now {
      lag = max(lag, now.nanoseconds - deadline.nanoseconds)
      call { host, now, out in host.wake(at: now, &out) }
    } else {
      arm()
    }
  }

  // MARK: - Names

  /// Off the loop: the answer may take seconds.
  private func resolve(_ query: QueryID, _ question: NameQuestion) {
    NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { [names] in names(question) }
      .whenComplete { [self] result in tell(.resolved(query, (try? result.get()) ?? .noAnswer)) }
  }
}
