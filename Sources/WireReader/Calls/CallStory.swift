import SIPMessage
import SansIO

/// A call at one of its sides, as the messages that this side sends and receives show it: who, when, what was offered and agreed, how it
/// ended. Whatever the side says of itself does not enter.
///
/// ```
///           INVITE                1xx                2xx, ACK                 BYE
///   (none) ───────► placed ─────────────► ringing ─────────────► established ──────► leaving
///                     │  ▲                   │                        │                 │ answered
///                     │  └ INVITE again:     │ final ≥ 300            │ BYE received    ▼
///                     │    credentials, 3xx  ▼                        └────────────► ended
///                     └───────────────────► refused: ended, unless another INVITE follows
/// ```
public struct CallStory: Sendable {
  public enum Side: String, Hashable, Sendable { case caller, callee }

  public enum State: String, Hashable, Sendable, CaseIterable { case placed, ringing, established, ended }

  public struct Refusal: Hashable, Sendable {
    public var status: Int
    public var phrase: String
    /// Warning, or Reason.
    public var explanation: String?
    public var at: Instant
  }

  /// A re-INVITE of this side that was refused.
  public struct FailedReinvite: Hashable, Sendable {
    public var status: Int
    public var phrase: String
  }

  public let callID: String
  public let side: Side
  /// Where the INVITE went or came from.
  public private(set) var peer: TransportAddress
  public private(set) var state: State = .placed
  public private(set) var began: Instant
  /// The last final response of 300 or more to the INVITE. Whether it ends the call is known when no other INVITE follows.
  public private(set) var refusal: Refusal?
  public private(set) var end: CallEnd?
  public private(set) var agreement: AgreedAudio?
  public private(set) var hasEarlyMedia = false
  /// Re-INVITEs of either side that went through.
  public private(set) var reinvites = 0
  public private(set) var failedReinvite: FailedReinvite?
  public private(set) var establishedAt: Instant?
  public private(set) var endedAt: Instant?
  /// Reason of the BYE or CANCEL that ended it (RFC 3326).
  public private(set) var reason: String?
  /// The frame that changed something last.
  public private(set) var frame: Int
  /// This side sent BYE, which is not answered.
  public private(set) var isLeaving = false
  /// This side never said more than its refusal: no session was begun.
  public private(set) var isTurnedAway = false

  private var invite: Invite
  private var exchange: Exchange?
  /// Descriptions of provisional responses, by To tag: the first of a dialog is its answer (RFC 3261 §13.2.1).
  private var early: [(tag: String, description: ObservedDescription)] = []
  private var success: Success?
  private var isAcknowledged = false
  private var cancel: Cancel?
  /// Our requests within the dialog that got 408 or 481.
  private var isLost = false

  /// The INVITE that a response has to answer.
  private struct Invite {
    var number: UInt32
    var branch: String
    var offer: ObservedDescription?
  }

  /// A re-INVITE that is not through.
  private struct Exchange {
    var number: UInt32
    var isOurs: Bool
    var request: ObservedDescription?
    var response: ObservedDescription?
    /// The frame of its final response.
    var responseFrame = 0
  }

  /// The tags of both sides, as far as they are known.
  private var remoteTag: String?
  private var localTag: String?
  /// A 3xx listed other targets, which are tried one after the other (RFC 3261 §8.1.3.4).
  private var isRedirected = false

  private struct Success {
    var tag: String?
    var description: ObservedDescription?
    var frame: Int
  }

  private enum Cancel { case ours, theirs }

  /// How long a refusal that asks for another attempt waits for it: T2 (RFC 3261 §17.1.2.2), in which a lost SYN of a new connection has
  /// been sent again.
  public static let patience: Duration = .seconds(4)
  private static let mostEarly = 16

