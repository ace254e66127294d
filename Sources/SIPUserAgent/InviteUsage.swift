import SIPMessage
import SIPTransaction
import SansIO

/// What the user agent keeps of one INVITE usage beside its machine.
struct InviteUsage {
  enum Role {
    case caller(Caller)
    case callee(Callee)
  }

  struct Caller {
    var machine = InviteClientUsage()
    var call: OutgoingCall
    /// The INVITE as it was last sent, without its Via.
    var invite: MessageDraft
    var sequence: UInt32
    var client: TransactionLayer.ClientID
    var digest: DigestClient?
    /// The last ACK, sent again when the 2xx comes again (RFC 3261 §13.2.2.4).
    var acknowledgement: MessageDraft?
  }

  struct Callee {
    var machine: InviteServerUsage
    var server: ServerID
    var invite: SIPMessage
    var localTag: String
    /// The 2xx, repeated until its ACK comes.
    var success: MessageDraft?
  }

  var role: Role
  var flow: Flow
  var localTag: String
  var callID: String
  var dialog: Dialog?

  /// Whether BYE can be sent and answered.
  var isEstablished: Bool {
    switch role {
    case .caller(let caller): if case .established = caller.machine.state { true } else { false }
    case .callee(let callee): if case .confirmed = callee.machine.state { true } else { false }
    }
  }
}
