import SIPMessage
import SansIO

/// Writes the messages of one user agent in its product's style (RFC 3261 §8.1.1, §8.2.6). It takes facts and gives bytes.
///
/// A product's constant lines are written once, here; what a dialog repeats is in its ``RequestDraft``; a response copies what it has to
/// from its request.
public struct Composer: Sendable {
  public let style: MessageStyle
  public let spelling: Spelling
  public var mint: IdentifierMint
  /// The value of Allow.
  public let allowValue: String
  private let epoch: Epoch
  private let vias: ViaSpelling
  private let userAgent: HeaderLines
  private let server: HeaderLines
  private let allow: HeaderLines
  private let supportedInResponses: HeaderLines
  /// Allow and Supported of a request.
  private let capabilities: HeaderLines

  public init(_ style: MessageStyle, entropy: Entropy, epoch: Epoch) {
    self.style = style
    self.epoch = epoch
    vias = ViaSpelling(style)
    spelling = Spelling(style)
    mint = IdentifierMint(style: style, entropy: entropy)
    allowValue = style.allow.map(\.token).joined(separator: ", ")
    func supported(inRequest: Bool) -> [HeaderField] { style.supportedValues(inRequest: inRequest).map { HeaderField(.supported, $0) } }
    userAgent = HeaderLines(style.product.map { [HeaderField(.userAgent, $0)] } ?? [])
    server = HeaderLines(style.product.map { [HeaderField(.server, $0)] } ?? [])
    allow = HeaderLines([HeaderField(.allow, allowValue)])
    supportedInResponses = HeaderLines(supported(inRequest: false))
    capabilities = HeaderLines([HeaderField(.allow, allowValue)] + supported(inRequest: true))
  }

  /// The Supported fields of a response.
  public var supportedFields: [HeaderField] { style.supportedValues(inRequest: false).map { HeaderField(.supported, $0) } }

  // MARK: - Requests

  /// A request with Via, Max-Forwards and what the product adds.
  public mutating func write(_ draft: RequestDraft, branch: String, at place: LocalPlace, now: Instant) -> Bytes {
    let spelling = spelling
    let capacity = 256 + draft.uri.count + draft.identity.count + draft.fields.count
    return spelling.message(.request(draft.method), body: draft.body, capacity: capacity) { writer in
      writer.requestLine(draft.method, draft.uri)
      writer.line(.via) { appendVia(branch, place, to: &$0) }
      writer.line(.maxForwards) { $0.append(decimal: UInt64(draft.method == .options ? style.options.maxForwards : 70)) }
      writer.copy(draft.identity)
      writer.line(.cseq) { writer in
        writer.append(decimal: UInt64(draft.sequence))
        writer.append(32)
        writer.append(draft.method.token)
      }
      writer.copy(draft.fields)
      writer.copy(userAgent)
      if mint.hasHeaders {
        appendProductHeaders(
          draft.method, status: nil, callID: draft.identity.first(.callID), own: draft.identity.first(.from), place, now, &writer)
      }
    }
  }

  @inline(__always)
  private func appendVia(_ branch: String, _ place: LocalPlace, to writer: inout MessageWriter) {
    writer.append(place.via)
    writer.append(style.rportBeforeBranch ? ";rport;branch=" : ";branch=" as StaticString)
    writer.append(branch)
    if !style.rportBeforeBranch { writer.append(";rport" as StaticString) }
    if style.aliasOnStreams, place.isReliable { writer.append(";alias" as StaticString) }
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
  public func appendCapabilities(to draft: inout RequestDraft) { draft.fields.append(capabilities) }

  /// The value of Contact.
  ///
  /// - Parameters:
  ///   - parameters: inside the URI, with their semicolon.
  ///   - isOfCall: it gets the parameters that this product's Contacts of calls have.
  ///   - isSecure: a sips URI (RFC 5630 §3.1.4).
  public func contact(user: String?, at place: LocalPlace, parameters: String = "", isOfCall: Bool = true, isSecure: Bool) -> Bytes {
    Bytes(capacity: 128) { output in
      appendContact(user: user, at: place, parameters: parameters, isOfCall: isOfCall, isSecure: isSecure, to: &output)
    }
  }

  @inline(__always)
  private func appendContact(
    user: String?, at place: LocalPlace, parameters: String = "", isOfCall: Bool = true, isSecure: Bool, to sink: inout some ByteSink
  ) {
    sink.append(isSecure ? "<sips:" : "<sip:" as StaticString)
    if let user {
      sink.append(user)
      sink.append(UInt8(ascii: "@"))
    }
    sink.append(isSecure ? place.secureContact : place.contact)
    sink.append(parameters)
    sink.append(UInt8(ascii: ">"))
    if isOfCall { sink.append(style.contactParameters) }
  }

  /// The user part of our Contact in a call that somebody else began; `user` is how they called us.
  public func answeringContactUser(_ user: String?) -> String? { style.answersWithContactUser ? style.contactUser ?? user : nil }

  // MARK: - Responses

  /// A response with what every response copies and what the product adds.
  ///
  /// - Parameters:
  ///   - source: where the request came from.
  ///   - place: ours that it came to.
  public mutating func write(
    _ draft: ResponseDraft, to request: SIPMessage, from source: TransportAddress, at place: LocalPlace, now: Instant
  ) -> Bytes {
    let spelling = spelling
    let capacity = 768 + 64 * draft.fields.count
    return spelling.message(draft.kind, body: draft.description, capacity: capacity) { writer in
      writer.beginResponse(draft, to: request, from: source, vias: vias)
      writer.copy(server)
      let method = request.method
      if method == .invite || method == .options { appendAnswerFields(draft, request, isInvite: method == .invite, place, &writer) }
      for field in draft.fields { writer.line(field.name, field.value) }
      if !draft.description.isEmpty { writer.line(.contentType) { $0.append("application/sdp" as StaticString) } }
      if mint.hasHeaders, let method {
        appendProductHeaders(
          method, status: draft.status, callID: request.value(.callID)?.text, own: request.value(.to)?.text, place, now, &writer)
      }
    }
  }

  /// Record-Route, Contact, Allow and Supported of an answer to INVITE or OPTIONS.
  private func appendAnswerFields(
    _ draft: ResponseDraft, _ request: SIPMessage, isInvite: Bool, _ place: LocalPlace, _ writer: inout MessageWriter
  ) {
    if (101...299).contains(draft.status) {
      // RFC 3261 §12.1.1: Record-Route of the request goes into the response that makes the dialog.
      request.forEachValue(.recordRoute) { value in writer.line(.recordRoute) { $0.append(value) } }
      if isInvite || style.options.answerHasContact {
        let user = answeringContactUser(draft.calledUser)
        writer.line(.contact) { appendContact(user: user, at: place, isSecure: draft.isContactSecure, to: &$0) }
      }
      writer.copy(allow)
      if draft.status >= 200 || style.supportedInProvisionals { writer.copy(supportedInResponses) }
    } else if draft.status == 487, style.allowInTerminated {
      writer.copy(allow)
    }
  }
}
