/// A transport address: IP address and port (the term of RFC 3264 and RFC 8489).
public struct TransportAddress: Hashable, Sendable, Comparable {
  public var address: IPAddress
  public var port: UInt16

  @inlinable
  public init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Reads `192.0.2.1:5060` or `[2001:db8::1]:5060`; nil without a port.
  public init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":"),
      let address = IPAddress(text[..<colon]),
      !address.isIPv6 || text.first == "[",
      let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    self.init(address, port: port)
  }

  /// One word for IPv4: addresses with ports are looked up for every packet.
  @inlinable
  public func hash(into hasher: inout Hasher) {
    guard address.isIPv6 else { return hasher.combine(address.low << 16 | UInt64(port)) }
    hasher.combine(address.high)
    hasher.combine(address.low)
    hasher.combine(port)
  }

  public static func < (left: TransportAddress, right: TransportAddress) -> Bool {
    left.address == right.address ? left.port < right.port : left.address < right.address
  }
}

extension TransportAddress: CustomStringConvertible {
  public var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

extension TransportAddress: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let value = TransportAddress(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not an address with a port"))
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
