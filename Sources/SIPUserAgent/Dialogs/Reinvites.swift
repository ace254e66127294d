import Rules
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// INVITE within one dialog, both ways (RFC 3261 §14): the machine of offers and answers with what it has under way.
final class Reinvites {
  /// A re-INVITE of ours.
  private struct Ours {
    var body: Bytes
    var credentials: HeaderField?
    /// As it was last sent.
    var invite: RequestDraft?
    var client: ClientID?
    var isOpen = false
    /// Why it never left.
    var obstacle: String?
    /// Its 2xx came, and the owner has not said yet what goes into the ACK.
    var awaitsAcknowledgement = false
  }

  /// A re-INVITE of the peer's that we answered with 200.
  private struct Theirs {
    var server: ServerID
    var sequence: UInt32
    var success: Bytes
  }

  private unowned let conversation: Conversation
  private var machine = OfferAnswerExchange<SIPRequestOrMessage>()
  private var ours: Ours?
  private var theirs: Theirs?

  init(_ conversation: Conversation) { self.conversation = conversation }

  private var stack: SIPStack { conversation.stack }
  private var id: LegID { conversation.id }

  var nextDeadline: Instant? { machine.nextDeadline }
  var hasOpenInvite: Bool { ours?.isOpen == true }

  func forget(_ client: ClientID) { if ours?.client == client { ours?.isOpen = false } }

  // MARK: - What the owner decides

  /// Sends a re-INVITE with this offer; empty = the peer's 200 shall carry one.
  func reinvite(body: Bytes, _ turn: inout Turn) {
    if machine.isIdle {
      ours = Ours(body: body)
      (conversation as? CallerConversation)?.beginRequest()
    }
    handle(.reinvite, &turn)
  }

  /// Sends the ACK of a 2xx to our re-INVITE; false where none waits for it.
  func acknowledge(body: Bytes, _ turn: inout Turn) -> Bool {
    guard let reinvite = ours, reinvite.awaitsAcknowledgement, let client = reinvite.client, let invite = reinvite.invite else {
      return false
    }
    ours?.awaitsAcknowledgement = false
    conversation.acknowledge(client, invite, body: body, &turn)
    return true
  }

  /// Answers a re-INVITE with 200 and this body, repeated until the ACK comes.
  func answer(_ request: SIPRequest, body: Bytes, _ turn: inout Turn) {
    conversation.accept(request)
    conversation.path.refreshTarget(request.message, from: request.flow)
    conversation.checkContact(of: request.message, &turn)
    let success = stack.compose(ResponseDraft(200, description: body, kind: .reinviteResponses), to: request, at: turn.now)
    theirs = Theirs(server: request.server, sequence: request.sequence, success: success)
    handle(.answer, &turn)
  }

  /// Refuses a re-INVITE; the session stays as it was (RFC 3261 §14.2).
  func refuse(_ request: SIPRequest, status: Int, fields: [HeaderField], _ turn: inout Turn) {
    handle(.refuse, &turn)
    stack.respond(ResponseDraft(status, fields: fields, kind: .reinviteResponses), to: request, leg: id, &turn)
  }

  // MARK: - What arrives

  func receive(_ request: SIPRequest, _ turn: inout Turn) {
    conversation.arrivedInvites.record(request.sequence)
    if conversation.isEstablished { return handle(.requested(.request(request)), &turn) }
    // Our BYE is under way: the dialog is over (RFC 5407 §3.1.4).
    if conversation.isTerminating { return refuseArrived(request, status: 481, &turn) }
    // Between our 200 and its ACK: 491 (RFC 5407 §3.1.5); before our final response: 500 (RFC 3261 §14.2).
    let isAccepted = (conversation as? CalleeConversation)?.awaitsAcknowledgement == true
    refuseArrived(request, status: isAccepted ? 491 : 500, &turn)
  }

  func acknowledged(_ ack: InboundMessage, sequence: UInt32, _ turn: inout Turn) {
    if case .answered = machine.state, theirs?.sequence == sequence { handle(.ack(.message(ack)), &turn) }
  }

  func receiveResponse(_ client: ClientID, _ status: Int, _ response: InboundMessage, _ turn: inout Turn) {
    // The 2xx again, of this re-INVITE or of one before it: its own ACK again (RFC 3261 §13.2.2.4).
    guard status >= 200, status >= 300 || !conversation.repeatAcknowledgement(client, &turn) else { return }
    guard let reinvite = ours, reinvite.client == client else { return }
    guard conversation.isLive else {
      // The call is over, but the peer waits for the ACK of this 2xx (RFC 5407 §3.2.4).
      if status < 300 { acknowledgeUnwanted(reinvite, response.message, &turn) }
      return
    }
    if status == 503, conversation.failOver("\(response)", retryAfter: response.message.retryAfter, &turn) { return send(&turn) }
    switch status {
    case ..<300:
      conversation.path.refreshTarget(response.message, from: response.flow)
      conversation.checkContact(of: response.message, &turn)
      ours?.awaitsAcknowledgement = true
      handle(.success(.message(response)), &turn)
    case 401, 407:
      guard let answer = conversation.answerChallenge(response.message, .invite, isNew: false) else {
        return handle(.rejected(.message(response)), &turn)
      }
      ours?.credentials = answer
      send(&turn)
    case 408, 481: handle(.dialogGone(.message(response)), &turn)
    case 491: handle(.glare(wait: glareWait()), &turn)
    default: handle(.rejected(.message(response)), &turn)
    }
  }

