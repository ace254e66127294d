import SIPMessage
import SansIO

/// A request and what came back, as the capture shows it (RFC 3261 §17). Copies of a message are counted, not listed.
public final class ObservedTransaction {
  public struct Key: Hashable {
    public var branch: String
    public var number: UInt32
    public var method: SIPMethod
    /// Tells transactions apart whose branch is no identifier (RFC 3261 §17.2.3).
    public var tag: String
  }

  public final class Response {
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
    /// Of a redirection, and of what an INVITE gets above 100 and below 300.
    public var contact: String?
    /// A later one of the same status and tag has another description: it, and its digest.
    public var changed: FrameStamp?
    /// When copies came, in nanoseconds since 1970, the first of all among them; empty where there are none.
    public var times: [Int64] = []
    public var challenge: [DigestChallenge] = []
    /// Record-Route of a 2xx to INVITE, as written.
    public var recordRoutes: [NameAddress] = []
    /// The ACK of a 2xx to INVITE, on whatever hop it was seen first.
    public var acknowledgement: FrameStamp?

    init(_ message: ObservedMessage, _ status: Int) {
      self.status = status
      phrase = message.phrase
      first = message.stamp
      last = message.stamp
      source = message.source
      toTag = message.toTag
      explanation = message.explanation
      description = message.description
      if status == 401 || status == 407 {
        challenge = message.message.digestChallenges(status == 401 ? .wwwAuthenticate : .proxyAuthenticate)
      }
      if (300..<400).contains(status) { contact = message.message.first(.contact)?.text }
      if message.cseq.method == .invite, (101..<300).contains(status) { contact = message.message.firstContact }
      if isSuccess, message.cseq.method == .invite { recordRoutes = message.message.usableRecordRoutes }
    }

    public var isFinal: Bool { status >= 200 }
    public var isSuccess: Bool { (200..<300).contains(status) }
  }

  /// An ACK, once for each way it takes.
  public struct Acknowledgement {
    public var source: TransportAddress
    public var destination: TransportAddress
    public var toTag: String?
    public var first: FrameStamp
    public var copies = 1
    /// As the ACK of a non-2xx has it, and that of a 2xx has not (RFC 3261 §17.1.1.3, §13.2.2.4).
    public var hasInvitesBranch: Bool
    public var description: ObservedDescription?
    public var path: ObservedPath
    public var requestURI = ""
    /// A copy has another description.
    public var changed: FrameStamp?
  }

  /// An ACK whose number no INVITE has.
  public struct StrayAcknowledgement {
    public var number: UInt32
    public var branch: String
    public var fromTag: String?
    public var toTag: String?
    public var source: TransportAddress
    public var stamp: FrameStamp
  }

  /// ACKs that are kept of one INVITE.
  static let mostAcknowledgements = 64
  /// Copies whose times are kept.
  static let mostTimes = 16

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
  /// When copies came, in nanoseconds since 1970, the first of all among them; empty where there are none.
  public var requestTimes: [Int64] = []
  /// Where it asks its answers to, as far as it can be read.
  public var via: ObservedVia?
  /// Of an INVITE.
  public var contact: String?
  public var responses: [Response] = []
  public var description: ObservedDescription?
  public var explanation: String?
  public var credentials: [ObservedCredentials] = []
  /// The request's way.
  public var path = ObservedPath()
  /// The first ACK that fits: on this hop for a non-2xx, on any hop for a 2xx.
  public var acknowledgement: FrameStamp?
  /// ACKs with the INVITE's number and From tag. On the first hop for all hops, but those of a non-2xx.
  public var acknowledgements: [Acknowledgement] = []
  public var acknowledgedDescription: ObservedDescription?
  public var cancel: FrameStamp?

  /// The first final response that decides: a 2xx if there is one.
  public var final: Response? { success ?? responses.first { $0.isFinal } }
  public var success: Response? { responses.first { $0.isSuccess } }
  public var isInitial: Bool { toTag == nil }
  public var isComplete: Bool { final != nil }
  /// When a message of it was seen last, ACKs included.
  var last: Int64 {
    max(lastRequest?.time ?? .min, responses.reduce(.min) { max($0, $1.last.time) }, acknowledgement?.time ?? .min)
  }
  public var hasCredentials: Bool { !credentials.isEmpty }

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

