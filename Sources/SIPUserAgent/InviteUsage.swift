import SIPMessage
import SIPTransaction
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
    /// The INVITE as it was last sent, without its Via.
    var invite: MessageDraft
    var sequence: UInt32
    var client: TransactionLayer.ClientID
    var digest: DigestClient?
    /// The last ACK, sent again when the 2xx comes again (RFC 3261 §13.2.2.4).
    var acknowledgement: MessageDraft?

    init(call: OutgoingCall, invite: MessageDraft, sequence: UInt32, client: TransactionLayer.ClientID, digest: DigestClient?) {
      self.call = call
      self.invite = invite
      self.sequence = sequence
      self.client = client
      self.digest = digest
    }
  }

  final class Callee {
    var machine: InviteServerUsage
    let server: ServerID
    let invite: SIPMessage
    let localTag: String
    /// The 2xx, repeated until its ACK comes.
    var success: MessageDraft?

    init(machine: InviteServerUsage, server: ServerID, invite: SIPMessage, localTag: String) {
      self.machine = machine
      self.server = server
      self.invite = invite
      self.localTag = localTag
    }
  }

  let role: Role
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

  /// Whether BYE can be sent and answered.
  var isEstablished: Bool {
    switch role {
    case .caller(let caller): if case .established = caller.machine.state { true } else { false }
    case .callee(let callee): if case .confirmed = callee.machine.state { true } else { false }
    }
  }
}
