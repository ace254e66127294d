import Codecs
import Media
import SIPUserAgent
import SansIO
import SecureTransport

/// The media of all legs of one user agent: their pairs of ports, and their streams.
///
/// It is addressed by ``LegOutput/Media`` and ``LegOutput/PortRequest`` alone, and its news are ``LegInput``s: what a leg does about them
/// is the leg's.
struct CallMedia {
  /// Pairs of ports tried for one leg.
  static let attemptLimit = 128

  /// What came of a turn, in its order.
  enum News: Sendable {
    case leg(LegID, LegInput)
    case event(CallAgentEvent)
  }

  /// One leg's part.
  private struct Entry: Sendable {
    let id: LegID
    var streams: LegStreams
    /// Where its ports are.
    let address: IPAddress
    /// Taken from the pool; nil when there is none to be given back.
    var port: UInt16?
    /// The pair that is open, or being opened.
    var pair: MediaPorts.PairID?
    /// Where its media moves with the re-INVITE that is under way.
    var next: MediaPorts.PairID?
    /// Where its media was: what is on its way there is still taken.
    var left: MediaPorts.PairID?
    /// Pairs that could not be opened.
    var attempts = 0
    /// The leg that gets what this one hears.
    var partner: SlabPlace?
    /// The deadline that the queue knows.
    var armed: Instant?

    mutating func takePair() -> MediaPorts.PairID? {
      defer { pair = nil }
      return pair
    }

    mutating func takeNext() -> MediaPorts.PairID? {
      defer { next = nil }
      return next
    }

    mutating func takeLeft() -> MediaPorts.PairID? {
      defer { left = nil }
      return left
    }

    var isMoving: Bool { next != nil || left != nil }

    /// A packet for the ports that are left or to come, as if it had come to those in use: nil for handshakes, which belong to their port.
    func atPorts(_ arrival: Arrival) -> Arrival? {
      guard let pair, case .datagram(let port, from: let source, let bytes) = arrival else { return arrival }
      let (rtp, rtcp) = (MediaPorts.rtp(pair), MediaPorts.rtcp(pair))
      guard port != rtp, port != rtcp else { return arrival }
      return DTLSConnection.isDTLS(bytes) ? nil : .datagram(MediaPorts.isControl(port) ? rtcp : rtp, from: source, bytes)
    }
  }

  private let musicAddress: IPAddress
  private let settings: LegStreams.Settings
  private var ports: MediaPorts
  private var entries = Slab<Entry>()
  private var deadlines = DeadlineQueue<SlabPlace>()
  private var news = Backlog<News>()
  /// Memory for audio on its way from leg to leg.
  private var carried = AudioFrame(sampleRate: 8_000)

  init(_ configuration: CallAgent.Configuration, identity: DTLSIdentity, entropy: Entropy, epoch: Epoch) {
    musicAddress = configuration.musicAddress ?? configuration.mediaAddress
    settings = LegStreams.Settings(configuration, identity: identity, entropy: entropy, epoch: epoch)
    ports = MediaPorts(configuration.mediaPorts)
  }

  var nextDeadline: Instant? { deadlines.next }

  /// Passes on what was noticed since the last time.
  mutating func drainNews(_ body: (News) -> Void) {
    while let next = news.next() { body(next) }
  }

  // MARK: - Legs

  /// A port for a leg to come; nil when all are in use.
  mutating func reserve() -> UInt16? { ports.take() }

  /// The leg was not made.
  mutating func giveBack(_ port: UInt16) { ports.release(port) }

  /// A leg with its reserved port.
  mutating func add(_ id: LegID, port: UInt16, at address: IPAddress) -> SlabPlace {
    entries.insert(Entry(id: id, streams: LegStreams(id, settings.earlyRTP), address: address, port: port))
  }

  /// The leg is over, and its ports are closed.
  mutating func remove(_ place: SlabPlace) {
    guard let entry = entries.remove(place) else { return }
    if let port = entry.port { ports.release(port) }
    deadlines.remove(place)
  }

  func report(of place: SlabPlace) -> MediaReport? { entries.read(place) { $0.streams.report } ?? nil }

  // MARK: - What legs ask for

  mutating func handle(_ command: LegOutput.Media, _ place: SlabPlace, at now: Instant, _ out: inout Outbox) {
    entries.update(place) { $0.streams.handle(command, pair: $0.pair, settings, at: now, &out) }
    finishTurn(place)
  }

