import SansIO

/// The records of a DTLS datagram (RFC 6347 §4.1, RFC 9147 §4).
struct DTLSRecords {
  struct Record {
    var type: UInt8
    var epoch: UInt16
    var payload: Bytes
  }

  static let headerSize = 13
  static let (changeCipherSpec, handshake) = (UInt8(20), UInt8(22))

  /// The whole records at the datagram's beginning.
  static func read(_ datagram: Bytes) -> [Record] {
    var records: [Record] = []
    var position = 0
    while position + headerSize <= datagram.count, begins(datagram, position) {
      let end = position + headerSize + (Int(datagram[position + 11]) << 8 | Int(datagram[position + 12]))
      guard end <= datagram.count else { break }
      let epoch = UInt16(datagram[position + 3]) << 8 | UInt16(datagram[position + 4])
      records.append(Record(type: datagram[position], epoch: epoch, payload: datagram[position + headerSize..<end]))
      position = end
    }
    return records
  }

  /// A content type of TLS, and DTLS 1.0 or 1.2, whose version 1.3 repeats (RFC 9147 §5.3).
  static func begins(_ datagram: Bytes, _ position: Int = 0) -> Bool {
    position + headerSize <= datagram.count && (20...25).contains(datagram[position]) && datagram[position + 1] == 0xFE
      && (datagram[position + 2] == 0xFD || datagram[position + 2] == 0xFF)
  }
}

/// One hello or certificate of a direction, put together of its fragments (RFC 6347 §4.2.3).
struct DTLSFragments {
  private static let longest = 1 << 14
  static let certificate = UInt8(11)

  private var sequence: UInt16?
  private var bytes: [UInt8] = []
  private var ranges: [Range<Int>] = []

  /// The handshake messages that are whole with this record: hellos and certificates alone, others are passed over.
  mutating func take(_ payload: Bytes) -> [(type: UInt8, body: Bytes)] {
    var messages: [(type: UInt8, body: Bytes)] = []
    var position = 0
    func number(_ at: Int, _ count: Int) -> Int { (at..<at + count).reduce(0) { $0 << 8 | Int(payload[position + $1]) } }
    while position + 12 <= payload.count {
      let (type, length, sequence, offset, part) = (payload[position], number(1, 3), UInt16(number(4, 2)), number(6, 3), number(9, 3))
      let start = position + 12
      guard start + part <= payload.count, offset + part <= length else { break }
      position = start + part
      guard type == 1 || type == 2 || type == Self.certificate, length <= Self.longest else { continue }
      if let body = add(payload[start..<start + part], at: offset, of: length, sequence) { messages.append((type, body)) }
    }
    return messages
  }

  private mutating func add(_ part: Bytes, at offset: Int, of length: Int, _ number: UInt16) -> Bytes? {
    if offset == 0, part.count == length { return part.compacted() }
    if sequence != number || bytes.count != length { (sequence, bytes, ranges) = (number, [UInt8](repeating: 0, count: length), []) }
    guard ranges.count < 256 else { return nil }
    for index in 0..<part.count { bytes[offset + index] = part[index] }
    ranges.append(offset..<offset + part.count)
    var whole = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.lowerBound <= whole {
      whole = max(whole, range.upperBound)
    }
    guard whole == length else { return nil }
    defer { (sequence, bytes, ranges) = (nil, [], []) }
    return Bytes(bytes)
  }
}
