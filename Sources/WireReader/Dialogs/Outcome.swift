import SIPMessage
import SansIO

/// How an INVITE's dialog went, as far as the capture shows.
public enum Outcome {
  public enum Side: String {
    case caller, callee
    public var other: Side { self == .caller ? .callee : .caller }
  }

  /// Answered, and ended by a BYE. `lasted` in nanoseconds from the first 2xx.
  case hungUp(by: Side, lasted: Int64, cause: String?, frame: FrameStamp)
  /// Answered, and no BYE until the capture's end.
  case up(since: Int64)
  /// Answered, as what follows shows, but the answer is not in the capture; the BYE, where there is one.
  case answerNotCaptured(by: Side?, cause: String?, frame: FrameStamp?)
  /// CANCEL and no 2xx; nanoseconds from the INVITE.
  case cancelled(after: Int64, cause: String?, frame: FrameStamp)
  case refused(status: Int, phrase: String, explanation: String?, frame: FrameStamp)
  case redirected(status: Int, to: String?, frame: FrameStamp)
  /// Challenged, and no credentials followed.
  case challenged(status: Int, frame: FrameStamp)
  /// The last provisional response, if any; nanoseconds the capture waited.
  case noFinalResponse(provisional: Int?, waited: Int64)
  /// No INVITE of the beginning is in the capture.
  case beganBefore(ended: Side?, frame: FrameStamp?)

  /// One word for programs.
  public var name: String {
    switch self {
    case .hungUp: "hung-up"
    case .up: "up"
    case .answerNotCaptured: "answer-not-captured"
    case .cancelled: "cancelled"
    case .refused: "refused"
    case .redirected: "redirected"
    case .challenged: "challenged"
    case .noFinalResponse: "no-final-response"
    case .beganBefore: "begins-in-the-middle"
    }
  }
}

/// A conversation with an INVITE, looked at as a whole.
public final class DialogStory {
  public let conversation: Conversation
  public let outcome: Outcome
  /// The caller's attempts on the first hop that the capture shows: with credentials, or at another target.
  public let attempts: [ObservedTransaction]
  /// The attempt with the answer, or the last one.
  public let decisive: ObservedTransaction?
  public let success: ObservedTransaction.Response?
  public let bye: ObservedTransaction?
  /// re-INVITEs, each counted once however many hops show it.
  public let reinvites: [ObservedTransaction]
  public let agreements: [MediaAgreement]
  /// What proves an answer that is not in the capture.
  public let proof: AnswerProof?

  /// - Parameters:
  ///   - end: the capture's last frame.
  ///   - media: the last RTP packet from an address that this conversation describes.
  public init(_ conversation: Conversation, end: FrameStamp, media: FrameStamp? = nil) {
    self.conversation = conversation
    let invites = conversation.transactions.filter { $0.method == .invite }
    let initial = invites.filter { $0.isInitial && $0.request != nil }
    let first = initial.first
    // Further hops of the same INVITE have other sources; a retry with credentials may come from another port.
    attempts = initial.filter { attempt in
      attempt.source == first?.source
        || attempt.key.number != first?.key.number && attempt.source.address == first?.source.address
    }
    let answered = attempts.first { $0.success != nil } ?? invites.first { $0.isInitial && $0.success != nil }
    decisive = answered ?? attempts.last
    success = answered?.success
    var seen: Set<String> = []
    reinvites = invites.filter { !$0.isInitial && seen.insert("\($0.fromTag ?? "") \($0.key.number)").inserted }
    bye = conversation.transactions.first { $0.method == .bye && $0.request != nil }
    agreements = MediaAgreement.all(conversation.transactions)
    proof = decisive.flatMap { AnswerProof.find($0, conversation.transactions, media) }
    outcome = Self.outcome(conversation, attempts, decisive, proof, bye, end)
  }

  public var caller: TransportAddress? { attempts.first?.source }
  public var callee: TransportAddress? { attempts.first?.destination }
  public var callerTag: String? { attempts.first?.fromTag }
  public var beginsInTheMiddle: Bool { attempts.isEmpty }

