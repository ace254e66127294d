import SIPMessage
import SansIO

/// Writes the Via of a response: the request's, with where it really came from (RFC 3261 §18.2.1, RFC 3581 §4); the rest of its text
/// stays.
enum ReceivedVia {
  /// What the topmost hop already says.
  private struct Reading {
    /// The end of the hop: a comma, or the end of the value.
    var end = 0
    /// The offset behind the name of an `rport` without value.
    var responsePortEnd: Int?
    var hasResponsePort = false
    var hasReceived = false
  }

  /// Appends a value whose topmost hop is the one that the request came from.
  static func append(_ value: Bytes, of request: SIPMessage, from source: TransportAddress, to sink: inout some ByteSink) {
    let reading = value.withSpan(read)
    if let place = reading.responsePortEnd {
      sink.append(value[0..<place])
      sink.append(UInt8(ascii: "="))
      sink.append(decimal: UInt64(source.port))
      sink.append(value[place..<reading.end])
    } else {
      sink.append(value[0..<reading.end])
    }
    // RFC 3581 §4 wants `received` whenever rport is there; RFC 3261 §18.2.1 when the sent-by differs.
    if !reading.hasReceived, reading.hasResponsePort || request.sentByAddress?.unmapped != source.address.unmapped {
      sink.append(";received=" as StaticString)
      sink.append(source.address.unmapped)
    }
    if reading.end < value.count { sink.append(value[reading.end..<value.count]) }
  }

  private static func read(_ span: Span<UInt8>) -> Reading {
    var reading = Reading()
    var position = 0
    while true {
      position = WordScan.first(UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ";"), span, position, span.count)
      guard position < span.count else { break }
      switch span[position] {
      case UInt8(ascii: "\""): position = quotedEnd(span, position)
      case UInt8(ascii: ","):
        reading.end = position
        return reading
      default: position = readParameter(span, position + 1, into: &reading)
      }
    }
    reading.end = span.count
    return reading
  }

  private static func readParameter(_ span: Span<UInt8>, _ start: Int, into reading: inout Reading) -> Int {
    var position = start
    while position < span.count, isWhite(span[position]) { position += 1 }
    let name = position
    position = WordScan.run(span, position, span.count) { isNameByte($0) }
    let end = position
    while position < span.count, isWhite(span[position]) { position += 1 }
    let hasValue = position < span.count && span[position] == UInt8(ascii: "=")
    if isSame(span, name..<end, "rport") {
      reading.hasResponsePort = true
      if !hasValue, reading.responsePortEnd == nil { reading.responsePortEnd = end }
    } else if isSame(span, name..<end, "received"), hasValue {
      reading.hasReceived = true
    }
    return end
  }

  private static func quotedEnd(_ span: Span<UInt8>, _ start: Int) -> Int {
    var position = start + 1
    while position < span.count, span[position] != UInt8(ascii: "\"") { position += span[position] == UInt8(ascii: "\\") ? 2 : 1 }
    return min(position + 1, span.count)
  }

  private static func isSame(_ span: Span<UInt8>, _ range: Range<Int>, _ name: StaticString) -> Bool {
    guard range.count == name.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where span[range.lowerBound + index] | 0x20 != name.utf8Start[index] { return false }
    return true
  }

  private static func isWhite(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 || byte == 10 }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte > 32 && byte != UInt8(ascii: ";") && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "\"")
  }
}
