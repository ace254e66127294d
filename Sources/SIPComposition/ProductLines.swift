import SIPMessage
import SansIO

/// What a product writes into all of its messages, made once.
final class ProductLines: Sendable {
  let style: MessageStyle
  let spelling: Spelling
  let vias: ViaSpelling
  /// The value of Allow.
  let allowValue: String
  let userAgent: HeaderLines
  let server: HeaderLines
  /// Allow and Supported of a request.
  let capabilities: HeaderLines
  private let allow: HeaderLines
  private let supportedInResponses: HeaderLines

  init(_ style: MessageStyle) {
    self.style = style
    spelling = Spelling(style)
    vias = ViaSpelling(style)
    allowValue = style.allow.map(\.token).joined(separator: ", ")
    func supported(inRequest: Bool) -> [HeaderField] { style.supportedValues(inRequest: inRequest).map { HeaderField(.supported, $0) } }
    userAgent = HeaderLines(style.product.map { [HeaderField(.userAgent, $0)] } ?? [])
    server = HeaderLines(style.product.map { [HeaderField(.server, $0)] } ?? [])
    allow = HeaderLines([HeaderField(.allow, allowValue)])
    supportedInResponses = HeaderLines(supported(inRequest: false))
    capabilities = HeaderLines([HeaderField(.allow, allowValue)] + supported(inRequest: true))
  }

  var optionsMaxForwards: Int { style.options.maxForwards }

  func answeringContactUser(_ user: String?) -> String? { style.answersWithContactUser ? style.contactUser ?? user : nil }

  /// The value of our Via.
  @inline(__always)
  func appendVia(_ branch: Bytes, _ place: LocalPlace, to sink: inout some ByteSink) {
    sink.append(place.via)
    sink.append(style.rportBeforeBranch ? ";rport;branch=" : ";branch=" as StaticString)
    sink.append(branch)
    if !style.rportBeforeBranch { sink.append(";rport" as StaticString) }
    if style.aliasOnStreams, place.isReliable { sink.append(";alias" as StaticString) }
  }

  /// The value of our Contact; for the parameters see ``Composer/contact(user:at:parameters:isOfCall:isSecure:)``.
  @inline(__always)
  func appendContact(
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

  /// Record-Route, Contact, Allow and Supported of an answer to INVITE or OPTIONS.
  func appendAnswerFields(
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
