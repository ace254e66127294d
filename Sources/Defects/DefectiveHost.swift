import RTP
import SansIO

/// A host behind which a flaw stands: whatever it sends and hears passes through it.
///
/// A SIP message is one write of the host, as all hosts of the Lab write them. With no flaw, or one that changes nothing, every byte leaves
/// and arrives as it would without this.
public final class DefectiveHost: NetworkHost {
  private struct Waiting {
    var at: Instant
    /// Those of one instant leave in the order in which they were put here.
    var order: Int
    var departure: Departure
  }

  private let inner: any NetworkHost
  private let flaws: [Flaw]
  private var memories: [Memory]
  private var waiting: [Waiting] = []
  private var order = 0
  /// Connections of our own; the host knows nothing of them. Even as all that hosts open, and far from its numbers.
  private var nextConnection: UInt32 = 1 << 30
  private var unsent: [ConnectionID: (bytes: Bytes, label: Label)] = [:]
  /// Ports of our own, between the host's numbers for signalling and for media, and its address.
  private static let ownPorts: Range<UInt32> = 1 << 30..<1 << 31
  private var nextPort = ownPorts.lowerBound
  private var address: IPAddress?
  /// The host's connections, by the number that the network knows.
  private var remotes: [ConnectionID: TransportAddress] = [:]

  public init(_ inner: any NetworkHost, _ flaws: [Flaw]) {
    (self.inner, self.flaws) = (inner, flaws)
    memories = flaws.map { _ in Memory() }
  }

  // MARK: - The contract

