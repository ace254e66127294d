import SansIO

/// The pieces of a journal line, written in place.
extension ByteCursor {
  @inline(__always)
  mutating func tcp(_ segment: TCPSegment) {
    text(",\"flags\":\"")
    var isFirst = true
    for (flag, name) in Self.flagNames where segment.flags.contains(flag) {
      if !isFirst { byte(UInt8(ascii: ",")) }
      text(name)
      isFirst = false
    }
    text("\",\"seq\":")
    decimal(segment.sequence)
    text(",\"ack\":")
    decimal(segment.acknowledgement)
  }

  private static let flagNames: [(TCPSegment.Flags, StaticString)] = [
    (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.psh, "PSH"), (.ack, "ACK"),
  ]
}
