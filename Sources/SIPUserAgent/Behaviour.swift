import SIPComposition
import SIPMessage

/// What a product does where products differ, as lines of data. A situation without a rule is answered as RFC 3261 says.
public struct Behaviour: Hashable, Sendable, Codable {
  /// In the order they were given: a later rule for the same situation replaces an earlier one.
  public var rules: [BehaviourRule]

  public init(_ rules: [BehaviourRule] = []) { self.rules = rules }

  public subscript(situation: BehaviourRule.Situation) -> BehaviourRule.Reaction? {
    rules.last { $0.situation == situation }?.reaction
  }

  /// The answer that a rule gives; nil where there is none, or it does something else.
  public func answer(to situation: BehaviourRule.Situation) -> BehaviourRule.Answer? {
    if case .answer(let answer) = self[situation] { answer } else { nil }
  }

  public func does(_ reaction: BehaviourRule.Reaction, in situation: BehaviourRule.Situation) -> Bool { self[situation] == reaction }
}

/// One line of it: `when: foreign-scheme, answer: 404`.
public struct BehaviourRule: Hashable, Sendable, Codable {
  /// The raw value is the word of the situation.
  public enum Situation: String, Hashable, Sendable, Codable, CaseIterable {
    // Requests, before any application is asked
    /// An INVITE arrives. RFC 3261: a 100 after 200 ms (§17.2.1).
    case inviteArrives = "invite-arrives"
    /// A request within a dialog has a CSeq not above the last one. RFC 3261: 500 (§12.2.2).
    case lowSequence = "low-sequence"
    /// A re-INVITE meets another. RFC 3261: 491 or 500 (§14.2).
    case pendingInvite = "pending-invite"
    /// A copy of an INVITE came by another path. RFC 3261: 482 (§8.2.2.2).
    case mergedRequest = "merged-request"
    /// The Request-URI has a scheme that is not known. RFC 3261: 416 (§8.2.2.1).
    case foreignScheme = "foreign-scheme"
    /// An INVITE for a sips URI came over UDP, which RFC 5630 §4 forbids. Served where nothing is said.
    case secureURIOverDatagrams = "sips-over-udp"
    /// The body cannot be read. RFC 3261: 415 with Accept (§8.2.3).
    case unreadableBody = "unreadable-body"
    /// CSeq names another method. RFC 3261: 400 (§8.1.1.5).
    case sequenceMethodMismatch = "cseq-method-mismatch"

    // Calls
    /// It calls somebody. An INVITE has an offer.
    case callPlaced = "call-placed"
    /// A call does not come to the registered Contact, parameters included.
    case callFromStranger = "call-from-stranger"
    /// The SDP of an INVITE cannot be read. As any other offer that is refused.
    case unreadableOffer = "unreadable-offer"
    /// The offer of an initial INVITE cannot be accepted: 488 with Warning (RFC 3261 §20.43).
    case unacceptableOffer = "unacceptable-offer"
    /// The same in a re-INVITE.
    case unacceptableReoffer = "unacceptable-reoffer"
    /// A call is hung up whose media was moved elsewhere.
    case hangUpWithDirectMedia = "hang-up-with-direct-media"
    /// A BYE is sent.
    case bye
  }

  public enum Reaction: Hashable, Sendable, Codable {
    /// As a request that nothing is wrong with.
    case serve
    /// It is not answered at all.
    case ignore
    case answer(Answer)
    /// The INVITE leaves without an offer.
    case delayOffer
    /// A re-INVITE takes the media back first, and the BYE has no Reason.
    case takeMediaBack
    /// The call's RTP is reported in P-RTP-Stat.
    case reportMedia
  }

  public struct Answer: Hashable, Sendable, Codable {
    /// nil = the RFC's.
    public var status: Int?
    /// nil = the usual one.
    public var phrase: String?
    /// In place of those that say why.
    public var headers: [HeaderLine]

    public init(status: Int? = nil, phrase: String? = nil, headers: [HeaderLine] = []) {
      self.status = status
      self.phrase = phrase
      self.headers = headers
    }

    public var fields: [HeaderField] { headers.map(\.field) }
  }

  public var situation: Situation
  public var reaction: Reaction

  public init(_ situation: Situation, _ reaction: Reaction) {
    self.situation = situation
    self.reaction = reaction
  }

  public init(_ situation: Situation, answer status: Int? = nil, phrase: String? = nil, headers: [HeaderLine] = []) {
    self.init(situation, .answer(Answer(status: status, phrase: phrase, headers: headers)))
  }
}
