import KallglotPolicy
import Rules
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// The signalling of one leg: an INVITE and the dialogs that come of it (RFC 3261 §12, §13, RFC 5057).
///
/// ```
///   INVITE ──► early ──── 2xx ────► confirmed ──── BYE of either side, or the dialog is lost ────► over
///               │                                                                                ▲   │
///               └──── 3xx–6xx, CANCEL, Timer B, transport ───────────────────────────────────────┘   │
///                                                 gone ◄── no transaction takes a 2xx any more ──────┘
/// ```
/// A caller's `early` has a dialog for each To tag (``EarlyDialogs``), and the first 2xx confirms one. While it is `over`, 2xx that come
/// late are acknowledged (RFC 6026 §7.2). What each side does is in ``CallerConversation`` and ``CalleeConversation``; the INVITEs within
/// the dialog are ``Reinvites``.
class Conversation {
  enum State: Hashable { case early, confirmed, over }

  let id: LegID
  let stack: SIPStack
  let localTag: String
  let tagHash: UInt64
  let callID: Bytes
  var path: DialogPath
  fileprivate(set) var state = State.early
  /// The user part of our Contact.
  let contactUser: String?
  /// The ACKs of our INVITEs.
  var acknowledgements = AcknowledgementLedger()
  /// What the responses to them described.
  private var descriptions = FirstDescriptions()
  /// The peer's INVITEs.
  var arrivedInvites = ArrivedInvites()
  /// Made with the first INVITE within the dialog.
  private(set) var reinvites: Reinvites?
  private var farewell = Farewell()
  /// The INFO that is to be answered.
  var information: Information?
  /// Requests of ours that wait for the servers of their next hop.
  var waiting: WaitingErrands?

  /// The BYE that ends the dialog.
  private struct Farewell {
    /// A Reason.
    var fields: [HeaderField] = []
    /// The answer to a challenge.
    var credentials: HeaderField?
    /// It was sent again, since the connection under it was lost.
    var isRepeated = false
  }

  init(_ id: LegID, _ stack: SIPStack, localTag: String, callID: Bytes, _ path: DialogPath, contactUser: String?) {
    (self.id, self.stack, self.localTag, self.callID, self.path, self.contactUser) = (id, stack, localTag, callID, path, contactUser)
    tagHash = ByteHash.of(Bytes(localTag))
  }

  // MARK: - What each side has of its own

  /// Whether BYE can be sent and answered.
  var isEstablished: Bool { false }
  /// Whether our BYE is under way.
  var isTerminating: Bool { false }
  /// Whether the Call-ID is ours (RFC 3261 §14.1).
  var ownsCallID: Bool { false }
  /// When ``timerFired(_:)`` is due, re-INVITEs apart.
  var ownDeadline: Instant? { nil }
  /// Whether a 2xx may still come to the call's own INVITE.
  var hasOpenInvite: Bool { false }

  func hangUp(_ reason: EndReason, _ turn: inout Turn) {}
  func byeReceived(_ turn: inout Turn) {}
  func byeCompleted(_ turn: inout Turn) {}
  func ownTimerFired(_ turn: inout Turn) {}
  /// The field that answers a challenge to a request within the dialog.
  func answerChallenge(_ response: SIPMessage, _ method: SIPMethod, isNew: Bool) -> HeaderField? { nil }
  /// An ACK that belongs to the call's own INVITE; false where it does not.
  func acknowledged(_ ack: InboundMessage, sequence: UInt32, _ turn: inout Turn) -> Bool { false }
  /// Sends the ACK of the call's own INVITE, which waited for its body.
  func acknowledge(body: Bytes, _ turn: inout Turn) {}

  // MARK: - State

  var isLive: Bool { state != .over }

  func confirm() { state = .confirmed }

  /// The call is over for its owner.
  func end(_ reason: EndReason, _ turn: inout Turn) {
    state = .over
    turn.report(.ended(id, reason))
  }

  /// Whether late 2xx have to be waited for. It is asked of a conversation that is over.
  var awaitsLateSuccess: Bool { path.dialog != nil && (!acknowledgements.isEmpty || hasOpenInvite || reinvites?.hasOpenInvite == true) }

