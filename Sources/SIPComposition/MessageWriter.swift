import SIPMessage
import SansIO

/// How a product writes any message: its order of header fields and the spaces behind `Content-Length:`.
public struct Spelling: Sendable {
  let orders: HeaderOrders
  /// With a body and without.
  let contentLengthSpaces: [Int]

  public static let plain = Spelling(.plain)

  public init(_ style: MessageStyle) {
    orders = HeaderOrders(style.orders)
    contentLengthSpaces = style.contentLengthSpaces
  }
}

/// Writes one message into one buffer: start line, header fields, body (RFC 3261 §7).
struct MessageWriter {
  var lines = HeaderLines()
  private let start: Int

  init(request method: SIPMethod, uri: Bytes) {
    lines.bytes.reserveCapacity(1_024)
    lines.bytes.append(contentsOf: method.token.utf8)
    lines.bytes.append(32)
    lines.append(uri)
    lines.bytes.append(contentsOf: " SIP/2.0\r\n".utf8)
    start = lines.bytes.count
    lines.marks.reserveCapacity(20)
  }

  /// - Parameter reason: nil = the phrase of RFC 3261 §21.
  init(status: Int, reason: String?) {
    lines.bytes.reserveCapacity(1_024)
    lines.bytes.append(contentsOf: "SIP/2.0 ".utf8)
    Self.append(status, to: &lines.bytes)
    lines.bytes.append(32)
    lines.bytes.append(contentsOf: (reason.map(ReasonPhrase.legal) ?? SIPStatus.phrase(status)).utf8)
    lines.bytes.append(contentsOf: "\r\n".utf8)
    start = lines.bytes.count
    lines.marks.reserveCapacity(20)
  }

  /// The message, with Content-Length, which is always there (RFC 3261 §20.14), and its fields in the product's order.
  mutating func finish(body: Bytes, _ spelling: Spelling, _ kind: HeaderOrder.Kind) -> Bytes {
    if !lines.marks.contains(where: { $0.known == .contentLength }) {
      let spaces = spelling.contentLengthSpaces
      let width = (body.isEmpty ? spaces.last : spaces.first) ?? 1
      let line = lines.begin(.contentLength, separator: width == 1 ? ": " : ":" + String(repeating: " ", count: width))
      Self.append(body.count, to: &lines.bytes)
      lines.end(line)
    }
    if let order = spelling.orders.order(kind) { sort(by: order) }
    lines.bytes.append(13)
    lines.bytes.append(10)
    lines.append(body)
    return Bytes(lines.bytes)
  }

  private mutating func sort(by order: HeaderOrders.Order) {
    var sorted = HeaderLines()
    sorted.bytes.reserveCapacity(lines.bytes.count + 512)
    sorted.bytes.append(contentsOf: lines.bytes[0..<start])
    for mark in order.sorted(lines) { sorted.copy(mark, of: lines.bytes) }
    lines = sorted
  }

  static func append(_ number: Int, to bytes: inout [UInt8]) {
    guard number >= 10 else { return bytes.append(UInt8(48 + number)) }
    append(number / 10, to: &bytes)
    bytes.append(UInt8(48 + number % 10))
  }
}