  /// - Parameters:
  ///   - message: the INVITE that begins it.
  ///   - isSent: this side sent it.
  public init(_ message: ObservedMessage, isSent: Bool, at now: Instant) {
    callID = message.callID
    side = isSent ? .caller : .callee
    peer = isSent ? message.destination : message.source
    began = now
    frame = message.stamp.frame
    invite = Invite(number: message.cseq.number, branch: message.branch, offer: message.description)
    if isSent { localTag = message.fromTag } else { remoteTag = message.fromTag }
  }

  /// The codecs that the last INVITE offered, in its order; events of a telephone are not one.
  public var offeredCodecs: [String] {
    (invite.offer?.audio?.encodings ?? []).map(\.name).filter { $0.lowercased() != "telephone-event" }
  }

  /// Whether an INVITE without a To tag is another attempt of the same call: with credentials, at another target.
  public func continues(with message: ObservedMessage) -> Bool {
    if state == .ended, refusal.map(invitesAnother) != true || cancel != nil { return false }
    return message.cseq.number > invite.number && success == nil
  }

  /// Its client may try again: with credentials, at another target, at the next server (RFC 3261 §8.1.3.4, §22.2, RFC 3263 §4.3).
  private func invitesAnother(_ refusal: Refusal) -> Bool {
    isRedirected && refusal.status < 600 || [401, 407, 408, 430, 503].contains(refusal.status)
  }

  /// When ``settle(at:)`` may change something.
  public var nextDeadline: Instant? {
    guard state != .ended, let refusal, invitesAnother(refusal) else { return nil }
    return refusal.at.advanced(by: Self.patience)
  }

  /// A refusal that asked for another attempt is the end when none came.
  public mutating func settle(at now: Instant) {
    guard let deadline = nextDeadline, now >= deadline, let refusal else { return }
    finish(.refused(status: refusal.status), at: now)
  }

  /// This side is done with the call: what its messages had begun is the end, answered or not. Without a BYE, a CANCEL or a refusal nothing
  /// changes.
  public mutating func close(at now: Instant) {
    guard state != .ended else { return }
    if isLeaving {
      finish(byeEnd, at: now)
    } else if success == nil, cancel == .ours {
      finish(.cancelledHere, at: now)
    } else if success == nil, let refusal {
      finish(.refused(status: refusal.status), at: now)
    }
  }

  private var byeEnd: CallEnd {
    if side == .callee, success != nil, !isAcknowledged { return .notAcknowledged }
    return isLost ? .dialogLost : .hungUpHere
  }

  mutating func finish(_ end: CallEnd, at now: Instant) {
    guard state != .ended else { return }
    (state, self.end, endedAt) = (.ended, end, now)
  }

  // MARK: - Messages

  /// Takes the next message of the call.
  /// - Parameter isCopy: the same was there before.
  /// - Returns: whether it said something new.
  public mutating func take(_ message: ObservedMessage, isSent: Bool, isCopy: Bool, at now: Instant) -> Bool {
    guard !isCopy else {
      // An INVITE that nobody answers is seen by its last copy.
      guard message.status == nil, message.method == .invite, state == .placed, refusal == nil else { return false }
      frame = message.stamp.frame
      return true
    }
    let before = frame
    frame = message.stamp.frame
    if let status = message.status {
      guard take(status, message, isSent: isSent, at: now) else {
        frame = before
        return false
      }
      return true
    }
    guard take(request: message, isSent: isSent, at: now) else {
      frame = before
      return false
    }
    return true
  }

  private mutating func take(request message: ObservedMessage, isSent: Bool, at now: Instant) -> Bool {
    guard isOfThisDialog(message, isSent: isSent) else { return false }
    switch message.method {
    case .invite: return message.toTag == nil ? attempt(message, isSent: isSent) : reinvite(message, isSent: isSent)
    case .ack: return acknowledge(message, isSent: isSent, at: now)
    case .cancel: return cancel(message, isSent: isSent)
    case .bye: return bye(message, isSent: isSent, at: now)
    default: return false
    }
  }

