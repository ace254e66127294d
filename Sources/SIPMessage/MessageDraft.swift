import SansIO

/// A message that is being built: fields in order, as they will be written.
public struct MessageDraft: Hashable, Sendable {
  public enum StartLine: Hashable, Sendable {
    case request(SIPMethod, uri: String)
    case response(status: Int, reason: String)
  }

  public struct Field: Hashable, Sendable {
    public var name: HeaderName
    public var value: String { didSet { raw = nil } }
    /// Between name and value; personas differ here.
    public var separator = ": "
    /// The value where it is no UTF-8 and a String would lose bytes of it, such as a display name in ISO 8859-1.
    private(set) var raw: Bytes?

    public init(_ name: HeaderName, _ value: String) {
      self.name = name
      self.value = value
    }

    /// A peer's value, written again as it came.
    public init(_ name: HeaderName, bytes: Bytes) {
      self.name = name
      if let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) {
        value = text
      } else {
        value = bytes.text
        raw = bytes
      }
    }
  }

  public var startLine: StartLine
  public var fields: [Field] = []
  public var body = Bytes()

  public init(request method: SIPMethod, uri: String) {
    startLine = .request(method, uri: uri)
    fields.reserveCapacity(16)
  }

  public init(status: Int, reason: String? = nil) {
    startLine = .response(status: status, reason: reason ?? SIPStatus.phrase(status))
    fields.reserveCapacity(16)
  }

  public mutating func prepend(_ name: HeaderName, _ value: String) { fields.insert(Field(name, value), at: 0) }
  public mutating func append(_ name: HeaderName, _ value: String) { fields.append(Field(name, value)) }

  /// Replaces the first field of this name, or appends one.
  public mutating func set(_ name: HeaderName, _ value: String) {
    if let index = fields.firstIndex(where: { $0.name == name }) { fields[index].value = value } else { append(name, value) }
  }

  public func first(_ name: HeaderName) -> String? { fields.first { $0.name == name }?.value }

  /// The bytes to send. Content-Length is added when the fields have none; it is always there (RFC 3261 §20.14).
  public func serialized() -> Bytes {
    var size = 160 + body.count
    switch startLine {
    case .request(let method, let uri): size += method.token.utf8.count + uri.utf8.count
    // Three bytes each, should all have to be escaped.
    case .response(_, let reason): size += 3 * reason.utf8.count
    }
    for field in fields {
      size += field.name.text.utf8.count + field.separator.utf8.count + (field.raw?.count ?? field.value.utf8.count) + 2
    }
    return Bytes(
      [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        var writer = TextWriter(buffer)
        write(to: &writer)
        count = writer.count
      })
  }

  private func write(to writer: inout TextWriter) {
    switch startLine {
    case .request(let method, let uri):
      writer.append(method.token)
      writer.append(" ")
      writer.append(uri)
      writer.append(" SIP/2.0\r\n")
    case .response(let status, let reason):
      writer.append("SIP/2.0 ")
      writer.append(String(status))
      writer.append(" ")
      writer.append(ReasonPhrase.legal(reason))
      writer.append("\r\n")
    }
    var hasLength = false
    for field in fields {
      if field.name.known == .contentLength { hasLength = true }
      writer.append(field.name.text)
      writer.append(field.separator)
      if let raw = field.raw { writer.appendValue(raw) } else { writer.appendValue(field.value) }
      writer.append("\r\n")
    }
    if !hasLength {
      writer.append("Content-Length: ")
      writer.append(String(body.count))
      writer.append("\r\n")
    }
    writer.append("\r\n")
    writer.append(body)
  }
}

/// Writes text into memory whose size was counted before.
private struct TextWriter {
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private(set) var count = 0

  init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

  @inline(__always)
  mutating func append(_ text: String) {
    let length = text.utf8.count
    let rest = UnsafeMutableBufferPointer(rebasing: buffer[count..<count + length])
    let copied: Void? = text.utf8.withContiguousStorageIfAvailable {
      UnsafeMutableRawBufferPointer(rest).copyMemory(from: UnsafeRawBufferPointer($0))
    }
    if copied == nil { for (index, byte) in text.utf8.enumerated() { rest[index] = byte } }
    count += length
  }

