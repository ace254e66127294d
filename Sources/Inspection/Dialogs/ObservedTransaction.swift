import SIPMessage
import SansIO

/// A request and what came back, as the capture shows it (RFC 3261 §17). Copies of a message are counted, not listed.
struct ObservedTransaction {
  struct Key: Hashable {
    var branch: String
    var number: UInt32
    var method: SIPMethod
    /// Tells transactions apart whose branch is no identifier (RFC 3261 §17.2.3).
    var tag: String
  }

  struct Response {
    var status: Int
    var phrase: String
    var first: FrameStamp
    var last: FrameStamp
    var copies = 1
    var copiesAfterAcknowledgement = 0
    var source: TransportAddress
    var toTag: String?
    /// Reason and Warning in words.
    var explanation: String?
    var description: ObservedDescription?
    var contact: String?
    var challenge: [DigestChallenge] = []
    var isFinal: Bool { status >= 200 }
  }

  var key: Key
  var method: SIPMethod
  var source: TransportAddress
  var destination: TransportAddress
  var transport: ObservedTransport
  var fromTag: String?
  var toTag: String?
  var requestURI: String
  /// Nil when the request is not in the capture.
  var request: FrameStamp?
  var lastRequest: FrameStamp?
  var copies = 0
  var responses: [Response] = []
  var description: ObservedDescription?
  var explanation: String?
  var hasCredentials = false
  var acknowledgement: FrameStamp?
  /// The last copy of the ACK.
  var lastAcknowledgement: FrameStamp?
  var acknowledgedDescription: ObservedDescription?
  var cancel: FrameStamp?

  /// The first final response that decides: a 2xx if there is one.
  var final: Response? { success ?? responses.first { $0.isFinal } }
  var success: Response? { responses.first { (200..<300).contains($0.status) } }
  var isInitial: Bool { toTag == nil }
  var isComplete: Bool { final != nil }

  init(_ message: ObservedMessage, key: Key) {
    self.key = key
    method = message.cseq.method
    let isRequest = message.message.isRequest
    source = isRequest ? message.source : message.destination
    destination = isRequest ? message.destination : message.source
    transport = message.transport
    fromTag = message.fromTag
    toTag = isRequest ? message.toTag : nil
    requestURI = message.message.requestURIBytes?.text ?? ""
  }
}

extension ObservedMessage {
  /// Reason (RFC 3326) and Warning (RFC 3261 §20.43) in one line.
  var explanation: String? {
    let parts = message.all(.reason).map { "Reason \($0.text)" } + message.all(.warning).map { "Warning \($0.text)" }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  func transactionKey(_ method: SIPMethod) -> ObservedTransaction.Key {
    let isIdentifier = branch.hasPrefix(Via.magicCookie)
    return ObservedTransaction.Key(branch: branch, number: cseq.number, method: method, tag: isIdentifier ? "" : fromTag ?? "")
  }
}
