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
    fields.line(.contentType) { $0.append("application/sdp" as StaticString) }
    self.body = body
  }

  /// A body of another type.
  public mutating func setBody(_ body: Bytes, contentType: String) {
    fields.line(.contentType) { $0.append(contentType) }
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
    lines.reserve(bytes: from.utf8.count + to.utf8.count + callID.utf8.count + 32)
    lines.line(.from) { $0.append(from) }
    lines.line(.to) { $0.append(to) }
    lines.line(.callID) { $0.append(callID) }
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
    message(.request(method), body: Bytes(), capacity: invite.count) { writer in
      var lines = WrittenLines(message: invite)
      writer.requestLine(method, lines.requestURI)
      var hasVia = false
      while let line = lines.next() {
        switch line.known {
        case .via:
          if hasVia { continue }
          hasVia = true
        case .cseq:
          writer.line(.cseq) { writer in
            writer.append(invite[line.value].prefix { $0 != 32 })
            writer.append(32)
            writer.append(method.token)
          }
          continue
        case .to:
          if let to {
            writer.line(.to) { $0.append(to) }
            continue
          }
        case .from, .callID, .maxForwards, .route, .userAgent: break
        case .authorization, .proxyAuthorization: if method != .ack { continue }
        default: continue
        }
        writer.copy(line.known, invite[line.whole])
      }
      for field in fields { writer.line(field.name, field.value) }
    }
  }
}
