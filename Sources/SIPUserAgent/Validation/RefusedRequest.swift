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
    self.init(
      method: request.message.name, callID: request.callIDText, peer: request.flow.remote, status: status, phrase: phrase)
  }

  /// From the response as it is composed.
  init(_ request: InboundMessage, _ draft: ResponseDraft) {
    let causes: [KnownHeader] = [.warning, .unsupported, .accept, .acceptEncoding]
    var phrase = draft.reason ?? SIPStatus.phrase(draft.status)
    if let cause = draft.fields.first(where: { causes.contains($0.name.known) }) { phrase += "; \(cause.name): \(cause.value)" }
    self.init(request, status: draft.status, phrase: phrase)
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
