import SIPMessage
import SansIO

/// A request and what came back, as the capture shows it (RFC 3261 §17). Copies of a message are counted, not listed.
public struct ObservedTransaction {
  public struct Key: Hashable {
    public var branch: String
    public var number: UInt32
    public var method: SIPMethod
    /// Tells transactions apart whose branch is no identifier (RFC 3261 §17.2.3).
    public var tag: String
  }

  public struct Response {
    public var status: Int
    public var phrase: String
    public var first: FrameStamp
    public var last: FrameStamp
    public var copies = 1
    public var copiesAfterAcknowledgement = 0
    public var source: TransportAddress
    public var toTag: String?
    /// Reason and Warning in words.
    public var explanation: String?
    public var description: ObservedDescription?
    public var contact: String?
    public var challenge: [DigestChallenge] = []
    public var isFinal: Bool { status >= 200 }
  }

  public var key: Key
  public var method: SIPMethod
  public var source: TransportAddress
  public var destination: TransportAddress
  public var transport: ObservedTransport
  public var fromTag: String?
  public var toTag: String?
  public var requestURI: String
  /// Nil when the request is not in the capture.
  public var request: FrameStamp?
  public var lastRequest: FrameStamp?
  public var copies = 0
  public var responses: [Response] = []
  public var description: ObservedDescription?
  public var explanation: String?
  public var hasCredentials = false
  public var acknowledgement: FrameStamp?
  /// The last copy of the ACK.
  public var lastAcknowledgement: FrameStamp?
  public var acknowledgedDescription: ObservedDescription?
  public var cancel: FrameStamp?

  /// The first final response that decides: a 2xx if there is one.
  public var final: Response? { success ?? responses.first { $0.isFinal } }
  public var success: Response? { responses.first { (200..<300).contains($0.status) } }
  public var isInitial: Bool { toTag == nil }
  public var isComplete: Bool { final != nil }

  public init(_ message: ObservedMessage, key: Key) {
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
  public var explanation: String? {
    let parts = message.all(.reason).map { "Reason \($0.text)" } + message.all(.warning).map { "Warning \($0.text)" }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  public func transactionKey(_ method: SIPMethod) -> ObservedTransaction.Key {
    let isIdentifier = branch.hasPrefix(Via.magicCookie)
    return ObservedTransaction.Key(branch: branch, number: cseq.number, method: method, tag: isIdentifier ? "" : fromTag ?? "")
  }
}