  /// Nanoseconds from the first INVITE to the first ringing or session progress (post-dial delay).
  public var postDialDelay: Int64? { delay { (180...183).contains($0.status) } }
  /// Nanoseconds from the first INVITE to the first 2xx.
  public var answerDelay: Int64? { delay { (200..<300).contains($0.status) } }

  /// The first of them is 180, not 183 or another.
  public var rings: Bool {
    for attempt in attempts {
      if let response = attempt.responses.first(where: { (180...183).contains($0.status) }) { return response.status == 180 }
    }
    return false
  }

  private func delay(_ matches: (ObservedTransaction.Response) -> Bool) -> Int64? {
    guard let begin = attempts.first?.request else { return nil }
    for attempt in attempts {
      if let response = attempt.responses.first(where: matches) { return response.first.since(begin) }
    }
    return nil
  }

  /// The To tags that answered the decisive INVITE.
  public var forks: [String] {
    var tags: [String] = []
    for response in decisive?.responses ?? [] where response.status > 100 && response.status < 300 {
      if let tag = response.toTag, !tags.contains(tag) { tags.append(tag) }
    }
    return tags
  }

  /// Offers after the first agreement that put the other side on hold, and those that took it back.
  public var holds: Int { transitions(toHold: true) }
  public var resumes: Int { transitions(toHold: false) }

  /// A hold is a change: an announcement that is agreed one way from the start holds nobody (RFC 3264 §8.4).
  private func transitions(toHold: Bool) -> Int {
    var isHeld: Bool?
    var count = 0
    for agreement in agreements {
      guard let offer = agreement.offer.audio, let answer = agreement.answer.audio else { continue }
      let now = offer.isHold || answer.isHold || !offer.direction.sends || !answer.direction.sends
      if let isHeld, now != isHeld, now == toHold { count += 1 }
      isHeld = now
    }
    return count
  }

  private static func outcome(
    _ conversation: Conversation, _ attempts: [ObservedTransaction], _ decisive: ObservedTransaction?, _ proof: AnswerProof?,
    _ bye: ObservedTransaction?, _ end: FrameStamp
  ) -> Outcome {
    guard let begin = attempts.first?.request, let decisive else {
      return .beganBefore(ended: nil, frame: bye?.request)
    }
    let side: Outcome.Side? = bye.map { $0.fromTag == attempts.first?.fromTag ? .caller : .callee }
    if let success = decisive.success {
      guard let bye, let side, let request = bye.request else { return .up(since: end.since(success.first)) }
      return .hungUp(by: side, lasted: request.since(success.first), cause: bye.explanation, frame: request)
    }
    if proof != nil { return .answerNotCaptured(by: side, cause: bye?.explanation, frame: bye?.request) }
    let cancel = conversation.transactions.first { $0.method == .cancel && $0.key.branch == decisive.key.branch && $0.request != nil }
    if let frame = decisive.cancel, isCancelled(decisive, cancel) {
      return .cancelled(after: frame.since(begin), cause: cancel?.explanation, frame: frame)
    }
    guard let final = decisive.final else {
      let waiting = decisive.request ?? begin
      return .noFinalResponse(provisional: decisive.responses.last?.status, waited: end.since(waiting))
    }
    switch final.status {
    case 401, 407: return .challenged(status: final.status, frame: final.first)
    case 300..<400: return .redirected(status: final.status, to: final.contact, frame: final.first)
    default: return .refused(status: final.status, phrase: final.phrase, explanation: final.explanation, frame: final.first)
    }
  }

  /// A CANCEL that was not taken ends nothing, when another final response than its 487 does (RFC 3261 §9.1).
  private static func isCancelled(_ invite: ObservedTransaction, _ cancel: ObservedTransaction?) -> Bool {
    guard let final = invite.final, final.status != 487 else { return true }
    return cancel?.success != nil
  }
}
