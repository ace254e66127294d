import SansIO

/// The TCP connections of a capture, both directions reassembled, what they carry recognised and read.
public struct ConnectionTable {
  private struct Key: Hashable {
    public var low: TransportAddress
    public var high: TransportAddress
  }

  /// Connections that may be open at a time; the ones that were silent longest are closed for more.
  private static let capacity = 16_384

  private var open: [Key: ObservedConnection] = [:]
  private var created = 0
  /// Connections with TLS records that wait for their secrets.
  private var waiting: [ObservedConnection] = []
  public let keyLog: KeyLog
  /// Closed ones that carried TLS, for the report.
  public private(set) var secured: [TLSFacts] = []
  public private(set) var totals = StreamTotals()

  private let keeps: Keeping
  private let clearText: ClearText?

  public init(keyLog: KeyLog, keeps: Keeping = .everything, clearText: ClearText? = nil) {
    self.keyLog = keyLog
    self.clearText = clearText
    self.keeps = keeps
    if keeps == .live { keyLog.keepsSome = true }
  }

  /// Whether there is a connection between two places that neither has ended.
  func isOpen(_ one: TransportAddress, _ other: TransportAddress) -> Bool {
    open[one < other ? Key(low: one, high: other) : Key(low: other, high: one)].map { !$0.isFinished } ?? false
  }

  private var openInOrder: [ObservedConnection] { open.values.sorted { $0.number < $1.number } }
  /// TLS of closed connections and of those that are open now.
  public var securedSoFar: [TLSFacts] { secured + openInOrder.compactMap(\.tlsFacts) }
  /// Bytes that are missing, those of open connections among them.
  public var lostSoFar: Int { totals.lost + open.values.reduce(0) { $0 + $1.lost } }

  /// Takes a segment; what came whole by it goes to `sink`.
  public mutating func take(
    _ segment: TCPSegment, from source: TransportAddress, to destination: TransportAddress, _ payload: Bytes, whole: Int,
    _ stamp: FrameStamp,
    _ sink: (StreamEvent) -> Void
  ) {
    let isLower = source < destination
    let key = isLower ? Key(low: source, high: destination) : Key(low: destination, high: source)
    if segment.flags.contains(.syn), !segment.flags.contains(.ack), let old = open[key], old.isFinished { close(key, stamp, sink) }
    // What two ends say to each other behind the end of a connection opens none.
    guard open[key] != nil || whole > 0 || segment.flags.contains(.syn) else { return }
    let connection = open[key] ?? make(key, client: Self.client(segment, source, destination), stamp, sink)
    clearText?.take(connection: connection.number)
    connection.take(segment, from: source, payload, whole: whole, stamp, sink)
    if keyLog.followsPackets, connection.waitsForSecrets, !waiting.contains(where: { $0 === connection }) { waiting.append(connection) }
    if connection.isFinished, payload.isEmpty, connection.isSilent { close(key, stamp, sink) }
  }

  /// Secrets have come: what waited for them goes to `sink`.
  public mutating func retry(_ sink: (StreamEvent) -> Void) {
    guard !waiting.isEmpty else { return }
    for connection in waiting { connection.retry(sink) }
    waiting.removeAll { !$0.waitsForSecrets }
  }

  /// Takes out the connections that were closed, or silent, since.
  /// - Parameters:
  ///   - time: of the last packet, where one side has said its last (RFC 9293 §3.6).
  ///   - unseen: where nothing says that it has ended.
  /// - Returns: those that carried TLS, and others of it that ended before.
  mutating func release(before time: Int64, unseen: Int64, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) -> [TLSFacts] {
    let gone = open.filter { $0.value.last.time < ($0.value.isFinished ? time : unseen) }
    for (key, _) in gone.sorted(by: { $0.value.number < $1.value.number }) { close(key, stamp, sink) }
    defer { secured = [] }
    return secured
  }

  /// The capture ends.
  public mutating func finish(_ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) {
    for connection in openInOrder { end(connection, stamp, sink) }
    open = [:]
  }

  /// Who opened it: the sender of the SYN; without one, whoever talks to the lower port is taken for it.
  private static func client(_ segment: TCPSegment, _ source: TransportAddress, _ destination: TransportAddress) -> TransportAddress {
    if segment.flags.contains(.syn) { return segment.flags.contains(.ack) ? destination : source }
    return source.port >= destination.port ? source : destination
  }

  private mutating func make(
    _ key: Key, client: TransportAddress, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void
  ) -> ObservedConnection {
    if open.count >= Self.capacity {
      let oldest = open.sorted { $0.value.last.frame < $1.value.last.frame }.prefix(Self.capacity / 8)
      for (old, _) in oldest { close(old, stamp, sink) }
    }
    created += 1
    let connection = ObservedConnection(
      number: created, client: client, server: client == key.low ? key.high : key.low, first: stamp, keyLog: keyLog,
      clearText: clearText)
    open[key] = connection
    return connection
  }

  private mutating func close(_ key: Key, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) {
    guard let connection = open.removeValue(forKey: key) else { return }
    end(connection, stamp, sink)
  }

  private mutating func end(_ connection: ObservedConnection, _ stamp: FrameStamp, _ sink: (StreamEvent) -> Void) {
    connection.finish(stamp, sink)
    if !waiting.isEmpty { waiting.removeAll { $0 === connection } }
    totals.add(connection)
    if let facts = connection.tlsFacts { secured.append(facts) }
    if keeps == .live, let random = connection.clientRandom { keyLog.forget(random) }
  }
}

/// What a stream gave.
public enum StreamEvent {
  case sip(Carried<SIPReading>)
  /// A packet of a capture agent (HEP3).
  case relayed(Carried<Bytes>)
  /// Bytes that the capture does not have, in a stream that carries SIP or TLS.
  case gap(Carried<Int>)
  case tlsAlert(Carried<String>)
  /// A handshake is complete, with what it agreed on; carried by its last packet.
  case tlsEstablished(Carried<TLSFacts>)
}

/// Something with where it came from.
public struct Carried<Value> {
  public var value: Value
  public var source: TransportAddress
  public var destination: TransportAddress
  public var transport: ObservedTransport
  public var stamp: FrameStamp
}

/// Sums over all connections.
public struct StreamTotals {
  public var connections = 0
  public var retransmissions = 0
  public var lost = 0
  /// Payload of connections that carry neither SIP nor TLS.
  public var otherBytes = 0
  public var beganInTheMiddle = 0

  public mutating func add(_ connection: ObservedConnection) {
    connections += 1
    retransmissions += connection.retransmissions
    lost += connection.lost
    otherBytes += connection.otherBytes
    if connection.beganInTheMiddle { beganInTheMiddle += 1 }
  }
}