  /// No answer ends the dialog (RFC 3261 §12.2.1.2); a request that could not be delivered, like a 503, does not (§8.1.3.1).
  func failed(_ failure: TransactionFailure, _ turn: inout Turn) {
    if conversation.isLive, conversation.failOver("\(failure)", &turn) { return send(&turn) }
    guard case .transport(let reason) = failure else { return handle(.dialogGone(nil), &turn) }
    if case .notLocated(let reason) = reason { ours?.obstacle = reason }
    handle(.rejected(nil), &turn)
  }

  /// Our re-INVITE goes on in another transaction.
  func move(to client: ClientID) {
    ours?.client = client
    ours?.isOpen = true
  }

  /// RFC 3261 §14.1, in units of 10 ms: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other side.
  private func glareWait() -> Int64 {
    stack.composer.mint.number(in: conversation.ownsCallID ? 210...400 : 0...200) * 10_000_000
  }

  /// The 2xx of a re-INVITE whose call has ended meanwhile; an offer in it is declined (RFC 3261 §13.2.2.4).
  private func acknowledgeUnwanted(_ reinvite: Ours, _ response: SIPMessage, _ turn: inout Turn) {
    guard let client = reinvite.client, let invite = reinvite.invite else { return }
    conversation.acknowledge(
      client, invite, body: reinvite.body.isEmpty ? stack.configuration.declining.answer(to: response.body) : Bytes(), &turn)
  }

  // MARK: - The machine and its outputs

  func handle(_ input: OfferAnswerExchange<SIPRequestOrMessage>.Input, _ turn: inout Turn) {
    guard conversation.isLive else { return }
    for output in machine.handle(input, at: turn.now) {
      switch output {
      case .sendInvite: send(&turn)
      case .busy: turn.report(.reinviteFailed(id, status: nil, reason: "another re-INVITE is in progress (RFC 3261 §14.1)"))
      case .succeeded(let response): turn.report(.reinviteAnswered(id, response.inbound))
      case .retryDue: turn.report(.reinviteDue(id))
      case .failed(let response):
        turn.report(.reinviteFailed(id, status: response?.message.status, reason: failureText(response?.message)))
      case .handUp(let request): if let request = request.request { turn.report(.reinvite(id, request)) }
      case .refusePending(let request): if let request = request.request { refuseArrived(request, status: 491, &turn) }
      case .refuseUnfinished(let request): if let request = request.request { refuseArrived(request, status: 500, &turn) }
      case .sendSuccess: sendSuccess(attempt: 0, turn.now)
      case .repeatSuccess(let attempt): sendSuccess(attempt: attempt, turn.now)
      case .acknowledged(let ack): turn.report(.reinviteAcknowledged(id, ack.inbound))
      case .endDialog(let reason): conversation.hangUp(reason, &turn)
      }
    }
  }

  private func failureText(_ response: SIPMessage?) -> String {
    response.map { "\($0)" } ?? ours?.obstacle ?? "no answer to the re-INVITE"
  }

  private func refuseArrived(_ request: SIPRequest, status: Int, _ turn: inout Turn) {
    let phrase = status == 481 ? nil : stack.behaviour.answer(to: .pendingInvite)?.phrase
    if status != 481 { turn.report(.reinviteRefused(id, request.inbound)) }
    var fields: [HeaderField] = []
    if status == 500 {
      turn.report(.violation(id, PeerViolation(.inviteOverlaps, "CSeq \(request.sequence)")))
      // §14.2: a random number of seconds between 0 and 10.
      fields = [HeaderField(.retryAfter, String(stack.composer.mint.number(in: 0...10)))]
    }
    stack.respond(ResponseDraft(status, reason: phrase, fields: fields, kind: .reinviteResponses), to: request, leg: id, &turn)
  }

  private func send(_ turn: inout Turn) { conversation.send(.reinvite, &turn) }

  /// The next hop is known.
  func transmit(_ turn: inout Turn) {
    guard let reinvite = ours, var draft = conversation.path.dialog?.nextRequest(.invite) else { return }
    let flow = conversation.path.nextFlow(stack, id, &turn)
    let isSecure = conversation.path.dialog?.wantsSecureContact == true
    draft.fields.append(
      .contact, stack.composer.contact(user: conversation.contactUser, at: stack.place(flow), isSecure: isSecure))
    stack.composer.appendCapabilities(to: &draft)
    if let credentials = reinvite.credentials { draft.append([credentials]) }
    draft.setDescription(reinvite.body)
    let label = Label(.request(.invite), dialog: id.rawValue, sequence: draft.sequence)
    ours?.client = stack.send(draft, on: flow, label: label, for: .reinvite(id), &turn)
    ours?.invite = draft
    ours?.isOpen = true
    ours?.awaitsAcknowledgement = false
  }

  private func sendSuccess(attempt: Int, _ now: Instant) {
    guard let theirs else { return }
    stack.repeatSuccess(theirs.server, theirs.success, attempt: attempt, dialog: id, sequence: theirs.sequence, at: now)
  }
}

/// What the machine of re-INVITEs hands on: the peer's request, or a response or ACK.
enum SIPRequestOrMessage: Hashable, Sendable {
  case request(SIPRequest)
  case message(InboundMessage)

  var request: SIPRequest? { if case .request(let request) = self { request } else { nil } }

  var inbound: InboundMessage {
    switch self {
    case .request(let request): request.inbound
    case .message(let message): message
    }
  }

  var message: SIPMessage { inbound.message }
}
