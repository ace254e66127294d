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
  init(_ request: SIPMessage, status: Int, phrase: String, on flow: Flow) {
    self.init(
      method: request.method?.token ?? "a request", callID: (try? request.callID()) ?? "", peer: flow.remote, status: status, phrase: phrase
    )
  }

  /// From the response before it is serialized.
  init(_ request: SIPMessage, _ draft: MessageDraft, on flow: Flow) {
    guard case .response(let status, let reason) = draft.startLine else {
      self.init(request, status: 0, phrase: "", on: flow)
      return
    }
    let causes: [KnownHeader] = [.warning, .unsupported, .accept, .acceptEncoding]
    let cause = draft.fields.first { field in causes.contains(field.name.known) }
    self.init(request, status: status, phrase: reason + (cause.map { "; \($0.name): \($0.value)" } ?? ""), on: flow)
  }

  public var journalFields: [JournalField] {
    [
      .init("method", method), .init("callID", callID), .init("peer", .address(peer)), .init("status", status), .init("phrase", phrase),
    ]
  }
}

extension RefusedRequest: CustomStringConvertible {
  public var description: String { "\(method) from \(peer): \(status) \(phrase)" }
}
