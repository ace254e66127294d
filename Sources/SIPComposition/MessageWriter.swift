import SIPMessage
import SansIO

/// How a product writes any message: its order of header fields and the spaces behind `Content-Length:`.
public struct Spelling: Sendable {
  private let orders: HeaderOrders
  /// With a body and without.
  private let contentLengthSpaces: [Int]

  public static let plain = Spelling(.plain)

  public init(_ style: MessageStyle) {
    orders = HeaderOrders(style.orders)
    contentLengthSpaces = style.contentLengthSpaces
  }

  /// Writes one message: start line and header fields, then Content-Length, which is always there (RFC 3261 §20.14), and the body; its
  /// fields in the product's order.
  ///
  /// - Parameter capacity: about how many bytes `write` will write.
  @inline(__always)
  func message(_ kind: HeaderOrder.Kind, body: Bytes, capacity: Int, _ write: (inout MessageWriter) -> Void) -> Bytes {
    let bytes = Bytes(capacity: capacity + 32 + body.count) { output in
      var writer = MessageWriter(output)
      write(&writer)
      end(&writer, body)
      output = writer.output
    }
    return orders.order(kind)?.sorted(bytes) ?? bytes
  }

  private func end(_ writer: inout MessageWriter, _ body: Bytes) {
    if !writer.hasContentLength {
      writer.append("Content-Length:" as StaticString)
      for _ in 0..<((body.isEmpty ? contentLengthSpaces.last : contentLengthSpaces.first) ?? 1) { writer.append(32) }
      writer.append(decimal: UInt64(body.count))
      writer.append("\r\n" as StaticString)
    }
    writer.append("\r\n" as StaticString)
    writer.append(body)
  }
}

/// Writes one message into one buffer: start line and header fields (RFC 3261 §7).
struct MessageWriter: LineSink {
  fileprivate(set) var output: ByteWriter
  var hasContentLength = false

  fileprivate init(_ output: ByteWriter) { self.output = output }

  var count: Int { output.count }

  @inline(__always)
  mutating func append(_ byte: UInt8) { output.append(byte) }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) { output.append(bytes) }

  mutating func withUnsafeMutableBytes(from start: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    output.withUnsafeMutableBytes(from: start, body)
  }

  mutating func requestLine(_ method: SIPMethod, _ uri: Bytes) {
    append(method.token)
    append(32)
    append(uri)
    append(" SIP/2.0\r\n" as StaticString)
  }

  /// - Parameter reason: nil = the phrase of RFC 3261 §21.
  mutating func statusLine(_ status: Int, _ reason: String?) {
    append("SIP/2.0 " as StaticString)
    append(decimal: UInt64(status))
    append(32)
    if let reason { append(ReasonPhrase.legal(reason)) } else { append(SIPStatus.spelling(status)) }
    append("\r\n" as StaticString)
  }
}
