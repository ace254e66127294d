/// One packet as a tap saw it at one host: what tcpdump on that host would have shown, plus the sender's label and the packet's fate.
public struct PacketRecord: Sendable {
  public enum Direction: UInt8, Hashable, Sendable { case sent, received }

  public enum Carrier: Hashable, Sendable {
    case udp
    case tcp(TCPSegment)
  }

  public var at: Instant
  public var host: HostID
  /// The packet's number in this host's capture, from 1: what a verdict cites as `host#frame`.
  public var frame: UInt32
  public var direction: Direction
  public var carrier: Carrier
  public var source: TransportAddress
  public var destination: TransportAddress
  /// The UDP or TCP payload.
  public var payload: Bytes
  public var label: Label
  /// What became of a sent packet. On received ones `.delivered`, `.corrupted`, or what a NAT did with it.
  public var fate: Fate

  public init(
    at: Instant, host: HostID, frame: UInt32, direction: Direction, carrier: Carrier, source: TransportAddress,
    destination: TransportAddress, payload: Bytes, label: Label, fate: Fate = .delivered
  ) {
    self.at = at
    self.host = host
    self.frame = frame
    self.direction = direction
    self.carrier = carrier
    self.source = source
    self.destination = destination
    self.payload = payload
    self.label = label
    self.fate = fate
  }
}

/// Bytes that crossed a TLS connection of one host, as its TLS gave or took them.
public struct PlaintextRecord: Sendable {
  public var connection: ConnectionID
  public var direction: PacketRecord.Direction
  public var source: TransportAddress
  public var destination: TransportAddress
  public var bytes: Bytes
  public var label: Label

  public init(
    _ connection: ConnectionID, _ direction: PacketRecord.Direction, from source: TransportAddress, to destination: TransportAddress,
    _ bytes: Bytes, _ label: Label
  ) {
    self.connection = connection
    self.direction = direction
    self.source = source
    self.destination = destination
    self.bytes = bytes
    self.label = label
  }
}

/// The parts of a TCP header that vary.
public struct TCPSegment: Hashable, Sendable {
  public struct Flags: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let fin = Flags(rawValue: 0x01)
    public static let syn = Flags(rawValue: 0x02)
    public static let rst = Flags(rawValue: 0x04)
    public static let psh = Flags(rawValue: 0x08)
    public static let ack = Flags(rawValue: 0x10)
  }

  public var sequence: UInt32
  public var acknowledgement: UInt32
  public var flags: Flags
  public var window: UInt16

  public init(sequence: UInt32, acknowledgement: UInt32, flags: Flags, window: UInt16 = 65_535) {
    self.sequence = sequence
    self.acknowledgement = acknowledgement
    self.flags = flags
    self.window = window
  }
}

/// What became of one sent packet. A packet has exactly one fate a copy.
public enum Fate: Hashable, Sendable {
  case delivered
  case duplicated
  /// Lost to the link's impairment.
  case lost(LossCause)
  /// Held back on the link, so that later ones overtake it.
  case heldBack
  /// Arrives with a flipped bit.
  case corrupted
  /// Dropped, delayed or changed by a fault that the scenario named; the text names it.
  case dropped(fault: UInt16)
  case delayed(fault: UInt16)
  case rewritten(fault: UInt16)
  /// A NAT on the way gave it another address: this port of the NAT's outside address stands for the host inside.
  case translated(port: UInt16)
  /// Dropped by a NAT.
  case filtered(FilterReason)
  /// No host has the destination address, or none listens there.
  case unroutable
  /// Live runs cannot know.
  case unknown

  /// What the comment of a frame says of ``corrupted``, by which a reader of the capture knows it again.
  public static let corruptedWords: StaticString = "corrupted on the link"
}
