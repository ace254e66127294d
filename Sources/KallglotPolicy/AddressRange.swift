import SansIO

/// An entry of the IP allowlist: one address or a CIDR range (RFC 4632, RFC 4291 §2.3). Host bits are allowed and ignored.
public struct AddressRange: Hashable, Sendable, Codable, CustomStringConvertible {
  public let address: IPAddress
  /// Bits of the prefix: 0…32 or 0…128.
  public let prefixLength: Int

  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2, let address = IPAddress(first) else { return nil }
    let width = address.isIPv6 ? 128 : 32
    guard parts.count == 2 else {
      self.init(address, prefixLength: width)
      return
    }
    guard parts[1].allSatisfy(\.isNumber), let length = Int(parts[1]), (0...width).contains(length) else { return nil }
    self.init(address, prefixLength: length)
  }

  init(_ address: IPAddress, prefixLength: Int) {
    // An IPv4-mapped range (::ffff:a.b.c.d/96+n) means the IPv4 addresses.
    if address.isIPv6, !address.unmapped.isIPv6, prefixLength >= 96 {
      self.address = address.unmapped
      self.prefixLength = prefixLength - 96
    } else {
      self.address = address
      self.prefixLength = prefixLength
    }
  }

  /// Whether the range holds the address; an IPv4-mapped IPv6 address counts as the IPv4 one.
  public func contains(_ candidate: IPAddress) -> Bool {
    let candidate = candidate.unmapped
    guard candidate.isIPv6 == address.isIPv6 else { return false }
    guard candidate.isIPv6 else { return Self.agree(candidate.low << 32, address.low << 32, bits: prefixLength) }
    return Self.agree(candidate.high, address.high, bits: min(prefixLength, 64))
      && Self.agree(candidate.low, address.low, bits: max(prefixLength - 64, 0))
  }

  private static func agree(_ left: UInt64, _ right: UInt64, bits: Int) -> Bool {
    bits == 0 || (left ^ right) >> UInt64(64 - bits) == 0
  }

  public var description: String { "\(address)/\(prefixLength)" }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let range = AddressRange(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is neither an IP address nor a CIDR range"))
    }
    self = range
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
