import SIPMessage
import SansIO

/// Writes the messages of one user agent in its product's style (RFC 3261 §8.1.1, §8.2.6). It takes facts and gives bytes.
///
/// A product's constant lines are written once, in ``ProductLines``; what a dialog repeats is in its ``RequestDraft``; a response copies
/// what it has to from its request.
public struct Composer: Sendable {
  private let product: ProductLines
  public var mint: IdentifierMint
  private let epoch: Epoch

  public init(_ style: MessageStyle, entropy: Entropy, epoch: Epoch) {
    self.epoch = epoch
    product = ProductLines(style)
    mint = IdentifierMint(style: style, entropy: entropy)
  }

  public var style: MessageStyle { product.style }
  public var spelling: Spelling { product.spelling }
  /// The value of Allow.
  public var allowValue: String { product.allowValue }

  /// The Supported fields of a response.
  public var supportedFields: [HeaderField] { style.supportedValues(inRequest: false).map { HeaderField(.supported, $0) } }

  // MARK: - Requests

  /// A request with Via, Max-Forwards and what the product adds.
  public mutating func write(_ draft: RequestDraft, branch: Bytes, at place: LocalPlace, now: Instant) -> Bytes {
    let product = product
    let capacity = 256 + draft.uri.count + draft.identity.count + draft.fields.count
    return product.spelling.message(.request(draft.method), body: draft.body, capacity: capacity) { writer in
      writer.requestLine(draft.method, draft.uri)
      writer.ownLine(.via) { product.appendVia(branch, place, to: &$0) }
      writer.ownLine(.maxForwards) { $0.append(decimal: UInt64(draft.method == .options ? product.optionsMaxForwards : 70)) }
      writer.copy(draft.identity)
      writer.ownLine(.cseq) { writer in
        writer.append(decimal: UInt64(draft.sequence))
        writer.append(32)
        writer.append(draft.method.token)
      }
      writer.copy(draft.fields)
      writer.copy(product.userAgent)
      if mint.hasHeaders {
        appendProductHeaders(
          draft.method, status: nil, callID: draft.identity.first(.callID), own: draft.identity.first(.from), place, now, &writer)
      }
    }
  }

  private mutating func appendProductHeaders(
    _ method: SIPMethod, status: Int?, callID: String?, own: String?, _ place: LocalPlace, _ now: Instant, _ writer: inout MessageWriter
  ) {
    mint.appendHeaders(
      to: &writer,
      for: StyledHeader.Place(
        method: method, status: status, callID: callID, user: own.flatMap { (try? NameAddress(parsing: $0))?.uri.user },
        ip: place.host, unixSeconds: epoch.unixNanoseconds(at: now) / 1_000_000_000))
  }

  /// Allow and Supported.
  public func appendCapabilities(to draft: inout RequestDraft) { draft.fields.append(product.capabilities) }

  /// The value of Contact.
  ///
  /// - Parameters:
  ///   - parameters: inside the URI, with their semicolon.
  ///   - isOfCall: it gets the parameters that this product's Contacts of calls have.
  ///   - isSecure: a sips URI (RFC 5630 §3.1.4).
  public func contact(user: String?, at place: LocalPlace, parameters: String = "", isOfCall: Bool = true, isSecure: Bool) -> Bytes {
    Bytes(capacity: 128) { output in
      product.appendContact(user: user, at: place, parameters: parameters, isOfCall: isOfCall, isSecure: isSecure, to: &output)
    }
  }

  /// The user part of our Contact in a call that somebody else began; `user` is how they called us.
  public func answeringContactUser(_ user: String?) -> String? { product.answeringContactUser(user) }

  // MARK: - Responses

  /// A response with what every response copies and what the product adds.
  ///
  /// - Parameters:
  ///   - source: where the request came from.
  ///   - place: ours that it came to.
  public mutating func write(
    _ draft: ResponseDraft, to request: SIPMessage, from source: TransportAddress, at place: LocalPlace, now: Instant
  ) -> Bytes {
    let product = product
    let capacity = 768 + 64 * draft.fields.count
    return product.spelling.message(draft.kind, body: draft.description, capacity: capacity) { writer in
      writer.beginResponse(draft, to: request, from: source, vias: product.vias)
      writer.copy(product.server)
      let method = request.method
      if method == .invite || method == .options { product.appendAnswerFields(draft, request, isInvite: method == .invite, place, &writer) }
      for field in draft.fields { writer.line(field.name, field.value) }
      if !draft.description.isEmpty { writer.ownLine(.contentType) { $0.append("application/sdp" as StaticString) } }
      if mint.hasHeaders, let method {
        appendProductHeaders(
          method, status: draft.status, callID: request.value(.callID)?.text, own: request.value(.to)?.text, place, now, &writer)
      }
    }
  }
}
