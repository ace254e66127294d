import KallglotPolicy
import SansIO
import Testing

/// An address as the text that a portal or a socket shows, and as a string of its bits: nothing here is shared with the code under test.
private struct WrittenAddress: Hashable {
  var text: String
  var bits: String

  init(v4 octets: [UInt8]) {
    text = octets.map { "\($0)" }.joined(separator: ".")
    bits = Self.bits(octets)
  }

  /// Without `::`, so that nothing depends on how zeros are left out.
  init(v6 octets: [UInt8]) {
    text = stride(from: 0, to: 16, by: 2).map { String(Int(octets[$0]) << 8 | Int(octets[$0 + 1]), radix: 16) }.joined(separator: ":")
    bits = Self.bits(octets)
  }

  /// An IPv4 address as an IPv6 socket shows it (RFC 4291 §2.5.5.2).
  init(mapped octets: [UInt8]) {
    text = "::ffff:\(octets.map { "\($0)" }.joined(separator: "."))"
    bits = Self.mappedPrefix + Self.bits(octets)
  }

  static let mappedPrefix = String(repeating: "0", count: 80) + String(repeating: "1", count: 16)

  private static func bits(_ octets: [UInt8]) -> String {
    octets.map { octet in (0..<8).map { octet & (0x80 >> UInt8($0)) == 0 ? "0" : "1" }.joined() }.joined()
  }

  /// Of an IPv4 address whichever way it is written, its 32 bits.
  var plain: String { bits.count == 128 && bits.hasPrefix(Self.mappedPrefix) ? String(bits.dropFirst(96)) : bits }
}

/// What an administrator may enter: an address, mostly with host bits set, and a length; nil = the address alone.
private struct WrittenRange {
  var address: WrittenAddress
  var length: Int?

  var text: String { length.map { "\(address.text)/\($0)" } ?? address.text }

  /// By comparing characters of `0` and `1`.
  func holds(_ candidate: WrittenAddress) -> Bool {
    var (bits, length) = (address.bits, length ?? address.bits.count)
    if bits.count == 128, bits.hasPrefix(WrittenAddress.mappedPrefix), length >= 96 {
      bits = String(bits.dropFirst(96))
      length -= 96
    }
    return candidate.plain.count == bits.count && candidate.plain.hasPrefix(bits.prefix(length))
  }
}

/// Draws lists in which entries overlap, repeat and touch, and candidates near their edges.
private struct Portal {
  var entropy: Entropy

  mutating func number(_ range: Range<Int>) -> Int { range.lowerBound + Int(entropy.next() % UInt64(range.count)) }

  mutating func address() -> WrittenAddress {
    // Few networks, so that entries meet.
    let v4: [UInt8] = [[192, 10, 203][number(0..<3)], [0, 128][number(0..<2)], UInt8(number(0..<4)), UInt8(number(0..<256))]
    switch number(0..<4) {
    case 0, 1: return WrittenAddress(v4: v4)
    case 2: return WrittenAddress(mapped: v4)
    default:
      var octets: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 12)
      for index in [4, 7, 8, 9, 15] { octets[index] = [0, 1, 0x7f, 0x80, 0xff][number(0..<5)] }
      return WrittenAddress(v6: octets)
    }
  }

  mutating func list() -> [WrittenRange] {
    var list: [WrittenRange] = []
    for _ in 0..<number(0..<6) {
      if let known = list.first, number(0..<4) == 0 {
        // The same again, or the same with another length.
        list.append(WrittenRange(address: known.address, length: number(0..<2) == 0 ? known.length : number(0..<33)))
        continue
      }
      let address = address()
      let width = address.bits.count
      // Lengths at the edges of words and families come often.
      let edges = width == 32 ? [0, 1, 8, 24, 31, 32] : [0, 1, 63, 64, 65, 95, 96, 97, 120, 127, 128]
      let length = number(0..<2) == 0 ? edges[number(0..<edges.count)] : number(0..<width + 1)
      list.append(WrittenRange(address: address, length: number(0..<6) == 0 ? nil : length))
    }
    return list
  }

  /// Anybody, or who differs from an entry in one bit, where a range that is off by one shows.
  mutating func candidate(near list: [WrittenRange]) -> WrittenAddress {
    guard !list.isEmpty, number(0..<4) > 0 else { return address() }
    let address = list[number(0..<list.count)].address
    var octets = Self.octets(address.bits)
    let bit = number(0..<octets.count * 8)
    if number(0..<5) > 0 { octets[bit / 8] ^= 0x80 >> UInt8(bit % 8) }
    if octets.count == 4 { return number(0..<2) == 0 ? WrittenAddress(v4: octets) : WrittenAddress(mapped: octets) }
    return WrittenAddress(v6: octets)
  }

  private static func octets(_ bits: String) -> [UInt8] {
    let digits = Array(bits)
    return stride(from: 0, to: digits.count, by: 8).map { UInt8(String(digits[$0..<$0 + 8]), radix: 2) ?? 0 }
  }
}