  mutating func handle(_ request: LegOutput.PortRequest, _ place: SlabPlace, at now: Instant, _ out: inout Outbox) {
    let found = entries.read(place) { (id: $0.id, address: $0.address, port: $0.port, hasMusic: $0.streams.hasMusic) }
    guard let entry = found else { return }
    switch request {
    case .open:
      guard let port = entry.port else { return }
      let pair = ports.open(port, at: entry.address, for: place, .call, &out)
      entries.update(place) { $0.pair = pair }
    case .openMusic:
      guard !entry.hasMusic, let port = ports.take() else { return }
      news.append(.leg(entry.id, .musicPorts(.reserved(TransportAddress(musicAddress, port: port)))))
      let pair = ports.open(port, at: musicAddress, for: place, .music, &out)
      entries.update(place) { $0.streams.openMusic(pair) }
    case .closeMusic:
      closeMusic(place, at: now, &out)
      finishTurn(place)
    case .openNext: openNext(entry.id, at: entry.address, place, &out)
    case .moveToNext: moveToNext(place, at: now, &out)
    case .closeNext: close(entries.update(place) { $0.takeNext() } ?? nil, &out)
    case .close:
      entries.update(place) { $0.streams.close(at: now, &out) }
      closeMusic(place, at: now, &out)
      finishTurn(place)
      close(entries.update(place) { $0.takeNext() } ?? nil, &out)
      close(entries.update(place) { $0.takeLeft() } ?? nil, &out)
      if let pair = entries.update(place, { $0.takePair() }) ?? nil { ports.close(pair, &out) }
      news.append(.leg(entry.id, .mediaClosed(report(of: place))))
    }
  }

  private mutating func openNext(_ id: LegID, at address: IPAddress, _ place: SlabPlace, _ out: inout Outbox) {
    guard let port = ports.take() else {
      return news.append(.leg(id, .nextPorts(.missing(reason: "no other media port is free"))))
    }
    let pair = ports.open(port, at: address, for: place, .next, &out)
    entries.update(place) { $0.next = pair }
  }

  private mutating func moveToNext(_ place: SlabPlace, at now: Instant, _ out: inout Outbox) {
    // Nothing can be on its way to the ports before those that are left now.
    close(entries.update(place) { $0.takeLeft() } ?? nil, &out)
    guard let next = entries.update(place, { $0.takeNext() }) ?? nil, let port = ports.pair(of: MediaPorts.rtp(next))?.port else { return }
    entries.update(place) {
      ($0.left, $0.pair, $0.port) = ($0.pair, next, port)
      $0.streams.move(to: next, at: TransportAddress($0.address, port: port), at: now, &out)
    }
    finishTurn(place)
  }

  /// Closes a pair beside the one in use, and gives its port back.
  private mutating func close(_ pair: MediaPorts.PairID?, _ out: inout Outbox) {
    if let pair, let port = ports.close(pair, &out) { ports.release(port) }
  }

  private mutating func closeMusic(_ place: SlabPlace, at now: Instant, _ out: inout Outbox) {
    guard let pair = entries.update(place, { $0.streams.closeMusic(at: now, &out) }) ?? nil else { return }
    if let port = ports.close(pair, &out) { ports.release(port) }
  }

  // MARK: - What the world says

