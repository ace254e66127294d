import SIPMessage
import SansIO

/// What a response says beside what it copies (RFC 3261 §8.2.6).
public struct ResponseDraft: Sendable {
  public var status: Int
  /// nil = the phrase of RFC 3261 §21.
  public var reason: String?
  /// Added to To where it has none.
  public var toTag: String?
  public var fields: [HeaderField]
  /// A session description; empty = none.
  public var description: Bytes
  public var kind: HeaderOrder.Kind
  /// The user that an INVITE or OPTIONS called.
  public var calledUser: String?
  /// Contact has to be a sips URI (RFC 3261 §12.1.1).
  public var isContactSecure = false

  public init(
    _ status: Int, reason: String? = nil, toTag: String? = nil, fields: [HeaderField] = [], description: Bytes = Bytes(),
    kind: HeaderOrder.Kind = .responses
  ) {
    self.status = status
    self.reason = reason
    self.toTag = toTag
    self.fields = fields
    self.description = description
    self.kind = kind
  }
}

/// What a product does to the Vias that it does not copy as they came.
struct ViaSpelling {
  var isRewritten: Bool
  /// The topmost one gets where its request came from.
  var addsSource: Bool

  init(_ style: MessageStyle) { (isRewritten, addsSource) = (style.rewritesVia, style.answersToSourcePort) }
}

extension MessageWriter {
  /// What every response copies: Via, From, To, Call-ID, CSeq (RFC 3261 §8.2.6.2), the topmost Via marked with where the request really
  /// came from (§18.2.1, RFC 3581 §4).
  mutating func beginResponse(_ draft: ResponseDraft, to request: SIPMessage, from source: TransportAddress, vias: ViaSpelling?) {
    statusLine(draft.status, draft.reason)
    copyVias(of: request, from: source, vias)
    copy(.from, of: request)
    if let to = request.value(.to) {
      let tag = request.hasToTag ? nil : draft.toTag
      line(.to) { if let tag { $0.append(to, tag: tag) } else { $0.append(to) } }
    }
    copy(.callID, of: request)
    copy(.cseq, of: request)
    if draft.status == 100 { copy(.timestamp, of: request) }
  }

  @inline(__always)
  private mutating func copy(_ known: KnownHeader, of request: SIPMessage) {
    if let value = request.value(known) { line(known) { $0.append(value) } }
  }

  private mutating func copyVias(of request: SIPMessage, from source: TransportAddress, _ spelling: ViaSpelling?) {
    var isFirst = true
    request.forEachValue(.via) { value in
      line(.via) { writer in
        if let spelling, spelling.isRewritten || (isFirst && spelling.addsSource) {
          return writer.append(Self.respelled(value, of: request, isFirst, source, spelling))
        }
        if isFirst { ReceivedVia.append(value, of: request, from: source, to: &writer) } else { writer.append(value) }
      }
      isFirst = false
    }
  }

  /// The Via of products that do not copy it as it came.
  private static func respelled(
    _ value: Bytes, of request: SIPMessage, _ isFirst: Bool, _ source: TransportAddress, _ spelling: ViaSpelling
  ) -> String {
    var bytes = value.array
    if isFirst {
      bytes = []
      ReceivedVia.append(value, of: request, from: source, to: &bytes)
    }
    var text = String(decoding: bytes, as: UTF8.self)
    if isFirst, spelling.addsSource { text = ResponseVia.addingSource(source, to: text) }
    return spelling.isRewritten ? ResponseVia.rewritten(text) : text
  }
}

extension Spelling {
  /// A response of the stack's own, without anything of the product: 100 and what answers a request that nobody could read.
  public func response(_ draft: ResponseDraft, to request: SIPMessage, from source: TransportAddress) -> Bytes {
    message(draft.kind, body: draft.description, capacity: 640) { writer in
      writer.beginResponse(draft, to: request, from: source, vias: nil)
      for field in draft.fields { writer.line(field.name, field.value) }
    }
  }
}
