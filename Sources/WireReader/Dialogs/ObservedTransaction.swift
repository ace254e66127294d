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
    public let status: Int
    public let phrase: String
    public let first: FrameStamp
    public let source: TransportAddress
    public let toTag: String?
    /// Reason and Warning in words.
    public let explanation: String?
    public let description: ObservedDescription?
    /// Of a redirection, of what an INVITE gets above 100 and below 300, and of what refreshes a target (RFC 3261 §12.2.1.2).
    public let contact: String?
    public let challenge: [DigestChallenge]
    /// Record-Route of a 2xx to INVITE, as written.
    public let recordRoutes: [NameAddress]
    /// RSeq of a provisional response that is sent reliably (RFC 3262 §3).
    public let reliable: UInt32?
    /// Of a 2xx to INVITE or UPDATE.
    public let sessionTimer: SessionTimer?
    // Changed by code that cannot overlap itself.
    @exclusivity(unchecked) public internal(set) var last: FrameStamp
    @exclusivity(unchecked) public internal(set) var copies = 1
    public internal(set) var copiesAfterAcknowledgement = 0
    /// A later one of the same status and tag has another description: it, and its digest.
    public internal(set) var changed: FrameStamp?
    /// When copies came, in nanoseconds since 1970, the first of all among them; empty where there are none.
    public internal(set) var times: [Int64] = []
    /// The ACK of a 2xx to INVITE, on whatever hop it was seen first.
    @exclusivity(unchecked) public internal(set) var acknowledgement: FrameStamp?

    init(_ message: ObservedMessage, _ status: Int, _ spellings: Spellings) {
      let isInvite = message.cseq.method == .invite
      self.status = status
      phrase = message.phrase(spellings)
      (first, last) = (message.stamp, message.stamp)
      (source, toTag, explanation, description) = (message.source, message.toTag, message.explanation, message.description)
      challenge =
        status == 401 || status == 407 ? message.message.digestChallenges(status == 401 ? .wwwAuthenticate : .proxyAuthenticate) : []
      if isInvite || message.cseq.method == .update, (101..<300).contains(status) {
        contact = message.firstContact(spellings)
      } else {
        contact = (300..<400).contains(status) ? message.message.first(.contact)?.text : nil
      }
      recordRoutes = isInvite && (200..<300).contains(status) ? message.message.usableRecordRoutes : []
      reliable = (101..<200).contains(status) ? message.message.reliableNumber : nil
      sessionTimer = (200..<300).contains(status) ? SessionTimer(message.message) : nil
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

  public let key: Key
  public let method: SIPMethod
  public let source: TransportAddress
  public let destination: TransportAddress
  public let transport: ObservedTransport
  public let fromTag: String?
  public let toTag: String?
  public let requestURI: String
  /// Where it asks its answers to, as far as it can be read.
  public let via: ObservedVia?
  /// Of what refreshes a target: INVITE and UPDATE (RFC 3261 §12.2.1.1, RFC 3311 §5.1).
  public let contact: String?
  public let description: ObservedDescription?
  public let explanation: String?
  public let credentials: [ObservedCredentials]
  /// The request's way.
  public let path: ObservedPath
  /// An INVITE says that its responses may be reliable (RFC 3262 §3).
  public let takesReliability: Bool
  /// Of a PRACK.
  public let acknowledges: ObservedRAck?
  // Read for every message, and changed by code that cannot overlap itself.
  /// Nil when the request is not in the capture.
  @exclusivity(unchecked) public internal(set) var request: FrameStamp?
  @exclusivity(unchecked) public internal(set) var lastRequest: FrameStamp?
  @exclusivity(unchecked) public internal(set) var copies = 0
  /// When copies came, in nanoseconds since 1970, the first of all among them; empty where there are none.
  public internal(set) var requestTimes: [Int64] = []
  @exclusivity(unchecked) public internal(set) var responses: [Response] = []
  /// The first ACK that fits: on this hop for a non-2xx, on any hop for a 2xx.
  @exclusivity(unchecked) public internal(set) var acknowledgement: FrameStamp?
  /// ACKs with the INVITE's number and From tag. On the first hop for all hops, but those of a non-2xx.
  @exclusivity(unchecked) public internal(set) var acknowledgements: [Acknowledgement] = []
  @exclusivity(unchecked) public internal(set) var acknowledgedDescription: ObservedDescription?
  @exclusivity(unchecked) public internal(set) var cancel: FrameStamp?

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

  /// Of a request, or of a response whose request was not seen.
  init(_ message: ObservedMessage, key: Key, _ spellings: Spellings) {
    let isRequest = message.message.isRequest
    self.key = key
    method = message.cseq.method
    (source, destination) = isRequest ? (message.source, message.destination) : (message.destination, message.source)
    (transport, fromTag) = (message.transport, message.fromTag)
    toTag = isRequest ? message.toTag : nil
    requestURI = message.message.requestURIRange.map { spellings.text(message.message, $0) } ?? ""
    description = isRequest ? message.description : nil
    explanation = isRequest ? message.explanation : nil
    credentials = isRequest ? ObservedCredentials.all(message.message) : []
    via = isRequest ? ObservedVia(message) : nil
    path = isRequest && (method == .invite || toTag != nil) ? ObservedPath(message) : ObservedPath()
    takesReliability = isRequest && method == .invite && message.message.takesReliability
    acknowledges = isRequest && method == .prack ? ObservedRAck(message.message) : nil
    contact = isRequest && (method == .invite || method == .update) ? message.firstContact(spellings) : nil
    guard isRequest else { return }
    (request, lastRequest, copies) = (message.stamp, message.stamp, 1)
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
  init(_ message: ObservedMessage, hasInvitesBranch: Bool, _ spellings: Spellings) {
    self.init(
      source: message.source, destination: message.destination, toTag: message.toTag, first: message.stamp,
      hasInvitesBranch: hasInvitesBranch, description: message.description, path: ObservedPath(message),
      requestURI: message.message.requestURIRange.map { spellings.text(message.message, $0) } ?? "")
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
    ObservedTransaction.Key(branch: branch, number: cseq.number, method: method, tag: hasCookie ? "" : fromTag ?? "")
  }
}
