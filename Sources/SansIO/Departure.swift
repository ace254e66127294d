/// What a host asks of the world, in order of effect.
public enum Departure: Sendable {
  case bind(PortID, TransportAddress, PortKind)
  case unbind(PortID)
  case datagram(PortID, to: TransportAddress, Bytes, Label)
  /// Opens a TCP connection from `from` (an address of this host; nil = any) to `to`.
  case open(ConnectionID, from: IPAddress?, to: TransportAddress)
  /// Writes. What is written before the connection is up, after FIN or after ``close(_:_:)`` is dropped.
  case bytes(ConnectionID, Bytes, Label)
  /// Sends FIN after what was written; reading goes on.
  case finish(ConnectionID)
  /// Leaves. The end comes as ``Arrival/closed(_:_:)``, unless the connection was still being opened: then nothing more is heard of it.
  case close(ConnectionID, CloseMode)
  case resolve(QueryID, NameQuestion)
  /// Something the host's owner may want to know; the stage casts it to the host's own event type.
  case event(any HostEvent)
  case secret(KeyLogLine)
  /// What the TLS of a connection carried, behind the ``bytes(_:_:_:)`` that carry it: for observers alone, and asked for by
  /// ``Outbox/isObserved``.
  case plaintext(ConnectionID, PacketRecord.Direction, Bytes, Label)
}

public enum PortKind: UInt8, Hashable, Sendable {
  case datagram
  case listener
}

public enum CloseMode: UInt8, Hashable, Sendable {
  /// What was written still goes out, then FIN.
  case orderly
  /// RST at once; unsent bytes are dropped.
  case reset
}

/// One line in SSLKEYLOGFILE form. It goes into a capture's decryption secrets and nowhere else.
public struct KeyLogLine: Hashable, Sendable {
  public var line: String
  public init(_ line: String) { self.line = line }
}

extension KeyLogLine: CustomStringConvertible, CustomDebugStringConvertible {
  /// Never the secret itself: a key line that reaches a log by accident shows only its kind.
  public var description: String { "\(line.prefix { $0 != " " }) …" }
  public var debugDescription: String { description }
}

/// The collecting side of the contract: hosts append, the driver drains.
public struct Outbox {
  @usableFromInline var list: ContiguousArray<Departure> = []
  /// Whether somebody wants to see what TLS carries; otherwise it is not collected.
  public let isObserved: Bool

  @inlinable public init(isObserved: Bool = false) { self.isObserved = isObserved }

  public var departures: ContiguousArray<Departure> { list }
  @inlinable public var isEmpty: Bool { list.isEmpty }

  public mutating func append(_ departure: Departure) { list.append(departure) }

  public mutating func bind(_ port: PortID, _ address: TransportAddress, _ kind: PortKind = .datagram) {
    list.append(.bind(port, address, kind))
  }
  public mutating func unbind(_ port: PortID) { list.append(.unbind(port)) }
  public mutating func datagram(_ port: PortID, to destination: TransportAddress, _ bytes: Bytes, _ label: Label) {
    list.append(.datagram(port, to: destination, bytes, label))
  }
  public mutating func open(_ connection: ConnectionID, from source: IPAddress? = nil, to destination: TransportAddress) {
    list.append(.open(connection, from: source, to: destination))
  }
  public mutating func bytes(_ connection: ConnectionID, _ bytes: Bytes, _ label: Label) { list.append(.bytes(connection, bytes, label)) }
  public mutating func finish(_ connection: ConnectionID) { list.append(.finish(connection)) }
  public mutating func close(_ connection: ConnectionID, _ mode: CloseMode = .orderly) { list.append(.close(connection, mode)) }
  public mutating func resolve(_ query: QueryID, _ question: NameQuestion) { list.append(.resolve(query, question)) }
  public mutating func event(_ event: any HostEvent) { list.append(.event(event)) }
  public mutating func secret(_ line: KeyLogLine) { list.append(.secret(line)) }
  public mutating func plaintext(_ connection: ConnectionID, _ direction: PacketRecord.Direction, _ bytes: Bytes, _ label: Label) {
    if isObserved { list.append(.plaintext(connection, direction, bytes, label)) }
  }

  /// Hands the departures over in their order, without a copy, and leaves the box empty with its memory.
  @inlinable @inline(__always)
  public mutating func drain(_ body: (consuming Departure) -> Void) {
    if list.count > 1 { list.reverse() }
    while !list.isEmpty { body(list.removeLast()) }
  }

  /// Empties the box, keeping its memory. A driver calls this after it has acted on ``departures``.
  public mutating func removeAll() { list.removeAll(keepingCapacity: true) }
}