  convenience init(request message: ObservedMessage, key: Key) {
    self.init(message, key: key)
    request = message.stamp
    lastRequest = message.stamp
    copies = 1
    description = message.description
    explanation = message.explanation
    credentials = ObservedCredentials.all(message.message)
    via = message.via.map { ObservedVia($0, message.message) }
    if method == .invite || toTag != nil { path = ObservedPath(message.message) }
    if method == .invite { contact = message.message.firstContact }
  }

  func isInvite(_ number: UInt32, _ tag: String?) -> Bool { method == .invite && key.number == number && fromTag == tag }

  // MARK: - Hops

  /// How well a request fits the hop: 0 for another one.
  func rank(request message: ObservedMessage) -> Int {
    guard source.address == message.source.address, destination.address == message.destination.address else { return 0 }
    if destination.port == message.destination.port { return 3 }
    // On one host ports alone tell hops apart.
    return source.address == destination.address && request != nil ? 0 : 2
  }

  /// How well a response fits the hop. A host may answer from another address than it was asked at.
  func rank(response message: ObservedMessage) -> Int {
    let (isFromThere, isToHere) = (message.source.address == destination.address, message.destination.address == source.address)
    if isFromThere, isToHere { return message.source == destination && message.destination == source ? 4 : 3 }
    return isFromThere || isToHere ? 2 : 1
  }

  // MARK: - Copies and ACKs

  /// The request came once more.
  func takeCopy(_ stamp: FrameStamp) {
    if let first = request, requestTimes.isEmpty { requestTimes.append(first.time) }
    if requestTimes.count < Self.mostTimes { requestTimes.append(stamp.time) }
    copies += 1
    if request == nil { request = stamp }
    lastRequest = stamp
  }

  func takeCopy(of position: Int, _ stamp: FrameStamp) {
    if responses[position].times.isEmpty { responses[position].times.append(responses[position].first.time) }
    if responses[position].times.count < Self.mostTimes { responses[position].times.append(stamp.time) }
    responses[position].copies += 1
    responses[position].last = stamp
    let ack = responses[position].isSuccess && method == .invite ? responses[position].acknowledgement : acknowledgement
    if ack != nil { responses[position].copiesAfterAcknowledgement += 1 }
  }

  /// Takes the ACK of a 2xx with this To tag.
  func acknowledgeSuccess(toTag: String?, _ stamp: FrameStamp, _ description: ObservedDescription?) {
    for position in responses.indices where responses[position].isSuccess {
      // A 2xx without a tag is of RFC 2543.
      guard responses[position].toTag == toTag || responses[position].toTag == nil else { continue }
      if responses[position].acknowledgement == nil { responses[position].acknowledgement = stamp }
      if acknowledgement == nil { acknowledgement = stamp }
      if acknowledgedDescription == nil, let description { acknowledgedDescription = description }
    }
  }
}

extension ObservedTransaction.Acknowledgement {
  init(_ message: ObservedMessage, hasInvitesBranch: Bool) {
    self.init(
      source: message.source, destination: message.destination, toTag: message.toTag, first: message.stamp,
      hasInvitesBranch: hasInvitesBranch, description: message.description, path: ObservedPath(message.message),
      requestURI: message.message.requestURIBytes?.text ?? "")
  }
}

extension ObservedMessage {
  /// Reason (RFC 3326), Warning (RFC 3261 §20.43), and what a 415 takes or a 420 does not (§21.4.13, §21.4.15), in one line.
  public var explanation: String? {
    var parts = message.all(.reason).map { "Reason \($0.text)" } + message.all(.warning).map { "Warning \($0.text)" }
    if status == 415 { parts += message.all(.accept).map { "Accept \($0.text)" } }
    if status == 420 { parts += message.all(.unsupported).map { "Unsupported \($0.text)" } }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  public func transactionKey(_ method: SIPMethod) -> ObservedTransaction.Key {
    let isIdentifier = branch.hasPrefix(Via.magicCookie)
    return ObservedTransaction.Key(branch: branch, number: cseq.number, method: method, tag: isIdentifier ? "" : fromTag ?? "")
  }
}