  /// The earlier of the deadlines of its machines.
  var nextDeadline: Instant? {
    guard isLive, let due = reinvites?.nextDeadline else { return ownDeadline }
    return min(due, ownDeadline ?? due)
  }

  func timerFired(_ turn: inout Turn) {
    if isLive, let due = reinvites?.nextDeadline, due <= turn.now { reinvites?.handle(.timer, &turn) } else { ownTimerFired(&turn) }
  }

  /// The machine of INVITEs within the dialog.
  var exchange: Reinvites {
    if let reinvites { return reinvites }
    let new = Reinvites(self)
    reinvites = new
    return new
  }

  /// No more responses will come to this INVITE of ours.
  func forget(_ client: ClientID) {
    acknowledgements.forget(client)
    descriptions.forget(client)
    reinvites?.forget(client)
  }

  // MARK: - Requests of the peer

  /// Whether a request of the peer comes after those accepted before it; nil when it is of no dialog of this call.
  func isInOrder(_ request: SIPRequest) -> Bool? { path.dialog?.isInOrder(request.sequence) }

  /// Whether a request within a dialog names this one: all three identifiers have to agree (RFC 3261 §12.2.2).
  func isNamed(by message: InboundMessage) -> Bool {
    guard isLive, let range = message.essentials.callID, message.message[range] == callID else { return false }
    guard let remote = path.dialog?.remoteTag else { return true }
    return RemoteTag(ofCallerIn: message) == remote
  }

  /// What an accepted request changes: its order, and the way to the peer. All of it once it is accepted, nothing while it may be refused
  /// (RFC 3261 §12.2.2).
  func accept(_ request: SIPRequest) { path.accept(sequence: request.sequence, on: request.flow) }

  func receiveBye(_ request: SIPRequest, _ turn: inout Turn) {
    accept(request)
    stack.respond(ResponseDraft(200), to: request, leg: id, &turn)
    reportReason(request.message, &turn)
    byeReceived(&turn)
  }

  func receiveAcknowledgement(_ ack: InboundMessage, sequence: UInt32, _ turn: inout Turn) {
    switch arrivedInvites.acknowledge(sequence, body: ack.message.body) {
    case .first, .copy: break
    case .unknown: return turn.report(.violation(id, PeerViolation(.acknowledgementSequence, "\(sequence)")))
    case .changed: return turn.report(.violation(id, PeerViolation(.secondAnswer, "the ACK \(sequence) came before with another one")))
    }
    if !acknowledged(ack, sequence: sequence, &turn) { reinvites?.acknowledged(ack, sequence: sequence, &turn) }
  }

  /// Several Reason lines are one list (RFC 3326 §2: one value a protocol).
  func reportReason(_ message: SIPMessage, _ turn: inout Turn) {
    guard message.has(.reason) else { return }
    turn.report(.reason(id, message.all(.reason).map(\.text).joined(separator: ", ")))
  }

  /// Names a Contact that leaves the scheme of a secure dialog.
  func checkContact(of message: SIPMessage, _ turn: inout Turn) {
    guard path.dialog?.isSecure == true, let violation = PeerViolation(clearContactIn: message) else { return }
    turn.report(.violation(id, violation))
  }

  // MARK: - BYE

  /// - Parameter fields: for the BYE, such as Reason (RFC 3326).
  func setByeFields(_ fields: [HeaderField]) { farewell.fields = fields }

  func sendBye(_ turn: inout Turn) { send(.bye, &turn) }

  func transmitBye(_ turn: inout Turn) {
    guard isLive, var draft = path.dialog?.nextRequest(.bye) else { return }
    draft.append(farewell.fields)
    if let credentials = farewell.credentials { draft.append([credentials]) }
    let flow = path.nextFlow(stack, id, &turn)
    _ = stack.send(
      draft, on: flow, label: Label(.request(.bye), dialog: id.rawValue, sequence: draft.sequence), for: .bye(id), &turn)
  }

  /// The connection was lost under our BYE: nobody knows whether it arrived, so that it is sent once more, on another one. Else the peer
  /// would keep a call that is over. It goes to the next server of the hop where there is one. False where it stays as it is.
  func sendByeAgain(after failure: TransactionFailure, _ turn: inout Turn) -> Bool {
    guard isLive, isTerminating else { return false }
    if !failOver("\(failure)", &turn) {
      guard case .transport(.closed) = failure, !farewell.isRepeated else { return false }
      farewell.isRepeated = true
    }
    sendBye(&turn)
    return true
  }