  /// - Parameter sessionID: draws the one of o= that goes with another port.
  mutating func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox, sessionID: () -> UInt64) {
    switch arrival {
    case .datagram(let port, from: _, _): if let pair = ports.pair(of: port) { pass(arrival, to: pair, at: now, &out) }
    case .sendFailed(let port, to: let remote, _, let label, let error):
      guard let pair = ports.pair(of: port) else { return }
      pass(arrival, to: pair, at: now, &out)
      failed(pair, .send, remote, label.subject, error)
    // An ICMP error is no sign of life, rather the opposite.
    case .unreachable(let port, let remote, let error): failed(ports.pair(of: port), .unreachable, remote, .none, error)
    case .receiveFailed(let port, let error): failed(ports.pair(of: port), .receive, nil, .none, error)
    case .bound(let port, _): opened(port, at: now, &out)
    case .bindFailed(let port, _, let failure): notOpened(port, failure, at: now, &out, sessionID: sessionID)
    case .acceptFailed, .acceptsAgain, .accepted, .opened, .refused, .bytes, .ended, .closed, .drained, .resolved: break
    }
  }

  private mutating func pass(_ arrival: Arrival, to pair: MediaPorts.Pair, at now: Instant, _ out: inout Outbox) {
    entries.update(pair.leg) { entry in
      guard pair.use != .music else { return entry.streams.receive(arrival, for: .music, at: now, &out) }
      // Most calls stay where they are.
      guard entry.isMoving else { return entry.streams.receive(arrival, for: .call, at: now, &out) }
      if let arrival = entry.atPorts(arrival) { entry.streams.receive(arrival, for: .call, at: now, &out) }
    }
    finishTurn(pair.leg)
  }

  /// Wakes one leg whose time has come; false when none is left.
  mutating func wake(at now: Instant, _ out: inout Outbox) -> Bool {
    guard let place = deadlines.takeExpired(at: now) else { return false }
    entries.update(place) {
      $0.armed = nil
      $0.streams.wake(at: now, &out)
    }
    finishTurn(place)
    return true
  }

  /// Passes on what the streams noticed, and arms the next deadline where it has moved.
  private mutating func finishTurn(_ place: SlabPlace) {
    let turn = entries.update(place) { entry -> (id: LegID, events: [MediaEvent], deadline: Instant?, isMoved: Bool, partner: SlabPlace?) in
      let (events, deadline) = entry.streams.endTurn()
      defer { entry.armed = deadline }
      return (entry.id, events, deadline, deadline != entry.armed, entry.partner)
    }
    guard let turn else { return }
    if let partner = turn.partner { carry(from: place, to: partner) }
    for event in turn.events { news.append(.leg(turn.id, .media(event))) }
    if turn.isMoved { deadlines.set(place, at: turn.deadline) }
  }

  // MARK: - Bridges

  /// The leg hears itself.
  mutating func echo(_ place: SlabPlace, at now: Instant, _ out: inout Outbox) {
    handle(.call(.bridge(.echo)), place, at: now, &out)
  }

  /// Each of two legs hears the other.
  mutating func bridge(_ one: SlabPlace, _ other: SlabPlace, at now: Instant, _ out: inout Outbox) {
    for (place, partner) in [(one, other), (other, one)] {
      entries.update(place) { $0.partner = partner }
      handle(.call(.bridge(.other)), place, at: now, &out)
    }
  }

  /// Hands what a leg has heard to its partner; nobody takes it once that is over.
  private mutating func carry(from place: SlabPlace, to partner: SlabPlace) {
    var heard = AudioFrame(sampleRate: 8_000)
    swap(&heard, &carried)
    if entries.update(place, { $0.streams.takeHeard(into: &heard) }) == true { entries.update(partner) { $0.streams.hear(heard) } }
    swap(&heard, &carried)
  }

  /// A failure at a socket: media goes on, and its leg says so once for each stream and cause.
  private mutating func failed(
    _ pair: MediaPorts.Pair?, _ act: SocketFailure.Act, _ remote: TransportAddress?, _ subject: Label.Subject, _ error: SystemError
  ) {
    guard let pair, case (let id, let address, let port?)? = entries.read(pair.leg, { ($0.id, $0.address, $0.port) }) else { return }
    let failure = SocketFailure(act, local: TransportAddress(address, port: port), remote: remote, subject: subject, error: error)
    if entries.update(pair.leg, { $0.streams.isNew(failure) }) == true { news.append(.event(.socketFailed(id, failure))) }
  }

  // MARK: - Ports

  private mutating func opened(_ port: PortID, at now: Instant, _ out: inout Outbox) {
    guard let pair = ports.bound(port), let (id, address) = entries.read(pair.leg, { ($0.id, $0.address) }) else { return }
    switch pair.use {
    case .call: news.append(.leg(id, .ports(.opened)))
    case .next: news.append(.leg(id, .nextPorts(.opened(TransportAddress(address, port: pair.port)))))
    case .music:
      entries.update(pair.leg) { $0.streams.musicOpened(settings, at: now, &out) }
      finishTurn(pair.leg)
    }
  }

  private mutating func notOpened(
    _ port: PortID, _ failure: BindFailure, at now: Instant, _ out: inout Outbox, sessionID: () -> UInt64
  ) {
    guard let pair = ports.pair(of: port), let id = entries.read(pair.leg, { $0.id }) else { return }
    switch pair.use {
    case .call: tryOther(id, pair, failure, at: now, &out, sessionID: sessionID)
    case .music: news.append(.leg(id, .musicPorts(.failed(failure))))
    case .next: news.append(.leg(id, .nextPorts(.missing(reason: "no other media port could be opened: \(failure)"))))
    }
  }

  /// Another program holds the port: the next pair is tried, so many times.
  private mutating func tryOther(
    _ id: LegID, _ pair: MediaPorts.Pair, _ failure: BindFailure, at now: Instant, _ out: inout Outbox, sessionID: () -> UInt64
  ) {
    let failed = entries.update(pair.leg) { entry -> (attempts: Int, address: IPAddress, pair: MediaPorts.PairID?) in
      entry.attempts += 1
      entry.port = nil
      return (entry.attempts, entry.address, entry.takePair())
    }
    guard let failed else { return }
    if failed.attempts == 1, let error = failure.systemError {
      let local = TransportAddress(failed.address, port: pair.port)
      news.append(.event(.socketFailed(id, SocketFailure(.bind, local: local, error: error))))
    }
    if let closed = failed.pair { ports.close(closed, &out) }
    ports.putAside(pair.port)
    // Another port needs a descriptor as well.
    guard failure != .noDescriptor, failed.attempts < Self.attemptLimit, let port = ports.take() else {
      let attempts = failed.attempts > 1 ? " (\(failed.attempts) pairs were tried)" : ""
      return news.append(.leg(id, .ports(.missing(reason: "no media port could be opened: \(failure)\(attempts)"))))
    }
    entries.update(pair.leg) { $0.port = port }
    news.append(.leg(id, .ports(.moved(to: port, sessionID: sessionID()))))
  }
}
