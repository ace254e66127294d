import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// What RFC 3261 §8.2 wants looked at in a request before it is served. It looks, and never writes a table.
struct RequestCheck {
  let style: MessageStyle
  let behaviour: Behaviour
  let foreignSchemes: Set<String>

  init(_ configuration: UserAgent.Configuration) {
    style = configuration.style
    behaviour = configuration.behaviour
    foreignSchemes = configuration.foreignSchemes
  }

  /// What has to be refused in a request outside dialogs; nil when all is well.
  ///
  /// - Parameter isMerged: whether the same request came by another path and is being served.
  func defect(of request: SIPRequest, isMerged: Bool) -> RequestDefect? {
    if request.method == .cancel { return .nothingToCancel }
    if isMerged, !behaviour.does(.serve, in: .mergedRequest) { return .merged }
    if !hasKnownScheme(request) { return .unknownScheme(status: behaviour.answer(to: .foreignScheme)?.status ?? 416) }
    if let unknown = unsupportedOptions(of: request.message) { return .unknownExtensions(unknown) }
    guard request.method == .invite else { return nil }
    if let answer = behaviour.answer(to: .secureURIOverDatagrams), request.flow.transport == .udp, request.isSecure {
      return .secureTransportWanted(answer)
    }
    if let field = unreadableBody(request.message) { return .unreadableBody(field) }
    // None that the caller would take: an Accept that leaves application/sdp out (RFC 3261 §20.1, §21.4.7).
    return request.message.accepts("application/sdp") ? nil : .noAcceptableAnswer
  }

  private func hasKnownScheme(_ request: SIPRequest) -> Bool {
    guard let uri = request.facts.requestURI, uri.scheme == .other else { return true }
    guard case .other(let name)? = request.message.uri(uri)?.scheme else { return true }
    return foreignSchemes.contains(name)
  }

  /// Option tags of Require that we do not know, as a header value (RFC 3261 §8.2.2.3); nil when there are none.
  func unsupportedOptions(of message: SIPMessage) -> String? {
    guard message.has(.require) else { return nil }
    let unknown = message.commaValues(.require).map(\.text).filter { !style.supports($0) }
    return unknown.isEmpty ? nil : unknown.joined(separator: ", ")
  }

  /// Accept or Accept-Encoding for an INVITE whose body we cannot read and which has to be read; nil when all is well.
  func unreadableBody(_ message: SIPMessage) -> HeaderField? {
    guard !message.body.isEmpty, !message.isBodyOptional else { return nil }
    if let encoding = message.value(.contentEncoding)?.text.lowercased(), encoding != "identity" {
      return HeaderField(.acceptEncoding, "identity")
    }
    let accept = behaviour.answer(to: .unreadableBody)?.fields.first ?? HeaderField(.accept, "application/sdp, multipart/mixed")
    guard message.body(ofType: "application/sdp") != nil else { return accept }
    // A part that its writer insists on and we cannot read spoils the whole (RFC 5621 §8.2); other parts are passed over.
    let isSpoilt = message.multipart()?.parts.contains { $0.isRequired && !Self.isReadable($0.contentType) } == true
    return isSpoilt ? accept : nil
  }

  private static func isReadable(_ type: String) -> Bool { type == "application/sdp" || type.hasPrefix("multipart/") }
}
