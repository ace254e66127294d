/// The text forms of IP addresses: dotted decimal, RFC 4291 §2.2 in, RFC 5952 out.
enum IPAddressText {
  static func parseV4(_ text: some Collection<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    var (octet, digits, dots): (UInt32, Int, Int) = (0, 0, 0)
    for byte in text {
      if byte &- 0x30 < 10 {
        octet = octet * 10 + UInt32(byte - 0x30)
        digits += 1
        guard digits <= 3, octet <= 255 else { return nil }
      } else {
        guard byte == UInt8(ascii: "."), digits > 0, dots < 3 else { return nil }
        value = value << 8 | octet
        (octet, digits, dots) = (0, 0, dots + 1)
      }
    }
    return dots == 3 && digits > 0 ? value << 8 | octet : nil
  }

  static func parseV6(_ text: [UInt8]) -> IPAddress? {
    let colon = UInt8(ascii: ":")
    var groups: [UInt16] = []
    var gap: Int?
    var rest = text[...]
    if rest.starts(with: [colon, colon]) {
      gap = 0
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let end = rest.firstIndex(of: colon) ?? rest.endIndex
      let part = rest[rest.startIndex..<end]
      if part.contains(UInt8(ascii: ".")) {
        guard end == rest.endIndex, let v4 = parseV4(part) else { return nil }
        groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
        rest = []
        break
      }
      guard let group = hexadecimal(part) else { return nil }
      groups.append(group)
      rest = rest[end...]
      guard !rest.isEmpty else { break }
      rest = rest.dropFirst()
      if rest.first == colon {
        guard gap == nil else { return nil }
        gap = groups.count
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    return assemble(groups, gap: gap)
  }

  private static func assemble(_ groups: [UInt16], gap: Int?) -> IPAddress? {
    var all = groups
    if let gap {
      guard groups.count < 8 else { return nil }
      all.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
    }
    guard all.count == 8 else { return nil }
    let high = all[0..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    let low = all[4..<8].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    return IPAddress(high: high, low: low)
  }

  static func format(_ address: IPAddress) -> String {
    guard address.isIPv6 else {
      return String(unsafeUninitializedCapacity: 15) { buffer in
        var count = 0
        for shift: UInt64 in [24, 16, 8, 0] {
          if count > 0 {
            buffer[count] = UInt8(ascii: ".")
            count += 1
          }
          count = append(UInt8(truncatingIfNeeded: address.low >> shift), to: buffer, at: count)
        }
        return count
      }
    }
    let groups = [address.high, address.low].flatMap { word in
      [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: word >> UInt64($0)) }
    }
    guard let zeros = longestZeroRun(groups) else { return joined(groups[...]) }
    return joined(groups[..<zeros.lowerBound]) + "::" + joined(groups[zeros.upperBound...])
  }

  private static func append(_ octet: UInt8, to buffer: UnsafeMutableBufferPointer<UInt8>, at start: Int) -> Int {
    var count = start
    if octet >= 100 {
      buffer[count] = 48 + octet / 100
      count += 1
    }
    if octet >= 10 {
      buffer[count] = 48 + octet / 10 % 10
      count += 1
    }
    buffer[count] = 48 + octet % 10
    return count + 1
  }

  private static func joined(_ groups: ArraySlice<UInt16>) -> String {
    groups.map { String($0, radix: 16) }.joined(separator: ":")
  }

  /// RFC 5952 §4.2: the first of the longest runs of at least two zero groups.
  private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
    var best: Range<Int>?
    var start: Int?
    for index in 0...groups.count {
      if index < groups.count, groups[index] == 0 {
        start = start ?? index
      } else if let begin = start {
        if index - begin >= 2, index - begin > (best?.count ?? 0) { best = begin..<index }
        start = nil
      }
    }
    return best
  }

  private static func hexadecimal(_ digits: some Collection<UInt8>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16).flatMap { digits.first == UInt8(ascii: "+") ? nil : $0 }
  }
}