@Suite struct AllowlistPropertyTests {
  @Test(arguments: 0..<8)
  func `an allowlist admits whom its CIDR ranges hold bit by bit, IPv4, IPv6 and mapped alike (RFC 4632 §3.1, RFC 4291 §2.3)`(seed: Int)
    throws
  {
    var portal = Portal(entropy: Entropy(seed: UInt64(seed)))
    var (admitted, refused) = (0, 0)
    for _ in 0..<250 {
      let list = portal.list()
      var policy = Policy.standard
      policy.allow = try list.map { try #require(AddressRange($0.text), "\($0.text)") }
      for _ in 0..<8 {
        let candidate = portal.candidate(near: list)
        let isExpected = list.isEmpty || list.contains { $0.holds(candidate) }
        let address = try #require(IPAddress(candidate.text))
        if policy.allows(address) != isExpected {
          Issue.record("\(candidate.text) is \(isExpected ? "" : "not ")on [\(list.map(\.text).joined(separator: ", "))]")
        }
        if isExpected { admitted += 1 } else { refused += 1 }
      }
    }
    // Lists that admit everybody, or nobody, would prove nothing.
    #expect(min(admitted, refused) > 300, "\(admitted) admitted, \(refused) refused")
  }

  @Test(arguments: 0..<4)
  func `what a list holds depends neither on the order of its entries nor on entries that are there twice`(seed: Int) throws {
    var portal = Portal(entropy: Entropy(seed: 100 + UInt64(seed)))
    for _ in 0..<100 {
      let list = portal.list()
      let ranges = try list.map { try #require(AddressRange($0.text)) }
      var (one, other) = (Policy.standard, Policy.standard)
      (one.allow, other.allow) = (ranges, ranges.reversed() + ranges)
      for _ in 0..<8 {
        let address = try #require(IPAddress(portal.candidate(near: list).text))
        #expect(one.allows(address) == other.allows(address))
      }
    }
  }

  @Test(arguments: 0..<4)
  func `host bits do not count: a range is the same by any of its addresses (RFC 4632 §3.1)`(seed: Int) throws {
    var portal = Portal(entropy: Entropy(seed: 200 + UInt64(seed)))
    for _ in 0..<200 {
      guard let written = portal.list().first, let range = AddressRange(written.text) else { continue }
      let other = portal.candidate(near: [written])
      guard written.holds(other), other.bits.count == written.address.bits.count else { continue }
      let same = try #require(AddressRange(WrittenRange(address: other, length: written.length ?? written.address.bits.count).text))
      for _ in 0..<8 {
        let address = try #require(IPAddress(portal.candidate(near: [written]).text))
        #expect(range.contains(address) == same.contains(address), "\(range) and \(same) differ about \(address)")
      }
    }
  }
}
