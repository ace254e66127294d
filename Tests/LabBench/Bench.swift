import SIPMessage
import SansIO

/// A host without a network: what arrives is a line of the test, what left is read as messages, and time moves when a test says so.
///
/// What the host asks for is done in its order, as a driver does it: ports open at once, a connection that the host closes is closed, and
/// names stay unanswered. A subclass says what else happens (``reply(to:)``) and what else it wants to keep (``saw(_:)``).
open class Bench<Host: NetworkHost> {
  /// A message or packet that left.
  public struct Sent {
    public var bytes: Bytes
    /// nil where a connection carried it.
    public var to: TransportAddress?
    public var connection: ConnectionID?
    /// nil for what is not SIP.
    public var message: SIPMessage? { try? SIPMessage.parse(bytes) }
  }

  public let host: Host
  public private(set) var now = Instant.zero
  /// Everything but media, since the last ``take()``.
  public private(set) var outgoing: [Sent] = []
  public private(set) var hostEvents: [any HostEvent] = []
  /// The connections that the host opened.
  public private(set) var opened: [(id: ConnectionID, to: TransportAddress)] = []
  /// The connections that are up.
  public private(set) var connections: Set<ConnectionID> = []
  /// Where the ports are that were bound and not released.
  public private(set) var ports: [PortID: TransportAddress] = [:]
  private var waiting: ArraySlice<Departure> = []
  private var isActing = false
  private var atStart: [String: Int] = [:]
  private var portsAtStart = 0

  /// Starts the host.
  public init(_ host: Host) {
    self.host = host
    run { host.start(at: $0, &$1) }
    (atStart, portsAtStart) = (Holdings(of: host).counts, ports.count)
  }

  // MARK: - For subclasses

  /// What the world answers to what the host asks for, at once; nil = nothing.
  open func reply(to departure: Departure) -> Arrival? {
    switch departure {
    case .bind(let port, let address, _): .bound(port, address)
    case .close(let id, let mode) where connections.contains(id): .closed(id, mode == .orderly ? .orderly : .reset)
    case .bind, .unbind, .datagram, .open, .bytes, .finish, .close, .resolve, .event, .secret, .plaintext: nil
    }
  }

  /// Called for everything that the host asks for, before it is done.
  open func saw(_ departure: Departure) {}

  // MARK: - In

  /// Calls the host now and does what it asks for.
  public func run(_ body: (Instant, inout Outbox) -> Void) {
    var out = Outbox()
    body(now, &out)
    waiting += out.departures
    guard !isActing else { return }
    isActing = true
    while let departure = waiting.popFirst() { act(on: departure) }
    isActing = false
  }

  public func receive(_ arrival: Arrival) {
    switch arrival {
    case .accepted(let id, _, local: _, remote: _), .opened(let id, local: _, remote: _): connections.insert(id)
    case .closed(let id, _), .refused(let id, _): connections.remove(id)
    default: break
    }
    run { host.receive(arrival, at: $0, &$1) }
  }

  /// Lets time pass, with every wake-up in it.
  public func advance(_ duration: Duration) {
    let end = now.advanced(by: duration)
    while let due = host.nextDeadline, due <= end {
      now = max(now, due)
      run { host.wake(at: $0, &$1) }
    }
    now = end
  }

  /// Lets time pass; the messages that left meanwhile and were not taken before.
  @discardableResult
  public func wait(_ duration: Duration) -> [SIPMessage] {
    advance(duration)
    return take()
  }

  // MARK: - Out

  /// The messages that left since the last time.
  @discardableResult
  public func take() -> [SIPMessage] { takeSent().compactMap(\.message) }

  public func takeSent() -> [Sent] {
    defer { outgoing = [] }
    return outgoing
  }

  public func forgetEvents() { hostEvents = [] }

  /// What is held beyond what was held after the start, by name; empty when all is given back. Every table of the host is looked at
  /// (``Holdings``), its deadlines and its ports.
  public var leftovers: [String] {
    let own = [(ports.count - portsAtStart, "open port"), (host.nextDeadline == nil ? 0 : 1, "deadline")]
    return Holdings(of: host).grown(since: atStart) + own.filter { $0.0 > 0 }.map { CountText.of($0.0, $0.1) }
  }

  private func act(on departure: Departure) {
    saw(departure)
    switch departure {
    case .bind(let port, let address, _): ports[port] = address
    case .unbind(let port): ports[port] = nil
    case .datagram(_, to: let remote, let bytes, let label): keep(Sent(bytes: bytes, to: remote), label)
    case .bytes(let id, let bytes, let label): keep(Sent(bytes: bytes, connection: id), label)
    case .open(let id, from: _, to: let remote): opened.append((id, remote))
    case .event(let event): hostEvents.append(event)
    case .finish, .close, .resolve, .secret, .plaintext: break
    }
    if let arrival = reply(to: departure) { receive(arrival) }
  }

  private func keep(_ packet: Sent, _ label: Label) {
    switch label.subject {
    case .rtp, .rtcp: break
    default: outgoing.append(packet)
    }
  }
}
