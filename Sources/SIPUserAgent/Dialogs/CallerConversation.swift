import KallglotPolicy
import Rules
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// The caller's side: INVITE, its responses from one branch or several, ACK, CANCEL (RFC 3261 §9.1, §13.2).
final class CallerConversation: Conversation {
  private var machine = InviteClientUsage<InboundMessage>()
  /// The INVITE as it was last sent.
  private var invite: RequestDraft
  /// Of the INVITE as it was last sent: that of the call, or of the contact it was redirected to.
  private var requestURI: SIPURI
  private(set) var client = ClientID(0)
  private var isOpen = true
  private var digest: DigestClient?
  /// Those of the INVITE at hand.
  private(set) var early = EarlyDialogs()
  /// Where redirections lead.
  private var targets = TargetSet()
  /// The place that the INVITE was redirected to, while its servers are looked for, and the status that sent it there.
  private var redirection: (target: AlternativeTarget, status: Int?)?
  /// The other servers of the domain that is called; nil where there is but one.
  private var failover: ServerFailover?
  /// 2xx of other branches, with the ACK that each got.
  private var forks: [Fork] = []
  /// When a CANCEL without a final response is given up, or a call that ended before its INVITE was answered (RFC 3261 §9.1).
  private var patienceEnds: Instant?

  /// A 2xx from another branch (RFC 3261 §13.2.2.4).
  private struct Fork {
    let tag: RemoteTag
    var path: DialogPath
    /// An offer declined.
    let answer: Bytes
    /// The ACK; nil while the servers of its next hop are looked for.
    var entry: AcknowledgementLedger.Entry?
  }

  /// Sends the INVITE.
  init(_ id: LegID, _ call: OutgoingCall, _ stack: SIPStack, _ turn: inout Turn) {
    let (first, failover) = call.flow == nil ? stack.failover(call.target, others: call.others, at: turn.now) : (call.target, nil)
    self.failover = failover
    let flow = call.flow ?? stack.flow(to: first, &turn)
    let tag = stack.composer.mint.tag()
    let callID = stack.composer.mint.callID(host: flow.local.address.description)
    var from = call.from
    from.tag = tag
    let identity = HeaderLines.identity(from: from.description, to: call.to.withoutPort.description, callID: callID)
    requestURI = call.requestURI
    invite = RequestDraft(
      .invite, uri: Bytes(requestURI.description), identity: identity, sequence: stack.composer.mint.firstSequence())
    let contactUser = stack.style.contactUser ?? call.from.uri.user
    digest = call.credentials.map { DigestClient($0) }
    var path = DialogPath(flow: flow, prefersFlow: call.prefersFlow)
    path.serverName = first.serverName
    super.init(id, stack, localTag: tag, callID: Bytes(callID), path, contactUser: contactUser)
    invite.fields.reserve(bytes: 512)
    invite.fields.append(.contact, contact)
    stack.composer.appendCapabilities(to: &invite)
    invite.append(call.fields)
    invite.setDescription(call.body)
    sendInvite(&turn)
  }

  private var contact: Bytes {
    // First, since the place may be made anew: the composer would be copied meanwhile.
    let place = stack.place(path.flow)
    return stack.composer.contact(user: contactUser, at: place, isSecure: requestURI.scheme == .sips)
  }

  /// The INVITE had no offer: the ACK waits for the owner's answer to the one in the 2xx.
  private var isOfferDelayed: Bool { invite.body.isEmpty }

  private func sendInvite(_ turn: inout Turn) {
    isOpen = true
    client = stack.send(
      invite, on: path.flow, label: Label(.request(.invite), dialog: id.rawValue, sequence: invite.sequence), for: .invite(id), &turn)
  }

  // MARK: - As a conversation

  override var isEstablished: Bool { machine.state == .established }
  override var isTerminating: Bool { if case .terminating = machine.state { true } else { false } }
  override var ownsCallID: Bool { true }
  override var ownDeadline: Instant? { patienceEnds }
  override var hasOpenInvite: Bool { isOpen }
  override var awaitsLateSuccess: Bool {
    path.dialog == nil ? patienceEnds != nil || isOpen && !forks.isEmpty : super.awaitsLateSuccess
  }

  override func hangUp(_ reason: EndReason, _ turn: inout Turn) {
    handle(.hangUp(reason), &turn)
    leaveRedirection(&turn)
  }
  override func byeReceived(_ turn: inout Turn) { handle(.bye, &turn) }
  override func byeCompleted(_ turn: inout Turn) { handle(.byeCompleted, &turn) }