  /// Another branch of a forked INVITE has a dialog of its own (RFC 3261 §12.1), and a request with another tag than ours is for none.
  private func isOfThisDialog(_ message: ObservedMessage, isSent: Bool) -> Bool {
    guard message.toTag != nil else { return true }
    let (near, far) = isSent ? (message.fromTag, message.toTag) : (message.toTag, message.fromTag)
    return (remoteTag == nil || far == remoteTag) && (localTag == nil || near == localTag)
  }

  private mutating func attempt(_ message: ObservedMessage, isSent: Bool) -> Bool {
    guard isSent == (side == .caller), continues(with: message) else { return false }
    invite = Invite(number: message.cseq.number, branch: message.branch, offer: message.description)
    if isSent { (peer, localTag) = (message.destination, message.fromTag) }
    (refusal, end, endedAt, state, isTurnedAway, early, hasEarlyMedia) = (nil, nil, nil, .placed, false, [], false)
    return true
  }

  private mutating func reinvite(_ message: ObservedMessage, isSent: Bool) -> Bool {
    guard state != .ended else { return false }
    exchange = Exchange(number: message.cseq.number, isOurs: isSent, request: message.description)
    return true
  }

  private mutating func cancel(_ message: ObservedMessage, isSent: Bool) -> Bool {
    guard isSent == (side == .caller), message.cseq.number == invite.number, success == nil, state != .ended else { return false }
    cancel = isSent ? .ours : .theirs
    if let text = message.message.first(.reason)?.text { reason = text }
    return true
  }

  private mutating func bye(_ message: ObservedMessage, isSent: Bool, at now: Instant) -> Bool {
    guard state != .ended else { return false }
    if isSent {
      isLeaving = true
      return true
    }
    if let text = message.message.first(.reason)?.text { reason = text }
    finish(.hungUpByPeer, at: now)
    return true
  }

  // MARK: - ACK

  private mutating func acknowledge(_ message: ObservedMessage, isSent: Bool, at now: Instant) -> Bool {
    if message.cseq.number == invite.number, isSent == (side == .caller), let success, success.tag == message.toTag {
      guard !isAcknowledged else { return false }
      isAcknowledged = true
      guard state != .ended else { return false }
      if let agreement = initialAgreement(success, acknowledged: message.description) {
        self.agreement = agreement
        (state, establishedAt) = (.established, now)
        // What was agreed is in the answer.
        if invite.offer != nil { frame = success.frame }
      }
      return true
    }
    guard let exchange, exchange.number == message.cseq.number, exchange.isOurs == isSent, let response = exchange.response else {
      return false
    }
    self.exchange = nil
    // The offer in the INVITE was answered in the 2xx, which this side took when it sent or got it; only ours counts with its ACK.
    if exchange.request == nil {
      guard let answer = message.description else { return true }
      adopt(offer: response, answer: answer, isOfferOurs: !exchange.isOurs)
    } else if exchange.isOurs, let offer = exchange.request {
      frame = exchange.responseFrame
      adopt(offer: offer, answer: response, isOfferOurs: true)
    }
    return true
  }

  private func initialAgreement(_ success: Success, acknowledged: ObservedDescription?) -> AgreedAudio? {
    let isCaller = side == .caller
    if let offer = invite.offer {
      let first = early.first { $0.tag == success.tag ?? "" }?.description
      guard let answer = first ?? success.description else { return nil }
      return isCaller
        ? AgreedAudio(own: offer, other: answer, answer: answer) : AgreedAudio(own: answer, other: offer, answer: answer)
    }
    guard let offer = success.description, let answer = acknowledged else { return nil }
    return isCaller ? AgreedAudio(own: answer, other: offer, answer: answer) : AgreedAudio(own: offer, other: answer, answer: answer)
  }

  /// What this side has said of its audio before anything is agreed: its answer in a 2xx without ACK, or its open offer.
  public var announced: AgreedAudio? {
    guard let own = side == .caller ? invite.offer : success?.description else { return nil }
    let other = side == .caller ? own : invite.offer ?? own
    return AgreedAudio(own: own, other: other, answer: own)
  }

