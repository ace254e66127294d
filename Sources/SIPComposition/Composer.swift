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
    var writer = MessageWriter(request: draft.method, uri: draft.uri)
    appendVia(branch, place, to: &writer.lines)
    writer.lines.append(.maxForwards, draft.method == .options ? String(style.options.maxForwards) : "70")
    writer.lines.append(draft.identity)
    let line = writer.lines.begin(.cseq)
    MessageWriter.append(Int(draft.sequence), to: &writer.lines.bytes)
    writer.lines.bytes.append(32)
    writer.lines.bytes.append(contentsOf: draft.method.token.utf8)
    writer.lines.end(line)
    writer.lines.append(draft.fields)
    writer.lines.append(userAgent)
    if mint.hasHeaders {
      appendProductHeaders(
        draft.method, status: nil, callID: draft.identity.first(.callID), own: draft.identity.first(.from), place, now, &writer)
    }
    return writer.finish(body: draft.body, spelling, .request(draft.method))
  }

  private func appendVia(_ branch: String, _ place: LocalPlace, to lines: inout HeaderLines) {
    let line = lines.begin(.via)
    lines.bytes.append(contentsOf: place.via)
    lines.bytes.append(contentsOf: (style.rportBeforeBranch ? ";rport;branch=" : ";branch=").utf8)
    lines.bytes.append(contentsOf: branch.utf8)
    if !style.rportBeforeBranch { lines.bytes.append(contentsOf: ";rport".utf8) }
    if style.aliasOnStreams, place.isReliable { lines.bytes.append(contentsOf: ";alias".utf8) }
    lines.end(line)
  }

  private mutating func appendProductHeaders(
    _ method: SIPMethod, status: Int?, callID: String?, own: String?, _ place: LocalPlace, _ now: Instant, _ writer: inout MessageWriter
  ) {
    mint.appendHeaders(
      to: &writer.lines,
      for: StyledHeader.Place(
        method: method, status: status, callID: callID ?? "", user: own.flatMap { (try? NameAddress(parsing: $0))?.uri.user } ?? "",
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
  public func contact(user: String?, at place: LocalPlace, parameters: String = "", isOfCall: Bool = true, isSecure: Bool) -> String {
    var value = ""
    value.reserveCapacity(64)
    value += isSecure ? "<sips:" : "<sip:"
    if let user {
      value += user
      value += "@"
    }
    value += isSecure ? place.secureContact : place.contact
    value += parameters
    value += ">"
    if isOfCall { value += style.contactParameters }
    return value
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
    var writer = MessageWriter(draft, to: request, from: source, vias: vias)
    writer.lines.append(server)
    if request.method == .invite || request.method == .options { appendAnswerFields(draft, request, place, &writer) }
    for field in draft.fields { writer.lines.append(field) }
    if !draft.description.isEmpty { writer.lines.append(.contentType, "application/sdp") }
    if mint.hasHeaders, let method = request.method {
      appendProductHeaders(
        method, status: draft.status, callID: request.value(.callID)?.text, own: request.value(.to)?.text, place, now, &writer)
    }
    return writer.finish(body: draft.description, spelling, draft.kind)
  }

  /// Record-Route, Contact, Allow and Supported of an answer to INVITE or OPTIONS.
  private func appendAnswerFields(
    _ draft: ResponseDraft, _ request: SIPMessage, _ place: LocalPlace, _ writer: inout MessageWriter
  ) {
    if (101...299).contains(draft.status) {
      // RFC 3261 §12.1.1: Record-Route of the request goes into the response that makes the dialog.
      request.forEachValue(.recordRoute) { writer.lines.append(.recordRoute, $0) }
      if request.method == .invite || style.options.answerHasContact {
        writer.lines.append(
          .contact, contact(user: answeringContactUser(draft.calledUser), at: place, isSecure: draft.isContactSecure))
      }
      writer.lines.append(allow)
      if draft.status >= 200 || style.supportedInProvisionals { writer.lines.append(supportedInResponses) }
    } else if draft.status == 487, style.allowInTerminated {
      writer.lines.append(allow)
    }
  }
}