  func cancel(_ turn: inout Turn) {
    handle(.cancel, &turn)
    leaveRedirection(&turn)
  }

  /// No INVITE is under way where a redirection waits for its servers: a call that was given up is over at once.
  private func leaveRedirection(_ turn: inout Turn) {
    guard redirection != nil else { return }
    redirection = nil
    handle(.failed(.timerB), &turn)
  }

  override func ownTimerFired(_ turn: inout Turn) {
    patienceEnds = nil
    if isLive { handle(.guardExpired, &turn) } else if stack.transactions.isUnanswered(client) { giveUp() }
  }

  override func forget(_ client: ClientID) {
    super.forget(client)
    if client == self.client { isOpen = false }
  }

  override func mayDescribe(_ client: ClientID, _ status: Int) -> Bool { status >= 200 || client != self.client || !isOfferDelayed }

  override func answerChallenge(_ response: SIPMessage, _ method: SIPMethod, isNew: Bool) -> HeaderField? {
    guard let uri = path.dialog?.requestURI else { return nil }
    if isNew { digest?.beginRequest() }
    return stack.answer(response, with: &digest, method: method, uri: uri)
  }

  /// A request of ours within the dialog begins: it may be challenged anew.
  func beginRequest() { digest?.beginRequest() }

  // MARK: - Requests before the 2xx

  override func isInOrder(_ request: SIPRequest) -> Bool? {
    if path.dialog != nil { return super.isInOrder(request) }
    let tag = request.fromTag ?? Bytes()
    return early.contains(tag) ? early.isInOrder(request.sequence, in: tag) : nil
  }

  override func accept(_ request: SIPRequest) {
    if path.dialog != nil { return super.accept(request) }
    if let tag = request.fromTag { early.accept(request.sequence, in: tag) }
    path.accept(on: request.flow)
  }

  /// The callee ends an early dialog of a call of ours, which only the caller may (RFC 3261 §15). The call is over with its last one.
  override func receiveBye(_ request: SIPRequest, _ turn: inout Turn) {
    guard path.dialog == nil else { return super.receiveBye(request, &turn) }
    accept(request)
    stack.respond(ResponseDraft(200), to: request, leg: id, &turn)
    reportReason(request.message, &turn)
    turn.report(.violation(id, PeerViolation(.byeInEarlyDialog, "before the final response to our INVITE")))
    early.close(request.fromTag ?? Bytes())
    if early.isEmpty { handle(.bye, &turn) }
  }

  // MARK: - Responses

  func receiveResponse(_ client: ClientID, _ status: Int, _ response: InboundMessage, _ turn: inout Turn) {
    if client == self.client, failOver(response.message, &turn) { return }
    if status >= 200, status < 300 { return receiveSuccess(response, &turn) }
    if status < 200 {
      if status > 100, client == self.client, let tag = response.essentials.toTag { early.open(response.message[tag]) }
      return handle(.provisional(status: status, response), &turn)
    }
    // The answer to an INVITE that another one has replaced already.
    guard client == self.client else { return }
    if status == 401 || status == 407, sendWithCredentials(response.message, &turn) { return }
    if tryNextTarget(after: response.message, &turn) { return }
    handle(.rejected(status: status, response), &turn)
  }

  private func sendWithCredentials(_ response: SIPMessage, _ turn: inout Turn) -> Bool {
    guard machine.isUnanswered,
      let answer = stack.answer(response, with: &digest, method: .invite, uri: invite.uri.text)
    else { return false }
    early = EarlyDialogs()
    invite.sequence += 1
    invite.fields.set(answer.name, answer.value)
    sendInvite(&turn)
    return true
  }

  /// After a 3xx, or a failure of a place that a 3xx named: the next place. False when there is none, so that the failure counts.
  ///
  /// 6xx says that no other place will take the call either (RFC 3261 §21.6). The next INVITE has the next CSeq number; To, From and
  /// Call-ID stay (RFC 3261 §8.1.3.4).
  private func tryNextTarget(after response: SIPMessage?, _ turn: inout Turn) -> Bool {
    guard stack.configuration.followsRedirections, machine.isUnanswered else { return false }
    if let response, let status = response.status {
      if status >= 600 { return false }
      if status < 400 { targets.add(response, from: requestURI) }
    }
    guard let next = targets.next() else { return false }
    if let target = next.target(insteadOf: path.flow) {
      failover = nil
      redirect(to: next, target, status: response?.status, &turn)
    } else {
      redirection = (next, response?.status)
      stack.locate(next.uri, for: .redirection(id), &turn)
    }
    return true
  }

