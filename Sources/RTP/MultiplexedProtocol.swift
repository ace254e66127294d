import SansIO

/// What shares a port with RTP, by the first byte of a datagram (RFC 7983 §7).
public enum MultiplexedProtocol: Hashable, Sendable {
  /// RTP or RTCP.
  case rtp
  case stun
  case zrtp
  case dtls
  case turnChannel
  /// A datagram without a byte: one of the keep-alives of RFC 6263 §4.1.
  case empty
  case unknown

  @inlinable
  public init(_ datagram: Bytes) {
    guard let first = datagram.first else {
      self = .empty
      return
    }
    switch first {
    case 128...191: self = .rtp
    case 0...3: self = .stun
    case 16...19: self = .zrtp
    case 20...63: self = .dtls
    case 64...79: self = .turnChannel
    default: self = .unknown
    }
  }
}
