import SansIO
import Testing

@testable import SIPMessage

/// The header lines of a message read byte by byte, as RFC 3261 §7.3.1 says: a reading that is slow and plain.
private struct SlowReading {
  struct Line: Equatable {
    var name: String
    var value: Range<Int>
    var isFolded: Bool
  }

  private(set) var lines: [Line] = []
  private(set) var bodyStart = 0
  private let bytes: [UInt8]

  /// nil where a line is not a header field, or no empty line ends the header.
  init?(_ bytes: [UInt8], from start: Int) {
    self.bytes = bytes
    var position = start
    while position < bytes.count {
      if bytes[position] == 10 || (bytes[position] == 13 && position + 1 < bytes.count && bytes[position + 1] == 10) {
        bodyStart = position + (bytes[position] == 10 ? 1 : 2)
        return
      }
      guard let next = take(position) else { return nil }
      position = next
    }
    return nil
  }

  private mutating func take(_ start: Int) -> Int? {
    var position = start
    while position < bytes.count, "-.!%*_+`'~".utf8.contains(bytes[position]) || isAlphanumeric(bytes[position]) { position += 1 }
    let name = String(decoding: bytes[start..<position], as: UTF8.self)
    while position < bytes.count, bytes[position] == 32 || bytes[position] == 9 { position += 1 }
    guard !name.isEmpty, position < bytes.count, bytes[position] == UInt8(ascii: ":") else { return nil }
    let value = position + 1
    position = value
    var isFolded = false
    while true {
      while position < bytes.count, bytes[position] != 10 { position += 1 }
      guard position < bytes.count else { return nil }
      position += 1
      guard position < bytes.count, bytes[position] == 32 || bytes[position] == 9 else { break }
      isFolded = true
    }
    let end = bytes[position - 2] == 13 ? position - 2 : position - 1
    lines.append(Line(name: name, value: trimmed(value, end), isFolded: isFolded))
    return position
  }

  private func isAlphanumeric(_ byte: UInt8) -> Bool { byte < 128 && (Unicode.Scalar(byte).properties.isAlphabetic || byte &- 48 < 10) }

  private func trimmed(_ lower: Int, _ upper: Int) -> Range<Int> {
    let whites: [UInt8] = [9, 10, 13, 32]
    let first = (lower..<upper).first { !whites.contains(bytes[$0]) } ?? upper
    return first..<((first..<upper).last { !whites.contains(bytes[$0]) } ?? first - 1) + 1
  }
}

@Suite struct LineAgreementTests {
  private static let names: [String: KnownHeader] = Dictionary(
    uniqueKeysWithValues: KnownHeader.allCases.filter { $0 != .other }.map { ($0.text.lowercased(), $0) })

  /// - Returns: whether the message was read.
  private func check(_ bytes: Bytes) -> Bool {
    let array = bytes.array
    let first = array.firstIndex { $0 != 13 && $0 != 10 } ?? 0
    let start = (array[first...].firstIndex(of: 10) ?? array.count - 1) + 1
    let slow = SlowReading(array, from: start)
    do throws(SIPParseError) {
      let message = try SIPMessage.parse(bytes)
      let lines = message.slots.map {
        SlowReading.Line(name: message.text($0.name), value: $0.value.range, isFolded: $0.isFolded)
      }
      #expect(lines == slow?.lines && message.bodyRange.range.lowerBound == slow?.bodyStart, "\(bytes)")
      for slot in message.slots where slot.name.count > 1 {
        #expect(slot.known == Self.names[message.text(slot.name).lowercased()] ?? .other)
      }
      return true
    } catch {
      switch error {
      case .fieldWithoutColon, .fieldName, .noEndOfHeader: #expect(slow == nil, "\(error) in \(bytes)")
      default: break
      }
      return false
    }
  }

  @Test(arguments: TortureCase.all)
  func `the lines of a torture message are those that are read byte by byte, whole, cut anywhere and with each byte broken`(
    item: TortureCase
  ) {
    var random = SeededGenerator(seed: UInt64(item.message.count)).fork(item.path)
    var readable = check(item.message) ? 1 : 0
    let step = item.message.count > 2_000 ? 23 : 1
    for index in stride(from: 0, to: item.message.count, by: step) {
      _ = check(item.message[0..<index])
      for message in RobustnessTests.mutations(of: item.message, at: index, &random) where check(message) { readable += 1 }
    }
    if (try? SIPMessage.parse(item.message)) != nil { #expect(readable > 1) }
  }
}