  public func start(at now: Instant, _ out: inout Outbox) { run(at: now, &out) { inner.start(at: now, &$0) } }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    guard let arrival = taken(arrival, at: now, &out) else { return }
    run(at: now, &out) { inner.receive(arrival, at: now, &$0) }
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    release(at: now, &out)
    guard let deadline = inner.nextDeadline, deadline <= now else { return }
    run(at: now, &out) { inner.wake(at: now, &$0) }
  }

  public var nextDeadline: Instant? {
    guard let first = waiting.first?.at else { return inner.nextDeadline }
    return inner.nextDeadline.map { min($0, first) } ?? first
  }

  /// Runs a command of the host's; what it sends passes through the flaws.
  public func run(at now: Instant, _ out: inout Outbox, _ body: (inout Outbox) -> Void) {
    var box = Outbox(isObserved: out.isObserved)
    body(&box)
    for departure in box.departures { pass(departure, at: now, &out) }
  }

  // MARK: - What arrives

  private func taken(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) -> Arrival? {
    switch arrival {
    case .accepted(let connection, _, _, let remote): remotes[connection] = remote
    case .opened(let connection, _, _) where connection.rawValue >= 1 << 30:
      if let (bytes, label) = unsent.removeValue(forKey: connection) { out.bytes(connection, bytes, label) }
      return nil
    case .bytes(let connection, let bytes) where connection.rawValue < 1 << 30:
      return takeIn(bytes, Passage(now: now, remote: remotes[connection], isStream: true, label: .none, port: nil), &out).map { bytes, _ in
        .bytes(connection, bytes)
      }
    case .datagram(let port, let source, let bytes):
      return takeIn(bytes, Passage(now: now, remote: source, isStream: false, label: .none, port: port), &out).map { bytes, remote in
        .datagram(port, from: remote ?? source, bytes)
      }
    case .opened(let connection, _, _), .refused(let connection, _), .bytes(let connection, _), .ended(let connection),
      .closed(let connection, _), .drained(let connection):
      if case .closed = arrival { remotes[connection] = nil }
      if connection.rawValue >= 1 << 30 { return nil }
    case .bound(let port, _) where Self.ownPorts.contains(port.rawValue): return nil
    case .bound, .bindFailed, .sendFailed, .receiveFailed, .unreachable, .acceptFailed, .acceptsAgain, .resolved: break
    }
    return arrival
  }

  private func takeIn(_ bytes: Bytes, _ passage: Passage, _ out: inout Outbox) -> (Bytes, TransportAddress?)? {
    var (bytes, passage) = (bytes, passage)
    for index in flaws.indices {
      if !passage.isStream, Self.isRTP(bytes) {
        guard let hears = flaws[index].hears, var packet = try? RTPPacket.parse(bytes) else { continue }
        let before = packet
        hears(&packet, &passage, &memories[index])
        if packet != before { bytes = packet.serialized() }
      } else if var message = MessageEdit(bytes) {
        message.undisguise(memories[index])
        flaws[index].receives?(&message, &passage, &memories[index])
        bytes = message.bytes
      }
      if passage.fate == .lost { return nil }
    }
    if passage.opensPort, let address {
      // Ports that no endpoint of a scenario takes.
      out.bind(PortID(nextPort), TransportAddress(address, port: UInt16(truncatingIfNeeded: 45_000 + 2 * (nextPort & 0xFFF))))
      nextPort += 1
    }
    // What the flaw answers by itself, before the host has seen anything.
    if let port = passage.port, let remote = passage.remote {
      for extra in passage.extras {
        put(.datagram(port, to: extra.to ?? remote, extra.bytes, .none), after: extra.after, at: passage.now, &out)
      }
    }
    return (bytes, passage.remote)
  }

  private static func isRTP(_ bytes: Bytes) -> Bool {
    bytes.count >= RTPPacket.headerSize && bytes[0] >> 6 == 2 && !(200...211).contains(bytes[1])
  }

  // MARK: - What leaves

  private func pass(_ departure: Departure, at now: Instant, _ out: inout Outbox) {
    switch departure {
    case .datagram(let port, let remote, let bytes, let label):
      var passage = Passage(now: now, remote: remote, isStream: false, label: label, port: port)
      let changed = changed(bytes, &passage)
      let target = passage.remote ?? remote
      let source = passage.port ?? port
      for extra in passage.extras { put(.datagram(source, to: extra.to ?? target, extra.bytes, label), after: extra.after, at: now, &out) }
      send(.datagram(source, to: target, changed, label), passage, at: now, &out)
    case .bytes(let connection, let bytes, let label):
      var passage = Passage(now: now, remote: remotes[connection], isStream: true, label: label, port: nil)
      let changed = changed(bytes, &passage)
      if case .another(let remote) = passage.connection { return open(to: remote, changed, label, &out) }
      for extra in passage.extras { put(.bytes(connection, extra.bytes, label), after: extra.after, at: now, &out) }
      send(.bytes(connection, changed, label), passage, at: now, &out)
      if let mode = passage.closes { out.close(connection, mode) }
    case .open(let connection, _, let remote):
      remotes[connection] = remote
      out.append(departure)
    case .bind(_, let own, _):
      if address == nil { address = own.address }
      out.append(departure)
    case .unbind, .finish, .close, .resolve, .event, .secret, .plaintext: out.append(departure)
    }
  }

  private func changed(_ bytes: Bytes, _ passage: inout Passage) -> Bytes {
    var bytes = bytes
    for index in flaws.indices {
      switch passage.label.subject {
      case .rtp:
        guard let speaks = flaws[index].speaks, var packet = try? RTPPacket.parse(bytes) else { continue }
        let before = packet
        speaks(&packet, &passage, &memories[index])
        if packet != before { bytes = packet.serialized() }
      case .rtcp:
        guard let reports = flaws[index].reports, var packets = try? RTCPPacket.parse(bytes) else { continue }
        let before = packets
        reports(&packets, &passage, &memories[index])
        if packets != before { bytes = RTCPPacket.serialized(packets) }
      case .dtls: break
      case .request, .response, .raw, .none, .keepAlive, .tlsHandshake, .tlsClose:
        guard let sends = flaws[index].sends, var message = MessageEdit(bytes) else { continue }
        sends(&message, &passage, &memories[index])
        bytes = message.bytes
      }
    }
    return bytes
  }

  private func send(_ departure: Departure, _ passage: Passage, at now: Instant, _ out: inout Outbox) {
    switch passage.fate {
    case .goes: out.append(departure)
    case .lost: break
    case .waits(let delay): put(departure, after: delay, at: now, &out)
    }
  }

  private func open(to remote: TransportAddress, _ bytes: Bytes, _ label: Label, _ out: inout Outbox) {
    let connection = ConnectionID(nextConnection)
    nextConnection += 2
    unsent[connection] = (bytes, label)
    out.open(connection, to: remote)
  }

  // MARK: - What waits

  private func put(_ departure: Departure, after delay: Duration, at now: Instant, _ out: inout Outbox) {
    guard delay > .zero else { return out.append(departure) }
    let entry = Waiting(at: now.advanced(by: delay), order: order, departure: departure)
    order += 1
    let place = waiting.firstIndex { $0.at > entry.at } ?? waiting.count
    waiting.insert(entry, at: place)
  }

  private func release(at now: Instant, _ out: inout Outbox) {
    while let first = waiting.first, first.at <= now {
      waiting.removeFirst()
      out.append(first.departure)
    }
  }
}