  /// A line end inside a value would let a peer's text become a header of ours.
  mutating func appendValue(_ value: String) {
    let start = count
    append(value)
    removeLineEnds(from: start)
  }

  mutating func appendValue(_ value: Bytes) {
    let start = count
    append(value)
    removeLineEnds(from: start)
  }

  private func removeLineEnds(from start: Int) {
    for index in start..<count where buffer[index] == .carriageReturn || buffer[index] == .lineFeed { buffer[index] = .space }
  }

  mutating func append(_ bytes: Bytes) {
    bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]).copyMemory(from: $0) }
    count += bytes.count
  }
}

extension MessageDraft {
  /// A response with what every response copies: Via, From, To, Call-ID, CSeq (RFC 3261 §8.2.6.2), the topmost Via marked with where the
  /// request really came from (§18.2.1, RFC 3581 §4).
  ///
  /// - Parameters:
  ///   - reason: nil = the phrase of RFC 3261 §21.
  ///   - toTag: added to To where it has no tag.
  public static func response(
    to request: SIPMessage, status: Int, reason: String? = nil, toTag: String? = nil, receivedFrom source: TransportAddress
  ) -> MessageDraft {
    var draft = MessageDraft(status: status, reason: reason)
    for (index, via) in request.all(.via).enumerated() {
      draft.fields.append(Field(.via, bytes: index == 0 ? ReceivedVia.marked(via, receivedFrom: source) : via))
    }
    if let from = request.first(.from) { draft.fields.append(Field(.from, bytes: from)) }
    if let to = request.first(.to) {
      let hasTag = request.toTag != nil
      if let toTag, !hasTag {
        draft.fields.append(Field(.to, bytes: Bytes(to.array + Array(";tag=\(toTag)".utf8))))
      } else {
        draft.fields.append(Field(.to, bytes: to))
      }
    }
    if let callID = request.first(.callID) { draft.fields.append(Field(.callID, bytes: callID)) }
    if let cseq = request.first(.cseq) { draft.append(.cseq, cseq.text) }
    if status == 100, let timestamp = request.first(.timestamp) { draft.append(.timestamp, timestamp.text) }
    return draft
  }
}

/// Writes `received` and `rport` into a Via and leaves the rest of its text alone.
enum ReceivedVia {
  static func marked(_ value: Bytes, receivedFrom remote: TransportAddress) -> Bytes {
    let end = value.withSpan { Grammar.elementEnd($0, 0, $0.count) }
    guard let via = try? Via.parse(value[0..<end]) else { return value }
    let source = remote.address.unmapped
    var text = Array(value[0..<end])
    if via.hasResponsePort, via.parameters["rport"] == nil, let place = responsePortEnd(text) {
      text.insert(contentsOf: "=\(remote.port)".utf8, at: place)
    }
    // RFC 3581 §4 wants `received` whenever rport is there; RFC 3261 §18.2.1 when the sent-by differs.
    if via.received == nil, via.hasResponsePort || via.host.address?.unmapped != source { text += ";received=\(source)".utf8 }
    if end < value.count { text += value[end..<value.count] }
    return Bytes(text)
  }

  /// The offset behind the name of a parameter `rport` without value.
  private static func responsePortEnd(_ text: [UInt8]) -> Int? {
    let name = Array("rport".utf8)
    var index = 0
    while index < text.count {
      defer { index += 1 }
      guard text[index] == .semicolon else { continue }
      var start = index + 1
      while start < text.count, Grammar.isWhite(text[start]) { start += 1 }
      guard start + 5 <= text.count, (0..<5).allSatisfy({ lowercase(text[start + $0]) == name[$0] }) else { continue }
      if start + 5 == text.count || !Grammar.isToken(text[start + 5]) { return start + 5 }
    }
    return nil
  }
}

/// Default reason phrases (RFC 3261 §21 and the RFCs that added codes).
public enum SIPStatus {
  public static func phrase(_ status: Int) -> String { phrases[status] ?? "Unknown" }

  private static let phrases: [Int: String] = [
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 200: "OK", 202: "Accepted",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 412: "Conditional Request Failed",
    413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
    420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small", 423: "Interval Too Brief",
    428: "Use Identity Header",
    430: "Flow Failed", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
    484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 493: "Undecipherable", 500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 600: "Busy Everywhere",
    603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
  ]
}
