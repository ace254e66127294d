import SansIO

extension IPAddress {
  /// Whether the address means something inside one network only, so that nobody outside can send to it: RFC 1918, the shared space of
  /// RFC 6598, link-local (RFC 3927, RFC 4291 §2.5.6) and unique local (RFC 4193) addresses.
  public var isPrivate: Bool { privateSection != nil }

  /// The section that says so; nil for an address that means something everywhere.
  public var privateSection: String? {
    let address = unmapped
    guard !address.isIPv6 else {
      if address.high >> 57 == 0x7E { return "RFC 4193 §3.3" }
      return address.high >> 54 == 0x3FA ? "RFC 4291 §2.5.6" : nil
    }
    let bits = UInt32(truncatingIfNeeded: address.low)
    if bits >> 24 == 10 || bits >> 20 == 0xAC1 || bits >> 16 == 0xC0A8 { return "RFC 1918 §3" }
    if bits >> 22 == 0x191 { return "RFC 6598 §4" }
    return bits >> 16 == 0xA9FE ? "RFC 3927 §7" : nil
  }
}
