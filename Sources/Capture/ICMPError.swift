import SansIO

/// An ICMP message that says that a packet did not arrive (RFC 792, RFC 4443 §3), with what it quotes of that packet.
public struct ICMPError: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case networkUnreachable, hostUnreachable, protocolUnreachable, portUnreachable
    /// By a filter (RFC 1812 §5.2.7.1).
    case prohibited
    case timeToLiveExceeded
    /// With the largest packet that passes; 0 where the router does not say (RFC 1191 §4).
    case packetTooBig(Int)
    case other(type: UInt8, code: UInt8)
  }

  /// Who says so.
  public var reporter: IPAddress
  public var kind: Kind
  /// Of the packet that did not arrive.
  public var source: TransportAddress
  public var destination: TransportAddress
  /// 17 or 6.
  public var protocolNumber: UInt8
  /// What the message quotes of that packet's payload.
  public var quoted: Range<Int>

  /// - Parameter start: where the header of ICMP stands.
  /// - Returns: nil where it reports no error of a UDP or TCP packet.
  init?(_ fields: EndianBytes, at start: Int, isIPv6: Bool, from reporter: IPAddress) {
    guard start + 8 <= fields.bytes.count else { return nil }
    let (type, code) = (fields.bytes[start], fields.bytes[start + 1])
    guard let kind = isIPv6 ? Self.six(type, code, fields.word(start + 4)) : Self.four(type, code, fields.half(start + 6)) else {
      return nil
    }
    var walk = FrameWalk(quoting: fields.bytes)
    guard case .transport(let found) = walk.network(at: start + 8) else { return nil }
    self.reporter = reporter
    self.kind = kind
    (source, destination) = (found.source, found.destination)
    protocolNumber = found.carrier == .udp ? 17 : 6
    quoted = found.payload
  }

  private static func four(_ type: UInt8, _ code: UInt8, _ size: UInt16) -> Kind? {
    switch (type, code) {
    case (3, 0), (3, 5), (3, 6), (3, 11): .networkUnreachable
    case (3, 1), (3, 7), (3, 8), (3, 12): .hostUnreachable
    case (3, 2): .protocolUnreachable
    case (3, 3): .portUnreachable
    case (3, 4): .packetTooBig(Int(size))
    case (3, 9), (3, 10), (3, 13): .prohibited
    case (3, _): .other(type: type, code: code)
    case (11, 0): .timeToLiveExceeded
    default: nil
    }
  }

  private static func six(_ type: UInt8, _ code: UInt8, _ size: UInt32) -> Kind? {
    switch (type, code) {
    case (1, 0): .networkUnreachable
    case (1, 1), (1, 5), (1, 6): .prohibited
    case (1, 3): .hostUnreachable
    case (1, 4): .portUnreachable
    case (1, _): .other(type: type, code: code)
    case (2, _): .packetTooBig(Int(size))
    case (3, 0): .timeToLiveExceeded
    default: nil
    }
  }
}

extension ICMPError.Kind: CustomStringConvertible {
  public var description: String {
    switch self {
    case .networkUnreachable: "network unreachable"
    case .hostUnreachable: "host unreachable"
    case .protocolUnreachable: "protocol unreachable"
    case .portUnreachable: "port unreachable"
    case .prohibited: "administratively prohibited"
    case .timeToLiveExceeded: "time to live exceeded"
    case .packetTooBig(0): "packet too big"
    case .packetTooBig(let size): "packet too big: \(size) octets pass"
    case .other(let type, let code): "type \(type), code \(code)"
    }
  }
}
