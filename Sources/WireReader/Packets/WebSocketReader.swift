import Capture
import SIPMessage
import SansIO

/// One direction of a WebSocket connection behind its handshake (RFC 6455 §5), and the SIP messages in it: one in each message of the
/// WebSocket, which ends it (RFC 7118 §5).
///
/// ```
///   frame ──(FIN)──► message ──► SIP
///     ▲                │
///     └─(continuation)─┘        a hole: up to the next bytes that begin like a frame with SIP
/// ```
struct WebSocketReader {
  private static let longest = 1 << 20

  private var buffer = Bytes()
  private var message: [UInt8] = []
  private var isCompressed = false
  private var inflater: Inflater?
  /// Nobody knows where a frame begins.
  private var isLost = false
  /// Of messages that are not SIP.
  private(set) var otherBytes = 0
  private(set) var hasSIP = false

  mutating func take(_ bytes: Bytes) -> [SIPReading] {
    if isLost {
      guard Self.beginsInTheMiddle(bytes) else { return [] }
      isLost = false
    }
    buffer = buffer.isEmpty ? bytes : Bytes(buffer.array + bytes.array)
    var readings: [SIPReading] = []
    while let frame = WebSocketFrame(buffer) {
      guard frame.end <= Self.longest, message.count <= Self.longest else {
        gap()
        break
      }
      guard frame.end <= buffer.count else { break }
      if let reading = take(frame) { readings.append(reading) }
      buffer = buffer[frame.end..<buffer.count]
    }
    buffer = buffer.compacted()
    return readings
  }

  mutating func gap() {
    (buffer, message, isLost) = (Bytes(), [], true)
    // What follows refers to what is missing (RFC 7692 §7.2.2).
    inflater = nil
  }

  private mutating func take(_ frame: WebSocketFrame) -> SIPReading? {
    switch frame.opcode {
    case 1, 2: (message, isCompressed) = (frame.payload(of: buffer), frame.isCompressed)
    case 0: message += frame.payload(of: buffer)
    // Close, ping and pong.
    default: return nil
    }
    guard frame.isFinal else { return nil }
    defer { message = [] }
    let reading = Self.read(isCompressed ? unpacked(message) : Bytes(message))
    if reading == nil { otherBytes += message.count } else { hasSIP = true }
    return reading
  }

  /// RFC 7692 §7.2.2: without the four octets at its end, and with what came before as its dictionary.
  private mutating func unpacked(_ packed: [UInt8]) -> Bytes {
    if inflater == nil { inflater = Inflater() }
    return inflater?.unpack(packed + [0, 0, 0xFF, 0xFF], most: Self.longest) ?? Bytes()
  }

  private static func read(_ bytes: Bytes) -> SIPReading? {
    guard SIPRecognition.isSIP(bytes) else { return nil }
    do { return .message(try SIPMessage.parse(bytes)) } catch {
      return .unreadable(error, firstLine: bytes.prefix { $0 != 13 && $0 != 10 }.prefix(80).text)
    }
  }
}

/// The header of a frame (RFC 6455 §5.2).
private struct WebSocketFrame {
  var opcode: UInt8
  var isFinal: Bool
  var isCompressed: Bool
  var mask: Bytes?
  var start: Int
  var end: Int

  /// Nil where the header is not whole yet.
  init?(_ bytes: Bytes) {
    guard bytes.count >= 2 else { return nil }
    (opcode, isFinal, isCompressed) = (bytes[0] & 15, bytes[0] & 0x80 != 0, bytes[0] & 0x40 != 0)
    var (length, position) = (Int(bytes[1] & 0x7F), 2)
    let further = length == 126 ? 2 : length == 127 ? 8 : 0
    guard bytes.count >= 2 + further else { return nil }
    if further > 0 {
      // Longer than anything that is read, whatever the number.
      length = (2..<2 + further).reduce(0) { min($0 << 8 | Int(bytes[$1]), 1 << 40) }
      position += further
    }
    if bytes[1] & 0x80 != 0 {
      guard bytes.count >= position + 4 else { return nil }
      mask = bytes[position..<position + 4]
      position += 4
    }
    (start, end) = (position, position + length)
  }

  /// - Parameter bytes: which have it to its end.
  func payload(of bytes: Bytes) -> [UInt8] {
    var payload = bytes[start..<end].array
    if let mask { for index in payload.indices { payload[index] ^= mask[index & 3] } }
    return payload
  }
}

// MARK: - Recognition

extension WebSocketReader {
  static func mayBeHandshake(_ bytes: Bytes) -> Bool { bytes.starts(with: "GET ".utf8) || bytes.starts(with: "HTTP/".utf8) }

  /// Behind the empty line.
  static func endOfHandshake(_ bytes: Bytes) -> Int? {
    bytes.withSpan { span in
      var position = 3
      while position < span.count {
        if span[position] == 10, span[position - 1] == 13, span[position - 2] == 10 { return position + 1 }
        position += 1
      }
      return nil
    }
  }

  /// A request to change to WebSocket, or the 101 that does it (RFC 6455 §4.1, §4.2.2).
  static func isHandshake(_ head: Bytes) -> Bool {
    head.text.lowercased().split(whereSeparator: \.isNewline).contains { $0.hasPrefix("upgrade:") && $0.contains("websocket") }
  }

  /// Whether a frame with SIP begins here, without a handshake before it.
  static func beginsInTheMiddle(_ bytes: Bytes) -> Bool {
    guard let frame = WebSocketFrame(bytes), frame.isFinal, !frame.isCompressed, frame.opcode == 1 || frame.opcode == 2,
      bytes.count > frame.start + 12
    else { return false }
    var begin = bytes[frame.start..<min(frame.end, bytes.count)].array
    if let mask = frame.mask { for index in begin.indices { begin[index] ^= mask[index & 3] } }
    return SIPRecognition.isSIP(Bytes(begin))
  }
}
