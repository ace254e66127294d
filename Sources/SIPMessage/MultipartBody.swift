import SansIO

/// The parts of a multipart body (RFC 2046 §5.1; in SIP RFC 5621).
///
/// Read as peers write it: CRLF or bare LF, white space behind a boundary, and a missing last boundary do no harm.
public struct MultipartBody: Sendable {
  public struct Part: Sendable {
    /// The part's own header fields.
    public var fields: [SIPMessage.Field]
    public var body: Bytes

    /// `text/plain` where the part says nothing (RFC 2046 §5.2).
    public var contentType: String {
      let value = fields.first { $0.known == .contentType }?.value
      return value.flatMap { try? MediaType.parse($0, as: .contentType) }?.name ?? (value?.text ?? "text/plain")
    }

    /// Whether its writer insists that it is understood (`handling=required`, RFC 3261 §20.11).
    public var isRequired: Bool {
      let value = fields.first { $0.known == .contentDisposition }?.value
      let disposition = value.flatMap { try? ParameterizedValue.parse($0, as: .contentDisposition, expected: "") }
      return disposition?.parameters["handling"]?.lowercased() == "required"
    }
  }

  public var parts: [Part]

  /// More parts than this are not read.
  public static let maximumParts = 32

  /// - Parameter boundary: the parameter of Content-Type.
  public init(_ body: Bytes, boundary: String) {
    parts = []
    let delimiter = Array("--\(boundary)".utf8)
    var start: Int?
    var position = 0
    while position < body.count, parts.count < Self.maximumParts {
      let line = Self.line(body, position)
      if let isLast = Self.isDelimiter(body[position..<line.end], delimiter) {
        if let start { parts.append(Self.part(body[start..<max(start, Self.withoutLineEnd(body, position))])) }
        start = isLast ? nil : line.next
        if isLast { break }
      }
      position = line.next
    }
    if let start, parts.count < Self.maximumParts { parts.append(Self.part(body[start..<body.count])) }
  }

  private static func line(_ body: Bytes, _ start: Int) -> (end: Int, next: Int) {
    var end = start
    while end < body.count, body[end] != .lineFeed { end += 1 }
    let next = min(end + 1, body.count)
    return (end > start && body[end - 1] == .carriageReturn ? end - 1 : end, next)
  }

  /// nil for another line; whether it is the closing one.
  private static func isDelimiter(_ line: Bytes, _ delimiter: [UInt8]) -> Bool? {
    guard line.count >= delimiter.count, line[0..<delimiter.count].elementsEqual(delimiter) else { return nil }
    var rest = line[delimiter.count..<line.count]
    while let last = rest.last, Grammar.isWhite(last) { rest = rest[0..<rest.count - 1] }
    if rest.isEmpty { return false }
    return rest.elementsEqual("--".utf8) ? true : nil
  }

  /// The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
  private static func withoutLineEnd(_ body: Bytes, _ position: Int) -> Int {
    guard position > 0, body[position - 1] == .lineFeed else { return position }
    return position > 1 && body[position - 2] == .carriageReturn ? position - 2 : position - 1
  }

  private static func part(_ bytes: Bytes) -> Part {
    let (fields, bodyStart) = MessageParser.readFields(bytes)
    return Part(fields: fields, body: bytes[bodyStart..<bytes.count])
  }
}
