import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// A request that we answered with 3xx to 6xx, as a log needs it.
public struct RefusedRequest: Hashable, Sendable {
  /// As the request spells it.
  public var method: String
  /// Empty where the request has none that can be read.
  public var callID: String
  public var peer: TransportAddress
  public var status: Int
  /// The Reason-Phrase, and what the response says of its cause: `Bad Extension; Unsupported: foo`.
  public var phrase: String

  public init(method: String, callID: String, peer: TransportAddress, status: Int, phrase: String) {
    self.method = method
    self.callID = callID
    self.peer = peer
    self.status = status
    self.phrase = phrase
  }
}

extension RefusedRequest {
  init(_ request: InboundMessage, status: Int, phrase: String) {
    let callID = request.essentials.callID.map { request.message[$0].text }
    self.init(
      method: request.message.method?.token ?? "a request", callID: callID ?? "", peer: request.flow.remote, status: status, phrase: phrase)
  }

  /// From the response as it is composed.
  init(_ request: InboundMessage, _ draft: ResponseDraft) {
    let causes: [KnownHeader] = [.warning, .unsupported, .accept, .acceptEncoding]
    let cause = draft.fields.first { field in causes.contains(field.name.known) }
    let phrase = draft.reason ?? SIPStatus.phrase(draft.status)
    self.init(request, status: draft.status, phrase: phrase + (cause.map { "; \($0.name): \($0.value)" } ?? ""))
  }

  public func writeFields(to json: inout JSONWriter) {
    json.member("method", method)
    json.member("callID", callID)
    json.member("peer", peer)
    json.member("status", status)
    json.member("phrase", phrase)
  }
}

extension RefusedRequest: CustomStringConvertible {
  public var description: String { "\(method) from \(peer): \(status) \(phrase)" }
}
