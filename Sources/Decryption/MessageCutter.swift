import SansIO
import WireReader

/// Cuts one direction of a stream at the ends of its SIP messages (RFC 3261 §18.3), each without its keys. Every other byte comes out as
/// it came, in order.
struct MessageCutter {
  private static let (longestHeader, longestMessage) = (1 << 17, 1 << 20)

  private var buffer: [UInt8] = []
  /// So many bytes of it left before anybody knew that they are SIP.
  private var written = 0
  /// Line ends between messages are left out: they keep a connection alive (RFC 5626 §4.4.1), and on ports of TLS other readers take them
  /// for a record.
  var dropsLineEnds = false
  /// What comes cannot be cut: it is not SIP.
  private var isUncut = false

  /// Takes what left already, and may be the beginning of a message.
  mutating func note(_ bytes: Bytes) {
    buffer += bytes.array
    written += bytes.count
  }

  mutating func take(_ bytes: Bytes) -> [UInt8] {
    guard !isUncut else { return bytes.array }
    buffer += bytes.array
    var result: [UInt8] = []
    while let piece = next() { result += piece }
    return result
  }

  /// What waits for the end of its message.
  mutating func flush() -> [UInt8] {
    defer { (buffer, written) = ([], 0) }
    return rest(of: ClearMessage.edited(Bytes(buffer))?.array ?? buffer)
  }

  private mutating func next() -> [UInt8]? {
    guard !isUncut, !buffer.isEmpty else { return nil }
    let gap = buffer.prefix { $0 == 13 || $0 == 10 || $0 == 0 }.count
    guard gap == 0 else { return dropsLineEnds ? drop(gap) { _ in Bytes() } : drop(gap) }
    let bytes = Bytes(buffer)
    guard let body = ClearMessage.bodyStart(bytes) else {
      guard buffer.count > Self.longestHeader || buffer.count > 64 && SIPRecognition.findStart(bytes, from: 0) == nil else { return nil }
      isUncut = true
      return drop(buffer.count)
    }
    let total = body + (ClearMessage.declaredLength(bytes[0..<body]) ?? 0)
    guard total <= Self.longestMessage else {
      isUncut = true
      return drop(buffer.count)
    }
    guard buffer.count >= total else { return nil }
    return drop(total) { ClearMessage.edited($0) }
  }

  private mutating func drop(_ count: Int, _ edit: (Bytes) -> Bytes? = { _ in nil }) -> [UInt8] {
    let piece = Array(buffer[0..<count])
    buffer.removeFirst(count)
    defer { written = max(written - count, 0) }
    return rest(of: edit(Bytes(piece))?.array ?? piece)
  }

  private func rest(of piece: [UInt8]) -> [UInt8] { written == 0 ? piece : Array(piece.dropFirst(written)) }
}
