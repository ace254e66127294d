import SIPMessage
import SansIO

/// What a request says beside Via and what its product adds: the template of a dialog's requests, or one that may be sent again with
/// another CSeq number, credentials or place.
public struct RequestDraft: Sendable {
  public var method: SIPMethod
  public var uri: Bytes
  /// Route, From, To, Call-ID: what all requests of a dialog share (RFC 3261 §12.2.1.1).
  public var identity: HeaderLines
  /// The number of CSeq.
  public var sequence: UInt32
  /// What follows CSeq.
  public var fields = HeaderLines()
  public var body = Bytes()

  public init(_ method: SIPMethod, uri: Bytes, identity: HeaderLines, sequence: UInt32) {
    self.method = method
    self.uri = uri
    self.identity = identity
    self.sequence = sequence
  }

  public mutating func append(_ fields: [HeaderField]) {
    for field in fields { self.fields.append(field) }
  }

  /// A session description, or none.
  public mutating func setDescription(_ body: Bytes) {
    guard !body.isEmpty else { return }
    fields.append(.contentType, "application/sdp")
    self.body = body
  }

  /// Another server challenges by a nonce of its own: what answered the last one would only show it a digest, and use its count twice
  /// (RFC 7616 §3.4).
  public mutating func removeCredentials() { fields.removeAll { $0 == .authorization || $0 == .proxyAuthorization } }

  /// The fields that answer challenges.
  public var credentials: [HeaderField] {
    [HeaderName.authorization, .proxyAuthorization].compactMap { name in fields.first(name).map { HeaderField(name, $0) } }
  }
}

extension HeaderLines {
  /// From, To and Call-ID of a request (RFC 3261 §8.1.1).
  public static func identity(from: String, to: String, callID: String) -> HeaderLines {
    var lines = HeaderLines()
    lines.reserve(lines: 3, bytes: from.utf8.count + to.utf8.count + callID.utf8.count + 32)
    lines.append(.from, from)
    lines.append(.to, to)
    lines.append(.callID, callID)
    return lines
  }
}

extension Spelling {
  /// The ACK for a final response other than 2xx (RFC 3261 §17.1.1.3): Request-URI, topmost Via, From, Call-ID, CSeq number and Route of
  /// the INVITE, To of the response, and the credentials (§22.1).
  public func acknowledgement(of invite: Bytes, for response: SIPMessage) -> Bytes {
    derived(.ack, from: invite, to: response.value(.to), fields: [])
  }

  /// The CANCEL of an INVITE (RFC 3261 §9.1): the same, with its To and without credentials, since it cannot be challenged (§22.1).
  public func cancellation(of invite: Bytes, fields: [HeaderField] = []) -> Bytes {
    derived(.cancel, from: invite, to: nil, fields: fields)
  }

  private func derived(_ method: SIPMethod, from invite: Bytes, to: Bytes?, fields: [HeaderField]) -> Bytes {
    var lines = WrittenLines(invite)
    var writer = MessageWriter(request: method, uri: lines.requestURI)
    var hasVia = false
    while let line = lines.next() {
      switch line.known {
      case .via:
        if hasVia { continue }
        hasVia = true
      case .cseq:
        writer.lines.append(.cseq, "\(line.value.prefix { $0 != 32 }.text) \(method.token)")
        continue
      case .to:
        if let to {
          writer.lines.append(.to, to)
          continue
        }
      case .from, .callID, .maxForwards, .route, .userAgent: break
      case .authorization, .proxyAuthorization: if method != .ack { continue }
      default: continue
      }
      writer.lines.append(line.known, line: line.bytes, nameCount: line.nameCount, valueOffset: line.bytes.count - line.value.count)
    }
    for field in fields { writer.lines.append(field) }
    return writer.finish(body: Bytes(), self, .request(method))
  }
}

/// Goes through the header of a message that we wrote: each line ends with CRLF, and none is folded.
private struct WrittenLines {
  struct Line {
    var known: KnownHeader
    var bytes: Bytes
    var nameCount: Int
    var value: Bytes
  }

  let requestURI: Bytes
  private let bytes: Bytes
  private var position: Int

  init(_ bytes: Bytes) {
    self.bytes = bytes
    let end = bytes.firstIndex(of: 13) ?? bytes.count
    let start = (bytes.firstIndex(of: 32) ?? 0) + 1
    requestURI = bytes[min(start, end)..<max(min(start, end), end - 8)]
    position = min(end + 2, bytes.count)
  }

  mutating func next() -> Line? {
    let start = position
    guard let (nameCount, value, end) = bytes.withSpan({ Self.parts($0, start) }) else { return nil }
    position = min(end + 2, bytes.count)
    return Line(
      known: KnownHeader(bytes[start..<start + nameCount]), bytes: bytes[start..<end], nameCount: nameCount, value: bytes[value..<end])
  }

  /// The length of the name, and where the value and the line end; nil for the empty line.
  private static func parts(_ span: Span<UInt8>, _ start: Int) -> (nameCount: Int, value: Int, end: Int)? {
    var colon = start
    while colon < span.count, span[colon] != UInt8(ascii: ":"), span[colon] != 13 { colon += 1 }
    guard colon < span.count, span[colon] != 13 else { return nil }
    var nameCount = colon - start
    while nameCount > 0, span[start + nameCount - 1] == 32 { nameCount -= 1 }
    var value = colon + 1
    while value < span.count, span[value] == 32 { value += 1 }
    var end = value
    while end < span.count, span[end] != 13 { end += 1 }
    return end < span.count ? (nameCount, value, end) : nil
  }
}
