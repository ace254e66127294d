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
  /// A response with what every response copies: Via, From, To, Call-ID, CSeq (RFC 3261 §8.2.6.2), the topmost Via marked with where the
  /// request really came from (§18.2.1, RFC 3581 §4).
  init(_ draft: ResponseDraft, to request: SIPMessage, from source: TransportAddress, vias: ViaSpelling?) {
    self.init(status: draft.status, reason: draft.reason)
    copyVias(of: request, from: source, vias)
    if let from = request.value(.from) { lines.append(.from, from) }
    if let to = request.value(.to) {
      if let tag = draft.toTag, request.toTag == nil { lines.append(.to, to, tag: tag) } else { lines.append(.to, to) }
    }
    if let callID = request.value(.callID) { lines.append(.callID, callID) }
    if let cseq = request.value(.cseq) { lines.append(.cseq, cseq) }
    if draft.status == 100, let timestamp = request.value(.timestamp) { lines.append(.timestamp, timestamp) }
  }

  private mutating func copyVias(of request: SIPMessage, from source: TransportAddress, _ spelling: ViaSpelling?) {
    var isFirst = true
    request.forEachValue(.via) { value in
      let line = lines.begin(.via)
      if isFirst {
        ReceivedVia.append(
          value, from: source, isAtSource: { (try? request.via().host.address?.unmapped) == source.address.unmapped }, to: &lines)
      } else {
        lines.append(value)
      }
      if let spelling, spelling.isRewritten || (isFirst && spelling.addsSource) { respellVia(line, isFirst, source, spelling) }
      lines.end(line)
      isFirst = false
    }
  }

  /// Products that do not copy a Via as it came.
  private mutating func respellVia(_ line: HeaderLines.Opening, _ isFirst: Bool, _ source: TransportAddress, _ spelling: ViaSpelling) {
    var text = String(decoding: lines.bytes[line.value...], as: UTF8.self)
    if isFirst, spelling.addsSource { text = ResponseVia.addingSource(source, to: text) }
    if spelling.isRewritten { text = ResponseVia.rewritten(text) }
    lines.bytes.removeSubrange(line.value...)
    lines.bytes.append(contentsOf: text.utf8)
  }
}

extension Spelling {
  /// A response of the stack's own, without anything of the product: 100 and what answers a request that nobody could read.
  public func response(_ draft: ResponseDraft, to request: SIPMessage, from source: TransportAddress) -> Bytes {
    var writer = MessageWriter(draft, to: request, from: source, vias: nil)
    for field in draft.fields { writer.lines.append(field) }
    return writer.finish(body: draft.description, self, draft.kind)
  }
}
