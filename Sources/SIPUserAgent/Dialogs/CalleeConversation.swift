import KallglotPolicy
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// The called side of an INVITE: what the owner decides, and what leaves (RFC 3261 §13.3).
final class CalleeConversation: Conversation {
  private var machine: InviteServerUsage<InboundMessage>
  let invite: SIPRequest
  /// When the INVITE's Expires is over (RFC 3261 §13.3.1).
  private let expiresAt: Instant?
  /// The answer in 183, once there is early media.
  private var progress = Bytes()
  /// The 2xx, repeated until its ACK comes.
  private var success = Bytes()

  /// Takes an INVITE in; nothing is sent.
  init(_ id: LegID, _ invite: SIPRequest, prefersFlow: Bool?, _ stack: SIPStack, at now: Instant) {
    self.invite = invite
    let timers = stack.configuration.timers
    machine = InviteServerUsage(t1: timers.t1.wholeNanoseconds, t2: timers.t2.wholeNanoseconds)
    expiresAt = invite.facts.expires.map { now.advanced(by: .seconds($0)) }
    let tag = stack.composer.mint.tag()
    let dialog = Dialog(calleeOf: invite, localTag: tag, localSequence: stack.composer.mint.firstSequence())
    super.init(
      id, stack, localTag: tag, callID: invite.callID.compacted(), DialogPath(dialog, flow: invite.flow, prefersFlow: prefersFlow),
      contactUser: stack.composer.answeringContactUser(invite.calledUser))
    arrivedInvites.record(invite.sequence)
  }

  // MARK: - What the owner decides

  /// Sends 180 with a To tag.
  func ring(_ turn: inout Turn) { handle(.ring, &turn) }

  /// Sends 183 with an answer: early media (RFC 3261 §13.3.1.1, RFC 3960).
  func progress(body: Bytes, _ turn: inout Turn) {
    progress = body
    handle(.ring, &turn)
  }

  /// Sends 200 with this body (an SDP answer or offer) and repeats it until the ACK comes.
  func accept(body: Bytes, fields: [HeaderField], _ turn: inout Turn) {
    let hasRung = if case .ringing = machine.state { true } else { false }
    let draft = ResponseDraft(
      200, toTag: localTag, fields: fields, description: body, kind: hasRung ? .successAfterProvisional : .responses)
    success = stack.compose(draft, to: invite, at: turn.now)
    handle(.accept, &turn)
  }

  /// Sends a final refusal.
  func refuse(_ refusal: Refusal, _ turn: inout Turn) { handle(.refuse(refusal), &turn) }

  // MARK: - As a conversation

  override var isEstablished: Bool { machine.state == .confirmed }
  override var isTerminating: Bool { if case .terminating = machine.state { true } else { false } }

  override var ownDeadline: Instant? {
    guard isLive else { return nil }
    guard machine.isUnanswered, let expiresAt else { return machine.nextDeadline }
    return min(expiresAt, machine.nextDeadline ?? expiresAt)
  }

  override func hangUp(_ reason: EndReason, _ turn: inout Turn) { handle(.hangUp(reason), &turn) }
  override func byeReceived(_ turn: inout Turn) { handle(.bye, &turn) }
  override func byeCompleted(_ turn: inout Turn) { handle(.byeCompleted, &turn) }

  override func ownTimerFired(_ turn: inout Turn) {
    let isExpired = machine.isUnanswered && expiresAt.map { $0 <= turn.now } ?? false
    handle(isExpired ? .expired : .timer, &turn)
  }

  func receiveCancel(_ cancel: InboundMessage, _ server: ServerID, _ turn: inout Turn) {
    stack.respond(server, ResponseDraft(200, toTag: localTag), to: cancel, leg: id, &turn)
    reportReason(cancel.message, &turn)
    handle(.cancelled, &turn)
  }

  /// Whether our 2xx waits for its ACK.
  var awaitsAcknowledgement: Bool { if case .accepted = machine.state { true } else { false } }

  override func acknowledged(_ ack: InboundMessage, sequence: UInt32, _ turn: inout Turn) -> Bool {
    guard awaitsAcknowledgement else { return false }
    if sequence == invite.sequence { handle(.ack(ack), &turn) }
    return true
  }

  // MARK: - The machine and its outputs

  private func handle(_ input: InviteServerUsage<InboundMessage>.Input, _ turn: inout Turn) {
    guard isLive else { return }
    for output in machine.handle(input, at: turn.now) {
      switch output {
      case .sendRinging:
        let draft = ResponseDraft(progress.isEmpty ? 180 : 183, toTag: localTag, description: progress)
        stack.respond(draft, to: invite, leg: id, &turn)
      case .sendSuccess:
        confirm()
        sendSuccess(attempt: 0, turn.now)
      case .repeatSuccess(let attempt): sendSuccess(attempt: attempt, turn.now)
      case .sendRefusal(let refusal): stack.refuse(invite, refusal, toTag: localTag, leg: id, &turn)
      case .sendBye:
        if case .terminating(.ackMissing) = machine.state { setByeFields(stack.style.unacknowledgedByeHeaders.map(\.field)) }
        sendBye(&turn)
      case .confirmed(let ack): turn.report(.acknowledged(id, ack))
      case .ended(let reason): end(reason, &turn)
      }
    }
  }

  private func sendSuccess(attempt: Int, _ now: Instant) {
    stack.repeatSuccess(invite.server, success, attempt: attempt, dialog: id, sequence: invite.sequence, at: now)
  }
}
