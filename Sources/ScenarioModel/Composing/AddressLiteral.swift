import SansIO

/// An IPv4 address or range as a scenario writes it, wherever it does: in the cast, in the policy, in the text of a message.
///
/// Addresses that mean the same everywhere are left out: 0/8, loopback, multicast and above.
public struct AddressLiteral: Hashable, Sendable, Comparable {
  public var address: IPAddress
  /// 32 for an address.
  public var prefixLength: Int

  public init(_ address: IPAddress, prefixLength: Int = 32) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Whether the range holds the address.
  public func contains(_ other: IPAddress) -> Bool {
    !other.isIPv6 && (prefixLength == 0 || (address.low ^ other.low) >> UInt64(32 - prefixLength) == 0)
  }

  public static func < (left: AddressLiteral, right: AddressLiteral) -> Bool {
    (left.address.low, left.prefixLength) < (right.address.low, right.prefixLength)
  }
}

extension Scenario {
  /// Every IPv4 address and range that the scenario writes, in ascending order; none when it was not read from a text.
  public var addressLiterals: [AddressLiteral] {
    var found: Set<AddressLiteral> = []
    if let source {
      _ = AddressText.replaced(in: source) {
        found.insert($0); return $0
      }
    }
    return found.sorted()
  }

  /// The same scenario with other addresses, read again from its text: places of mistakes stay, names too.
  ///
  /// - Parameter place: where an address or a range is instead.
  public func relocated(_ place: (AddressLiteral) -> AddressLiteral) throws(SourceProblem) -> Scenario {
    guard let source else { return self }
    let notes = ReadingNotes()
    var forms: [(old: String, new: String)] = []
    for member in cast where !member.address.isIPv6 {
      forms.append((member.address.hexadecimalFromTheRight, place(AddressLiteral(member.address)).address.hexadecimalFromTheRight))
    }
    let moved = AddressText.replaced(in: source, place, forms)
    guard let scenario = Scenario.read(NodeReader(node: moved), file: file, name: name, notes: notes) else {
      throw notes.problems.first ?? SourceProblem(file: file, "it cannot be read with other addresses")
    }
    return scenario
  }
}

extension IPAddress {
  /// `140200c0` for 192.0.2.20: how CUCM writes its address into a Call-ID.
  fileprivate var hexadecimalFromTheRight: String {
    let digits = String(UInt32(truncatingIfNeeded: low).byteSwapped, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

/// Finds dotted quads in text.
enum AddressText {
  /// Keys at the top of a file that speak to people: `RFC 3261 §13.2.2.4` is no address.
  private static let prose: Set<String> = ["summary", "proves"]

  /// - Parameter forms: other forms of addresses, replaced as text.
  static func replaced(
    in root: SourceNode, _ place: (AddressLiteral) -> AddressLiteral, _ forms: [(old: String, new: String)] = []
  ) -> SourceNode {
    guard let entries = root.mapping else { return root }
    var root = root
    root.content = .mapping(
      entries.map { entry in
        guard !prose.contains(entry.key.scalar ?? "") else { return entry }
        return SourceNode.Entry(
          key: entry.key,
          value: mapped(entry.value) { text in
            forms.reduce(replaced(in: text, place)) { $0.replacing($1.old, with: $1.new) }
          })
      })
    return root
  }

  private static func mapped(_ node: SourceNode, _ change: (String) -> String) -> SourceNode {
    var node = node
    switch node.content {
    case .list(let nodes): node.content = .list(nodes.map { mapped($0, change) })
    case .mapping(let entries):
      node.content = .mapping(entries.map { SourceNode.Entry(key: $0.key, value: mapped($0.value, change)) })
    case .scalar(let text): node.content = .scalar(change(text))
    }
    return node
  }

  /// The text with each address or range replaced. An IPv4-mapped range (`::ffff:192.0.2.0/120`) counts its bits from 96.
  static func replaced(in text: String, _ place: (AddressLiteral) -> AddressLiteral) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      guard isDigit(bytes[index]), index == 0 || !joins(bytes[index - 1]), let found = quad(bytes, from: index) else {
        result.append(bytes[index])
        index += 1
        continue
      }
      let isMapped = String(decoding: bytes[..<index].suffix(7), as: UTF8.self).lowercased() == "::ffff:"
      let range = prefix(bytes, from: found.end)
      let extra = isMapped ? 96 : 0
      let length = range.map { $0.length - extra } ?? 32
      guard isOrdinary(found.address), (0...32).contains(length) else {
        result += bytes[index..<found.end]
        index = found.end
        continue
      }
      let moved = place(AddressLiteral(found.address, prefixLength: length))
      result += Array(moved.address.description.utf8)
      if range != nil { result += Array("/\(moved.prefixLength + extra)".utf8) }
      index = range?.end ?? found.end
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// What stands before a number that is a part of something longer: a letter, a digit, a dot, and the last byte of `§`.
  private static func joins(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == 0x2E || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0xA7
  }

  private static func quad(_ bytes: [UInt8], from start: Int) -> (address: IPAddress, end: Int)? {
    var (index, parts, value) = (start, 0, UInt32(0))
    while true {
      var (number, digits) = (UInt32(0), 0)
      while index < bytes.count, isDigit(bytes[index]), digits < 4 {
        number = number * 10 + UInt32(bytes[index] - 0x30)
        (index, digits) = (index + 1, digits + 1)
      }
      guard (1...3).contains(digits), number <= 255 else { return nil }
      (value, parts) = (value << 8 | number, parts + 1)
      if parts == 4 { break }
      guard index < bytes.count, bytes[index] == 0x2E else { return nil }
      index += 1
    }
    // A fifth part makes it something else, a dot alone ends a sentence.
    if index + 1 < bytes.count, bytes[index] == 0x2E, isDigit(bytes[index + 1]) { return nil }
    return (IPAddress(v4: value), index)
  }

  private static func prefix(_ bytes: [UInt8], from start: Int) -> (length: Int, end: Int)? {
    guard start < bytes.count, bytes[start] == 0x2F else { return nil }
    let digits = bytes[(start + 1)...].prefix(4).prefix(while: isDigit)
    guard let length = Int(String(decoding: digits, as: UTF8.self)), length <= 128 else { return nil }
    return (length, start + 1 + digits.count)
  }

  private static func isOrdinary(_ address: IPAddress) -> Bool {
    let first = address.low >> 24 & 0xFF
    return first != 0 && first != 127 && first < 224
  }
}
