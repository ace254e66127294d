/// An IPv4 or IPv6 address. Twenty-four bytes without a reference, so that packets carry it by value.
public struct IPAddress: Hashable, Sendable {
  /// The upper 64 bits of an IPv6 address; 0 for IPv4.
  public var high: UInt64
  /// The lower 64 bits of an IPv6 address; the 32 bits of an IPv4 one.
  public var low: UInt64
  public var isIPv6: Bool

  @inlinable
  public init(v4: UInt32) {
    high = 0
    low = UInt64(v4)
    isIPv6 = false
  }

  @inlinable
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
    isIPv6 = true
  }

  public static let anyV4 = IPAddress(v4: 0)
  public static let anyV6 = IPAddress(high: 0, low: 0)
  public static let loopbackV4 = IPAddress(v4: 0x7F00_0001)
  public static let loopbackV6 = IPAddress(high: 0, low: 1)

  public var isUnspecified: Bool { high == 0 && low == 0 }

  /// A group of hosts: 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291 §2.7).
  public var isMulticast: Bool {
    let address = unmapped
    return address.isIPv6 ? address.high >> 56 == 0xFF : address.low >> 28 & 0xF == 0xE
  }

  /// `::ffff:a.b.c.d` as the IPv4 address it stands for (RFC 4291 §2.5.5.2); any other address as it is.
  public var unmapped: IPAddress {
    isIPv6 && high == 0 && low >> 32 == 0xFFFF ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : self
  }

  /// The address in network byte order: 4 or 16 bytes.
  public var networkBytes: [UInt8] {
    let width = isIPv6 ? 16 : 4
    return (0..<width).map { index in
      let shift = (width - 1 - index) * 8
      return UInt8(truncatingIfNeeded: shift >= 64 ? high >> UInt64(shift - 64) : low >> UInt64(shift))
    }
  }

  /// The address made of 4 or 16 bytes in network order; nil for any other count.
  public init?(networkBytes bytes: some Collection<UInt8>) {
    func word(_ part: some Sequence<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
    switch bytes.count {
    case 4: self.init(v4: UInt32(word(bytes)))
    case 16: self.init(high: word(bytes.prefix(8)), low: word(bytes.dropFirst(8)))
    default: return nil
    }
  }
}

extension IPAddress: LosslessStringConvertible, Codable, Comparable {
  /// Reads dotted decimal or RFC 4291 text, the latter with or without the brackets of an IPv6 reference. Host names give nil.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    guard let address = text.withUTF8({ IPAddress(utf8: $0) }) else { return nil }
    self = address
  }

  /// The same text as bytes of a message.
  public init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    let isReference = bytes.count >= 2 && bytes.first == UInt8(ascii: "[") && bytes.last == UInt8(ascii: "]")
    let inner = isReference ? UnsafeBufferPointer(rebasing: bytes[1..<bytes.count - 1]) : bytes
    if inner.contains(UInt8(ascii: ":")) {
      guard let parsed = IPAddressText.parseV6(Array(inner)) else { return nil }
      self = parsed
    } else {
      guard !isReference, let parsed = IPAddressText.parseV4(inner) else { return nil }
      self = IPAddress(v4: parsed)
    }
  }

  /// Appends ``description``.
  public func write(to bytes: inout [UInt8]) {
    var text = IPAddressText.format(self)
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }

  /// RFC 5952 text: lower case, the longest run of zeros as `::`. Without brackets.
  public var description: String { IPAddressText.format(self) }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let address = IPAddress(text) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not an IP address"))
    }
    self = address
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// IPv4 before IPv6, then by value: an order for output, without meaning.
  public static func < (left: IPAddress, right: IPAddress) -> Bool {
    (left.isIPv6 ? 1 : 0, left.high, left.low) < (right.isIPv6 ? 1 : 0, right.high, right.low)
  }
}