  private func redirect(to next: AlternativeTarget, _ target: SIPTarget, status: Int?, _ turn: inout Turn) {
    turn.report(.redirected(id, status: status, uri: next.uri.description, target: target.address))
    if !next.isProxy { requestURI = next.uri }
    requestURI.headers = []
    invite.uri = Bytes(requestURI.description)
    sendInvite(to: target, &turn)
  }

  /// The servers of a contact of a 3xx are known (RFC 3263 §4), or there are none: then the next contact has its turn.
  func located(redirection location: SIPStack.Location, _ turn: inout Turn) {
    guard isLive, let (next, status) = redirection else { return }
    redirection = nil
    switch location {
    case .found(let servers):
      let (first, others) = stack.failover(servers[0], others: Array(servers.dropFirst()), at: turn.now)
      failover = others
      redirect(to: next, first, status: status, &turn)
    case .failed(let reason):
      turn.report(.notLocated(id, reason: reason))
      if !tryNextTarget(after: nil, &turn) { handle(.failed(.transport(.notLocated(reason))), &turn) }
    }
  }

  /// The server that has the INVITE cannot serve it: it goes to the next one of the domain. False where the response counts.
  private func failOver(_ response: SIPMessage, _ turn: inout Turn) -> Bool {
    guard failover != nil, let status = response.status, machine.isUnanswered else { return false }
    guard
      let next = stack.failOver(&failover, .response(status: status), retryAfter: response.retryAfter, leg: id, &turn)
    else { return false }
    sendInvite(to: next, &turn)
    return true
  }

  private func failOver(_ failure: TransactionFailure, _ turn: inout Turn) -> Bool {
    guard failover != nil, machine.isUnanswered, let next = stack.failOver(&failover, .failed(failure), leg: id, &turn) else {
      return false
    }
    sendInvite(to: next, &turn)
    return true
  }

  /// To another place, without what belonged to the last one. It has a CSeq number of its own: a proxy behind both places would take it for
  /// the same request on another way (RFC 3261 §8.2.2.2).
  private func sendInvite(to target: SIPTarget, _ turn: inout Turn) {
    path.turn(to: stack.flow(to: target, &turn))
    path.serverName = target.serverName
    invite.sequence += 1
    invite.removeCredentials()
    invite.fields.set(.contact, contact.text)
    digest?.beginRequest()
    early = EarlyDialogs()
    sendInvite(&turn)
  }

  /// The INVITE's transaction got no final response.
  func failed(_ client: ClientID, _ failure: TransactionFailure, _ turn: inout Turn) {
    if isLive, client == self.client, failOver(failure, &turn) || tryNextTarget(after: nil, &turn) { return }
    handle(.failed(failure), &turn)
  }

  /// The INVITE goes on in another transaction.
  func move(to client: ClientID) {
    (self.client, isOpen) = (client, true)
  }

  // MARK: - 2xx

  /// Makes the dialog of the first 2xx; one from another branch of a fork is acknowledged and ended at once.
  private func receiveSuccess(_ response: InboundMessage, _ turn: inout Turn) {
    let dialog: Dialog
    do {
      dialog = try Dialog(callerOf: response, localTag: localTag, sequence: invite.sequence, requestURI: requestURI)
    } catch {
      return turn.report(.violation(id, PeerViolation(.successWithoutDialog, "\(error)")))
    }
    if let known = path.dialog, known.remoteTag != dialog.remoteTag { return endFork(dialog, response, &turn) }
    guard isLive else {
      // The callee ended the early dialog and answers all the same; or it still waits for the ACK of this 2xx.
      if path.dialog == nil { endFork(dialog, response, &turn) } else { _ = repeatAcknowledgement(client, &turn) }
      return
    }
    if path.dialog == nil {
      path.confirm(dialog, contactFrom: response.flow)
      confirm()
      if !response.message.has(.contact) { turn.report(.violation(id, PeerViolation(.contactMissing, "\(response)"))) }
      checkContact(of: response.message, &turn)
    }
    handle(.success(response), &turn)
  }

