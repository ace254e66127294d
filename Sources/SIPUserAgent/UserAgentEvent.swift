import KallglotPolicy
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// What a user agent tells the party that owns it. Where a decision is needed (`incoming`, `request`, `reinvite`) the party answers by a
/// call on ``UserAgent``; everything else is news.
public enum UserAgentEvent: Sendable {
  case listening(TransportListener)
  case listenFailed(TransportListener, BindFailure)
  /// A peer connected; nothing was read yet.
  case accepted(Flow)
  case flowFailed(Flow, FlowFailure)
  /// A message was not sent, did not arrive, or a listener could not read or accept. It concerns that message; transactions know it.
  case socketFailed(LegID?, SocketFailure)
  /// Connections are taken again.
  case acceptsAgain(TransportListener)
  /// Bytes that are no SIP message, with the rule they broke.
  case malformed(rule: String, Flow)

  /// An initial INVITE: ``UserAgent/ring(_:at:_:)``, ``UserAgent/accept(_:body:at:_:)`` or
  /// ``UserAgent/refuse(_:status:reason:fields:at:_:)``.
  case incoming(LegID, SIPRequest)
  /// Our 2xx was acknowledged; the ACK may carry an answer.
  case acknowledged(LegID, InboundMessage)
  /// A provisional above 100.
  case ringing(LegID, InboundMessage)
  /// Our INVITE was answered with a 2xx. It has been acknowledged, unless the INVITE had no offer: then the party answers the one in the
  /// 2xx by ``UserAgent/acknowledge(_:body:at:_:)``.
  case answered(LegID, InboundMessage)
  /// A final refusal of our INVITE, before ``ended``.
  case refused(LegID, InboundMessage)
  /// An INVITE within a dialog: ``UserAgent/answerReinvite(_:_:_:body:at:_:)`` or ``UserAgent/refuseReinvite(_:_:_:status:fields:at:_:)``.
  case reinvite(LegID, SIPRequest)
  /// An INVITE within a dialog that was refused for another reason than its offer, which nobody has looked at.
  case reinviteRefused(LegID, InboundMessage)
  /// The ACK of our 200 to a re-INVITE; it may carry an answer.
  case reinviteAcknowledged(LegID, InboundMessage)
  /// Our re-INVITE got its 2xx: ``UserAgent/acknowledge(_:body:at:_:)`` has to follow.
  case reinviteAnswered(LegID, InboundMessage)
  /// Our re-INVITE met one of the peer's (491), and the wait is over: it may be sent again with a fresh offer.
  case reinviteDue(LegID)
  /// Our re-INVITE failed; the session is as it was. The status is nil when no response came.
  case reinviteFailed(LegID, status: Int?, reason: String)
  /// Another request within a dialog; BYE is answered already.
  case inDialog(LegID, SIPRequest)
  /// Why the peer's BYE or CANCEL came, in its own words: the values of its Reason (RFC 3326 §2), before ``ended``.
  case reason(LegID, String)
  case ended(LegID, EndReason)
  /// The final response to our INFO; nil = none came, or it never left.
  case infoAnswered(LegID, status: Int?)

  /// A request that RFC 3261 wants refused whatever it asks for: ``UserAgent/refuse(_:_:_:_:at:_:)``, or ``UserAgent/ignore(_:at:)`` for
  /// a peer that gets no answers.
  case defective(ServerID, InboundMessage, RequestDefect)
  /// A request that the gate dropped; an INVITE has a number that no leg will have.
  case dropped(LegID?, InboundMessage)
  /// A request outside dialogs that is no INVITE.
  case request(SIPRequest)
  /// The final response to a request of ``UserAgent/send(_:at:_:)``.
  ///
  /// `sequence`: the CSeq number it was sent with last, challenges and redirections included.
  case response(RequestID, InboundMessage, sequence: UInt32)
  /// A request of ``UserAgent/send(_:at:_:)`` got no answer; `sequence` as above.
  case requestFailed(RequestID, TransactionFailure, sequence: UInt32)
  /// Something lawful that is answered in our own way.
  case note(LegID?, PeerNote)
  /// Our INVITE goes to another place, after this status or, with none, after a place that did not answer.
  case redirected(LegID, status: Int?, uri: String, target: TransportAddress)
  /// A server of a domain did not take a request of ours: it goes to the next one (RFC 3263 §4.3).
  case failedOver(LegID?, after: FailedServer, to: SIPTarget)
  /// No server of a domain took a request of ours; each with its reason, in the order in which they were tried.
  case serversFailed(LegID?, [FailedServer])
  /// No server was found for a request of ours (RFC 3263 §4), and why.
  case notLocated(LegID?, reason: String)
  /// A final response of ours that is not a 2xx, by whatever layer; the leg is the one whose dialog or INVITE it belongs to.
  case requestRefused(LegID?, RefusedRequest)
  /// A rule that the peer broke.
  case violation(LegID?, PeerViolation)
}

/// A request outside dialogs that we sent.
public struct RequestID: Hashable, Sendable {
  public var rawValue: UInt32
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// Username and password for digest challenges.
public struct Credentials: Sendable, Hashable {
  public var username: String
  public var password: Secret
  public init(username: String, password: Secret) {
    self.username = username
    self.password = password
  }
}

/// An INVITE to be sent.
public struct OutgoingCall: Sendable {
  public var requestURI: SIPURI
  /// The next hop, resolved.
  public var target: SIPTarget
  /// Further servers of the same domain, tried in their order where the target fails (RFC 3263 §4.3).
  public var others: [SIPTarget] = []
  public var from: NameAddress
  public var to: NameAddress
  public var credentials: Credentials?
  /// Further header fields, in order.
  public var fields: [HeaderField]
  /// An SDP offer; empty = delayed offer.
  public var body: Bytes
  /// The flow a registration came by, instead of a way to the target of its own (RFC 5626 §5.3).
  public var flow: Flow?
  /// Whether requests within the call go over its flow rather than to Contact; nil = as the user agent does.
  public var prefersFlow: Bool?

  public init(
    requestURI: SIPURI, target: SIPTarget, from: NameAddress, to: NameAddress, credentials: Credentials? = nil,
    fields: [HeaderField] = [], body: Bytes = Bytes(), flow: Flow? = nil
  ) {
    self.flow = flow
    self.requestURI = requestURI
    self.target = target
    self.from = from
    self.to = to
    self.credentials = credentials
    self.fields = fields
    self.body = body
  }
}
