import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// What the user agent keeps of one INVITE usage beside its machine. Classes, since every message of a call touches them: a struct of this
/// size would be copied with all its references each time.
final class InviteUsage {
  enum Role {
    case caller(Caller)
    case callee(Callee)
  }

  final class Caller {
    var machine = InviteClientUsage()
    let call: OutgoingCall
    /// That of the call, or of the contact it was redirected to.
    private(set) var requestURI: SIPURI
    /// The INVITE as it was last sent, without its Via.
    var invite: MessageDraft
    var sequence: UInt32
    var client: TransactionLayer.ClientID
    var digest: DigestClient?
    /// The INVITE had no offer: the ACK waits for the party's answer to the one in the 2xx.
    var isOfferDelayed: Bool { call.body.isEmpty }
    /// Those of the INVITE at hand.
    var early = EarlyDialogs()
    /// Where redirections lead.
    var targets = TargetSet()
    /// 2xx of other branches, by their To tag, with the ACK that each got.
    var forks: [String: (usage: InviteUsage, entry: AcknowledgementLedger.Entry)] = [:]

    init(call: OutgoingCall, invite: MessageDraft, sequence: UInt32, client: TransactionLayer.ClientID, digest: DigestClient?) {
      self.call = call
      requestURI = call.requestURI
      self.invite = invite
      self.sequence = sequence
      self.client = client
      self.digest = digest
    }

    /// The next INVITE goes to another Request-URI (nil: to another next hop alone) with the next CSeq number; To, From and Call-ID stay
    /// (RFC 3261 §8.1.3.4).
    func redirect(to uri: SIPURI?) {
      requestURI = uri ?? requestURI
      requestURI.headers = []
      sequence += 1
      invite.startLine = .request(.invite, uri: requestURI.description)
      invite.set(.cseq, "\(sequence) INVITE")
      invite.removeCredentials()
    }
  }

  final class Callee {
    var machine: InviteServerUsage
    let server: ServerID
    let invite: SIPMessage
    let localTag: String
    /// When the INVITE's Expires is over (RFC 3261 §13.3.1).
    var expiresAt: Instant?
    /// The answer in 183, once there is early media.
    var progress: Bytes?
    /// The 2xx, repeated until its ACK comes.
    var success: MessageDraft?

    init(machine: InviteServerUsage, server: ServerID, invite: SIPMessage, localTag: String) {
      self.machine = machine
      self.server = server
      self.invite = invite
      self.localTag = localTag
    }
  }

  /// A re-INVITE of ours.
  final class Reinvite {
    let body: Bytes
    let fields: [MessageDraft.Field]
    var credentials: MessageDraft.Field?
    var draft = MessageDraft(request: .invite, uri: "")
    var sequence: UInt32 = 0
    var client: TransactionLayer.ClientID?
    /// The final response.
    var response: SIPMessage?
    /// Its 2xx came, and the party has not said yet what goes into the ACK.
    var awaitsAcknowledgement = false

    init(body: Bytes, fields: [MessageDraft.Field]) {
      self.body = body
      self.fields = fields
    }
  }

  /// A re-INVITE of the peer's that we answered with 200.
  struct AnsweredReinvite {
    var server: ServerID
    var sequence: UInt32
    var success: MessageDraft
  }

  let role: Role
  /// The ACKs of our INVITEs in this call.
  var acknowledgements = AcknowledgementLedger()
  /// What the responses to them described.
  var descriptions = FirstDescriptions()
  /// The peer's INVITEs.
  var arrivedInvites = ArrivedInvites()
  var modification = SessionModification()
  var reinvite: Reinvite?
  var answeredReinvite: AnsweredReinvite?
  /// Set only while the machine handles it.
  var arrivedReinvite: (server: ServerID, message: SIPMessage)?
  /// Header fields for the BYE that ends this leg: a Reason.
  var byeFields: [MessageDraft.Field] = []
  /// The answer to a challenge of the BYE.
  var byeCredentials: MessageDraft.Field?
  /// The user part of our Contact.
  var contactUser: String?
  /// Whether requests without Route go over the flow rather than to Contact; nil = as the user agent does (contract 8.5, `natContact`).
  var prefersFlow: Bool?
  /// The flow that brought the peer's Contact; nil = that of the usage.
  var contactFlow: Flow?
  /// That the peer's Contact is not where the peer is has been told.
  var hasToldContact = false
  var flow: Flow
  let localTag: String
  let callID: String
  var dialog: Dialog?

  init(role: Role, flow: Flow, localTag: String, callID: String) {
    self.role = role
    self.flow = flow
    self.localTag = localTag
    self.callID = callID
  }

  /// No more responses will come to this INVITE of ours.
  func forget(_ client: TransactionLayer.ClientID) {
    acknowledgements.forget(client)
    descriptions.forget(client)
  }

  /// Whether our BYE is under way.
  var isTerminating: Bool {
    switch role {
    case .caller(let caller): if case .terminating = caller.machine.state { true } else { false }
    case .callee(let callee): if case .terminating = callee.machine.state { true } else { false }
    }
  }

  /// Whether BYE can be sent and answered.
  var isEstablished: Bool {
    switch role {
    case .caller(let caller): if case .established = caller.machine.state { true } else { false }
    case .callee(let callee): if case .confirmed = callee.machine.state { true } else { false }
    }
  }
}