  /// A 2xx from another branch: acknowledged, with an offer in it declined, and ended with BYE, all in a dialog of its own. Its
  /// repetitions get the same ACK again.
  private func endFork(_ dialog: Dialog, _ response: InboundMessage, _ turn: inout Turn) {
    if let index = forks.firstIndex(where: { $0.tag == dialog.remoteTag }) {
      if let entry = forks[index].entry { send(entry, &forks[index].path, isRepeated: true, &turn) }
      return
    }
    let answer = isOfferDelayed ? stack.configuration.declining.answer(to: response.message.body) : Bytes()
    let path = DialogPath(dialog, flow: response.flow)
    forks.append(Fork(tag: dialog.remoteTag, path: path, answer: answer))
    if let hop = path.hopToLocate(stack) { return stack.locate(hop, for: .fork(id, forks.count - 1), &turn) }
    endFork(forks.count - 1, &turn)
  }

  func locatedFork(_ number: Int, _ location: SIPStack.Location, _ turn: inout Turn) {
    switch location {
    case .found(let servers):
      if let hop = forks[number].path.dialog?.nextHop { forks[number].path.locate(hop, servers) }
      endFork(number, &turn)
    case .failed(let reason): turn.report(.notLocated(id, reason: reason))
    }
  }

  private func endFork(_ number: Int, _ turn: inout Turn) {
    guard let bytes = composeAcknowledgement(&forks[number].path, invite, body: forks[number].answer, &turn) else { return }
    let entry = AcknowledgementLedger.Entry(client: client, sequence: invite.sequence, acknowledgement: bytes)
    forks[number].entry = entry
    send(entry, &forks[number].path, isRepeated: false, &turn)
    if let bye = forks[number].path.dialog?.nextRequest(.bye) {
      let label = Label(.request(.bye), dialog: id.rawValue, sequence: bye.sequence)
      let flow = forks[number].path.nextFlow(stack, id, &turn)
      _ = stack.send(bye, on: flow, label: label, for: nil, &turn)
    }
  }

  override func acknowledge(body: Bytes, _ turn: inout Turn) {
    if acknowledgements[client] == nil { acknowledge(client, invite, body: body, &turn) }
  }

  /// At once for an INVITE that had the offer; else the owner's answer is waited for, unless the call was given up: then the offer is
  /// declined.
  private func acknowledge(_ response: InboundMessage, _ turn: inout Turn) {
    guard path.dialog != nil, !repeatAcknowledgement(client, &turn), !isOfferDelayed || !isEstablished else { return }
    let answer = isOfferDelayed ? stack.configuration.declining.answer(to: response.message.body) : Bytes()
    acknowledge(client, invite, body: answer, &turn)
  }

  // MARK: - The machine and its outputs

  private func handle(_ input: InviteClientUsage<InboundMessage>.Input, _ turn: inout Turn) {
    guard isLive else { return }
    for output in machine.handle(input) {
      switch output {
      case .sendCancel: sendCancel(&turn)
      case .acknowledge(let response): acknowledge(response, &turn)
      case .sendBye: sendBye(&turn)
      case .ringing(let response): turn.report(.ringing(id, response))
      case .established(let response): turn.report(.answered(id, response))
      case .refused(let response): turn.report(.refused(id, response))
      case .ended(let reason):
        end(reason, &turn)
        awaitLateSuccess(hasWaited: input == .guardExpired, turn.now)
      }
    }
  }

  /// CANCEL has the INVITE's Request-URI, From, To, Call-ID, CSeq number and branch (RFC 3261 §9.1).
  private func sendCancel(_ turn: inout Turn) {
    let label = Label(.request(.cancel), dialog: id.rawValue, sequence: invite.sequence)
    stack.cancel(client, fields: stack.style.cancelHeaders.map(\.field), label: label, for: .cancel(id), turn.now)
    patienceEnds = turn.now.adding(nanoseconds: stack.patience)
  }

  /// A call that has ended while its INVITE is still open: a late 2xx is acknowledged and ended with BYE. An INVITE that gets no final
  /// response is given up after 64·T1 (RFC 3261 §9.1).
  private func awaitLateSuccess(hasWaited: Bool, _ now: Instant) {
    patienceEnds = nil
    guard path.dialog == nil, stack.transactions.isUnanswered(client) else { return }
    if hasWaited { giveUp() } else { patienceEnds = now.adding(nanoseconds: stack.patience) }
  }

  private func giveUp() {
    stack.forget(client)
    isOpen = false
  }
}

extension NameAddress {
  /// As To and From may have it (RFC 3261 §19.1.1, table 1).
  var withoutPort: NameAddress {
    var address = self
    address.uri.port = nil
    return address
  }
}
