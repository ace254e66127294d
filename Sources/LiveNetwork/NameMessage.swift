import SansIO

/// The answer section of a DNS message (RFC 1035 §4.1): the SRV and NAPTR records in it. A message that breaks the format has none of what
/// comes behind the break.
struct NameMessage {
  /// In the order of the message.
  private(set) var records: [NameRecord] = []

  private static let srv: UInt16 = 33
  private static let naptr: UInt16 = 35
  /// A name may have so many octets (RFC 1035 §3.1).
  private static let longestName = 255

  init(_ bytes: [UInt8]) {
    var reader = Reader(bytes)
    guard reader.skip(4), let questions = reader.word(), let answers = reader.word(), reader.skip(4) else { return }
    for _ in 0..<questions { guard reader.name() != nil, reader.skip(4) else { return } }
    for _ in 0..<answers {
      guard reader.name() != nil, let type = reader.word(), reader.skip(2), let high = reader.word(), let low = reader.word(),
        let length = reader.word(), let end = reader.end(of: Int(length))
      else { return }
      let timeToLive = UInt32(high) << 16 | UInt32(low)
      if let value = Self.value(type, &reader) { records.append(NameRecord(value, timeToLive: timeToLive)) }
      reader.offset = end
    }
  }

  private static func value(_ type: UInt16, _ reader: inout Reader) -> NameRecord.Value? {
    switch type {
    case srv:
      guard let priority = reader.word(), let weight = reader.word(), let port = reader.word(), let target = reader.name() else {
        return nil
      }
      return .srv(priority: priority, weight: weight, port: port, target: target.isEmpty ? "." : target)
    case naptr:
      guard let order = reader.word(), let preference = reader.word(), let flags = reader.text(), let service = reader.text(),
        reader.text() != nil, let replacement = reader.name()
      else { return nil }
      return .naptr(order: order, preference: preference, flags: flags, service: service, replacement: replacement)
    default: return nil
    }
  }

  /// Reads what a message holds; nil at its end.
  private struct Reader {
    let bytes: [UInt8]
    var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func skip(_ count: Int) -> Bool {
      offset += count
      return offset <= bytes.count
    }

    mutating func word() -> UInt16? {
      guard offset + 2 <= bytes.count else { return nil }
      defer { offset += 2 }
      return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    func end(of count: Int) -> Int? { offset + count <= bytes.count ? offset + count : nil }

    /// A character string: a length and so many octets (RFC 1035 §3.3).
    mutating func text() -> String? {
      guard offset < bytes.count, let end = Reader.end(offset + 1, Int(bytes[offset]), bytes.count) else { return nil }
      defer { offset = end }
      return String(decoding: bytes[(offset + 1)..<end], as: UTF8.self)
    }

    private static func end(_ start: Int, _ count: Int, _ limit: Int) -> Int? { start + count <= limit ? start + count : nil }

    /// A name with its labels joined by dots. Pointers lead back alone, so that none is followed for ever (RFC 1035 §4.1.4).
    mutating func name() -> String? {
      var labels: [String] = []
      var (place, length) = (offset, 0)
      var next: Int?
      while place < bytes.count {
        let count = Int(bytes[place])
        if count >= 0xC0 {
          guard place + 1 < bytes.count else { return nil }
          let target = (count & 0x3F) << 8 | Int(bytes[place + 1])
          guard target < place else { return nil }
          next = next ?? place + 2
          place = target
          continue
        }
        guard count < 0x40, place + 1 + count <= bytes.count else { return nil }
        if count == 0 {
          offset = next ?? place + 1
          return labels.joined(separator: ".")
        }
        length += count + 1
        guard length <= NameMessage.longestName else { return nil }
        labels.append(String(decoding: bytes[(place + 1)..<(place + 1 + count)], as: UTF8.self))
        place += 1 + count
      }
      return nil
    }
  }
}
