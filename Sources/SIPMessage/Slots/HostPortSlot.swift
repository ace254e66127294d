import SansIO

/// Where `host[:port]` is written (RFC 3261 §25.1, hostport).
struct HostPortSlot: Hashable, Sendable {
  /// An IPv6 reference without its brackets; empty in a URI that has no host.
  var host = ByteRange(0, 0)
  /// nil where the host is a name.
  var address: IPAddress?
  var port: UInt16?

  /// - Parameter allowsSpace: whether white space may surround the colon of the port, as in sent-by of Via, unlike in a URI.
  mutating func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, allowsSpace: Bool = false) -> Bool {
    guard readHost(span, &position, end) else { return false }
    var colon = position
    if allowsSpace { Grammar.skipWhite(span, &colon, end) }
    guard colon < end, span[colon] == .colon else { return true }
    var start = colon + 1
    if allowsSpace { Grammar.skipWhite(span, &start, end) }
    guard let (port, behind) = Self.readPort(span, start, end) else { return false }
    (self.port, position) = (port, behind)
    return true
  }

  private static func readPort(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> (port: UInt16, end: Int)? {
    var (number, position) = (0, start)
    while position < end, position - start <= 10, span[position] &- 48 < 10 {
      number = number * 10 + Int(span[position] &- 48)
      position += 1
    }
    guard position > start, position - start <= 10, let port = UInt16(exactly: number) else { return nil }
    return (port, position)
  }

  func typed(_ span: Span<UInt8>) -> SIPHost { address.map(SIPHost.address) ?? .name(Grammar.text(span, host.range)) }

  private mutating func readHost(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Bool {
    let start = position
    if position < end, span[position] == .openBracket {
      position = WordScan.first(.closeBracket, span, position, end)
      guard position < end else { return false }
      position += 1
      host = ByteRange(start + 1, position - 1)
      address = Self.v6(span, host.range) ?? Self.unusualV6(Grammar.text(span, start..<position))
      return address != nil
    }
    if position < end, span[position] &- 48 < 10, let (v4, behind) = Self.readV4(span, position, end) {
      (address, position) = (IPAddress(v4: v4), behind)
    } else {
      position = WordScan.run(span, position, end) { Self.isHostByte($0) }
    }
    host = ByteRange(start, position)
    return position > start
  }

  /// Letters, digits, `-`, `.`; and `_`, which host names may not have and peers use.
  @inline(__always)
  private static func isHostByte(_ byte: UInt8) -> Bool { Grammar.isMember(byte, 0x03FF_6000_0000_0000, 0x07FF_FFFE_87FF_FFFE) }

  /// Dotted decimal without octets of more than three digits, up to a byte that is not of a host; nil for any other host.
  private static func readV4(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> (value: UInt32, end: Int)? {
    var (value, position) = (UInt32(0), start)
    for place in 0..<4 {
      if place > 0 {
        guard position < end, span[position] == UInt8(ascii: ".") else { return nil }
        position += 1
      }
      var (octet, digits) = (UInt32(0), 0)
      while position < end, digits < 4, span[position] &- 48 < 10 {
        octet = octet * 10 + UInt32(span[position] &- 48)
        position += 1
        digits += 1
      }
      guard (1...3).contains(digits), octet <= 255 else { return nil }
      value = value << 8 | octet
    }
    return position < end && isHostByte(span[position]) ? nil : (value, position)
  }

  /// Groups of hexadecimal digits (RFC 4291 §2.2), the form nearly everybody writes; nil for anything else.
  private static func v6(_ span: Span<UInt8>, _ range: Range<Int>) -> IPAddress? {
    var groups = InlineArray<8, UInt64>(repeating: 0)
    var (count, gap) = (0, -1)
    var position = range.lowerBound
    if range.count >= 2, span[position] == .colon, span[position + 1] == .colon { (gap, position) = (0, position + 2) }
    while position < range.upperBound {
      let start = position
      var group: UInt64 = 0
      while position < range.upperBound, position - start < 4, let digit = Grammar.hexadecimal(span[position]) {
        group = group << 4 | UInt64(digit)
        position += 1
      }
      guard position > start, count < 8 else { return nil }
      groups[count] = group
      count += 1
      guard position < range.upperBound else { break }
      guard span[position] == .colon, position + 1 < range.upperBound else { return nil }
      position += 1
      guard span[position] == .colon else { continue }
      guard gap < 0 else { return nil }
      (gap, position) = (count, position + 1)
    }
    guard gap < 0 ? count == 8 : count < 8 else { return nil }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for index in 0..<8 {
      let behindGap = index - (8 - count)
      let group = gap < 0 || index < gap ? groups[index] : behindGap >= gap ? groups[behindGap] : 0
      if index < 4 { high = high << 16 | group } else { low = low << 16 | group }
    }
    return IPAddress(high: high, low: low)
  }

  /// An IPv6 reference with an IPv4 tail. RFC 3261's own grammar let a third colon precede it; peers that follow it are understood
  /// (RFC 5118 §4.10).
  private static func unusualV6(_ reference: String) -> IPAddress? {
    IPAddress(reference) ?? IPAddress(reference.replacing(":::", with: "::"))
  }
}
