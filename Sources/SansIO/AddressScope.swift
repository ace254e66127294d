extension IPAddress {
  /// Whether the address means something inside one network only, so that nobody outside can send to it: RFC 1918, the shared space of
  /// RFC 6598, link-local (RFC 3927, RFC 4291 §2.5.6) and unique local (RFC 4193) addresses.
  public var isPrivate: Bool {
    let address = unmapped
    guard !address.isIPv6 else { return address.high >> 57 == 0x7E || address.high >> 54 == 0x3FA }
    let bits = UInt32(truncatingIfNeeded: address.low)
    return bits >> 24 == 10 || bits >> 20 == 0xAC1 || bits >> 16 == 0xC0A8 || bits >> 22 == 0x191 || bits >> 16 == 0xA9FE
  }
}