  /// The BYE is over with any final answer but a challenge, which is answered once (RFC 3261 §22.2).
  func receiveByeResponse(_ status: Int, _ response: SIPMessage, _ turn: inout Turn) {
    guard status >= 200 else { return }
    if status == 401 || status == 407, isLive, farewell.credentials == nil, let answer = answerChallenge(response, .bye, isNew: true) {
      farewell.credentials = answer
      return sendBye(&turn)
    }
    if status == 503, isLive, failOver("\(response)", retryAfter: response.retryAfter, &turn) { return sendBye(&turn) }
    byeCompleted(&turn)
  }

  // MARK: - ACK

  /// Sends the first ACK of an INVITE of ours and keeps it: a request of its own, outside transactions, with the INVITE's credentials
  /// (RFC 3261 §13.2.2.4).
  func acknowledge(_ client: ClientID, _ invite: RequestDraft, body: Bytes, _ turn: inout Turn) {
    send(.acknowledgement(client, invite, body: body), &turn)
  }

  func transmitAcknowledgement(_ client: ClientID, _ invite: RequestDraft, body: Bytes, _ turn: inout Turn) {
    guard let bytes = composeAcknowledgement(&path, invite, body: body, &turn) else { return }
    let entry = AcknowledgementLedger.Entry(client: client, sequence: invite.sequence, acknowledgement: bytes)
    acknowledgements.record(entry)
    send(entry, &path, isRepeated: false, &turn)
  }

  /// Repeats the ACK of a 2xx that came again; false where it had none.
  func repeatAcknowledgement(_ client: ClientID, _ turn: inout Turn) -> Bool {
    guard acknowledgements[client] != nil else { return waiting?.acknowledges(client) == true }
    send(.repeatedAcknowledgement(client), &turn)
    return true
  }

  func transmitAcknowledgementAgain(_ client: ClientID, _ turn: inout Turn) {
    if let entry = acknowledgements[client] { send(entry, &path, isRepeated: true, &turn) }
  }

  func composeAcknowledgement(_ path: inout DialogPath, _ invite: RequestDraft, body: Bytes, _ turn: inout Turn) -> Bytes? {
    guard var draft = path.dialog?.request(.ack, sequence: invite.sequence) else { return nil }
    if stack.style.acknowledgesWithCredentials { draft.append(invite.credentials) }
    draft.setDescription(body)
    let branch = stack.composer.mint.branch()
    let flow = path.nextFlow(stack, id, &turn)
    return stack.composer.write(draft, branch: branch, at: stack.place(flow), now: turn.now)
  }

  func send(_ entry: AcknowledgementLedger.Entry, _ path: inout DialogPath, isRepeated: Bool, _ turn: inout Turn) {
    var label = Label(
      .request(.ack), cause: isRepeated ? .repeated : .first, attempt: isRepeated ? 1 : 0, dialog: id.rawValue, sequence: entry.sequence)
    label.acknowledgedStatus = 200
    let flow = path.nextFlow(stack, id, &turn)
    stack.send(entry.acknowledgement, on: flow, label: label, &turn)
  }

  // MARK: - Descriptions

  /// Names a description that differs from the one before it in the same dialog.
  func compareDescription(_ client: ClientID, _ status: Int, _ response: InboundMessage, _ turn: inout Turn) {
    guard (101..<300).contains(status), !response.message.body.isEmpty, mayDescribe(client, status) else { return }
    let tag = response.essentials.toTag.map { response.message[$0] } ?? Bytes()
    guard let body = response.message.body(ofType: "application/sdp"),
      let before = descriptions.take(body, status: status, tag: tag, of: client)
    else { return }
    turn.report(.violation(id, PeerViolation(.secondAnswer, "the one in \(response) is not the one in the \(before) before it")))
  }

  /// In provisional responses to an INVITE without offer a description is no answer, and may change (RFC 3261 §13.2.1).
  func mayDescribe(_ client: ClientID, _ status: Int) -> Bool { true }
}
