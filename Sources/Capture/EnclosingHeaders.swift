/// A header around a packet with a field for the length of what it carries, by its place in the frame.
struct EnclosingHeader: Hashable, Sendable {
  enum Kind: UInt8, Sendable {
    case ip
    /// Right behind the header of IP that was noted last.
    case udp
    /// RFC 2516 §4.
    case pppoe
    /// 3GPP TS 29.281 §5.1.
    case gtp
    /// RFC 2661 §3.1, from its first octet.
    case l2tp
    /// The field with the packet, in the byte order of the machine that captured.
    case nflogLittle, nflogBig
    /// The length instead of an EtherType (IEEE 802.3 §3.2.6).
    case length
  }

  var kind: Kind
  var place: Int
}

/// Those around one packet, the outer ones first. Every packet of a capture has such a list, mostly an empty one: it holds no reference.
struct EnclosingHeaders: Hashable, Sendable {
  /// A kind in the upper eight bits, a place in the others.
  private var words = SIMD8<UInt32>()
  private(set) var count = 0
  /// What one step into a tunnel adds at most.
  static let mostOfAStep = 3

  var isEmpty: Bool { count == 0 }
  /// Whether a step into a tunnel finds room.
  var hasRoom: Bool { count + Self.mostOfAStep <= SIMD8<UInt32>.scalarCount }

  mutating func append(_ kind: EnclosingHeader.Kind, _ place: Int) {
    guard count < SIMD8<UInt32>.scalarCount else { return }
    words[count] = UInt32(kind.rawValue) << 24 | UInt32(truncatingIfNeeded: place) & 0xFF_FFFF
    count += 1
  }

  var list: [EnclosingHeader] {
    (0..<count).compactMap { index in
      EnclosingHeader.Kind(rawValue: UInt8(words[index] >> 24)).map { EnclosingHeader(kind: $0, place: Int(words[index] & 0xFF_FFFF)) }
    }
  }
}