  private mutating func adopt(offer: ObservedDescription, answer: ObservedDescription, isOfferOurs: Bool) {
    let (own, other) = isOfferOurs ? (offer, answer) : (answer, offer)
    guard let agreed = AgreedAudio(own: own, other: other, answer: answer) else { return }
    agreement = agreed
    reinvites += 1
    failedReinvite = nil
  }

  // MARK: - Responses

  private mutating func take(_ status: Int, _ message: ObservedMessage, isSent: Bool, at now: Instant) -> Bool {
    guard message.method == .invite else { return inDialog(status, message, isSent: isSent, at: now) }
    if message.cseq.number == invite.number, isSent == (side == .callee), message.branch == invite.branch {
      return initial(status, message, at: now)
    }
    guard let exchange, exchange.number == message.cseq.number, exchange.isOurs != isSent, status >= 200 else { return false }
    if status >= 300 { return refuseReinvite(status, message, isOurs: exchange.isOurs) }
    self.exchange?.response = message.description
    self.exchange?.responseFrame = message.stamp.frame
    guard !exchange.isOurs, let offer = exchange.request, let answer = message.description else { return true }
    adopt(offer: offer, answer: answer, isOfferOurs: false)
    return true
  }

  private mutating func refuseReinvite(_ status: Int, _ message: ObservedMessage, isOurs: Bool) -> Bool {
    exchange = nil
    guard isOurs else { return true }
    if status == 408 || status == 481 { isLost = true }
    // A challenge is answered, and glare is tried again (RFC 3261 §14.1).
    if status != 401, status != 407, status != 491 { failedReinvite = FailedReinvite(status: status, phrase: message.phrase) }
    return true
  }

  private mutating func initial(_ status: Int, _ message: ObservedMessage, at now: Instant) -> Bool {
    guard state != .ended, success == nil else { return false }
    switch status {
    case ..<101: return false
    case ..<200:
      if state == .placed { state = .ringing }
      guard let offer = invite.offer, let answer = message.description, early.count < Self.mostEarly,
        !early.contains(where: { $0.tag == message.toTag ?? "" })
      else { return true }
      early.append((message.toTag ?? "", answer))
      let (own, other) = side == .caller ? (offer, answer) : (answer, offer)
      if let agreed = AgreedAudio(own: own, other: other, answer: answer) { (agreement, hasEarlyMedia) = (agreed, true) }
    case ..<300:
      success = Success(tag: message.toTag, description: message.description, frame: message.stamp.frame)
      if side == .caller { remoteTag = message.toTag } else { localTag = message.toTag }
    default: refuse(status, message, at: now)
    }
    return true
  }

  private mutating func refuse(_ status: Int, _ message: ObservedMessage, at now: Instant) {
    let refusal = Refusal(
      status: status, phrase: message.phrase, explanation: (message.message.first(.warning) ?? message.message.first(.reason))?.text,
      at: now)
    self.refusal = refusal
    if (300...399).contains(status) { isRedirected = true }
    isTurnedAway = side == .callee && state == .placed
    switch (cancel, side) {
    case (.theirs, .callee) where status == 487: finish(.cancelledByPeer, at: now)
    case (.ours, .caller) where status == 487: finish(.cancelledHere, at: now)
    case (nil, _) where invitesAnother(refusal): break
    default: finish(.refused(status: status), at: now)
    }
  }

  /// BYE and other requests within the dialog.
  private mutating func inDialog(_ status: Int, _ message: ObservedMessage, isSent: Bool, at now: Instant) -> Bool {
    guard !isSent, status >= 200, state != .ended else { return false }
    if message.method == .bye, isLeaving, status != 401, status != 407 {
      finish(byeEnd, at: now)
      return true
    }
    if status == 408 || status == 481, message.toTag != nil, message.method != .cancel { isLost = true }
    return false
  }
}
