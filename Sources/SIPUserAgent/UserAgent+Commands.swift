import KallglotPolicy
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

// What the owner asks of its user agent. What comes of it are events (``UserAgent/nextEvent()``).
extension UserAgent {
  // MARK: - Calling

  /// A number for a leg that is about to call.
  public func reserveLeg() -> LegID { newLeg() }

  /// Sends an INVITE for a reserved leg; its Call-ID.
  public func call(_ call: OutgoingCall, as id: LegID, at now: Instant, _ out: inout Outbox) -> String {
    var callID = ""
    turn(at: now, &out) { turn in
      let conversation = CallerConversation(id, call, stack, &turn)
      callID = conversation.callID.text
      add(conversation)
    }
    return callID
  }

  /// Gives up a call that is not answered yet; one that is gets a BYE.
  public func cancel(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    with(id, at: now, &out) { ($0 as? CallerConversation)?.cancel(&$1) }
  }

  /// Ends a leg whatever its state: CANCEL, a refusal or BYE.
  ///
  /// - Parameter fields: for a BYE, such as Reason (RFC 3326); nil = those of the style.
  public func hangUp(
    _ id: LegID, because reason: EndReason = .hungUpHere, fields: [HeaderField]? = nil, at now: Instant, _ out: inout Outbox
  ) {
    with(id, at: now, &out) {
      $0.setByeFields(fields ?? stack.style.byeFields)
      $0.hangUp(reason, &$1)
    }
  }

  // MARK: - Being called

  /// Takes an INVITE in as a call: it makes a dialog. Nothing is sent.
  ///
  /// - Parameter prefersFlow: whether requests without Route go over the call's flow rather than to Contact; nil = as configured.
  public func admit(_ id: LegID, prefersFlow: Bool?, at now: Instant) {
    guard let invite = takeArrival(id) else { return }
    serve(invite)
    add(CalleeConversation(id, invite, prefersFlow: prefersFlow, stack, at: now))
  }

  /// Sends 180 with a To tag.
  public func ring(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    with(id, at: now, &out) { ($0 as? CalleeConversation)?.ring(&$1) }
  }

  /// Sends 183 with an answer: early media (RFC 3261 §13.3.1.1, RFC 3960).
  public func progress(_ id: LegID, body: Bytes, at now: Instant, _ out: inout Outbox) {
    with(id, at: now, &out) { ($0 as? CalleeConversation)?.progress(body: body, &$1) }
  }

  /// Sends 200 with this body (an SDP answer or offer) and repeats it until the ACK comes.
  public func accept(_ id: LegID, body: Bytes, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox) {
    with(id, at: now, &out) { ($0 as? CalleeConversation)?.accept(body: body, fields: fields, &$1) }
  }

  /// Sends a final refusal. An INVITE that was not taken in is answered by its server transaction alone.
  public func refuse(
    _ id: LegID, status: Int, reason: String? = nil, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox
  ) {
    let refusal = Refusal(status, reason: reason, fields: fields)
    guard let invite = takeArrival(id) else { return with(id, at: now, &out) { ($0 as? CalleeConversation)?.refuse(refusal, &$1) } }
    turn(at: now, &out) { turn in
      stack.refuse(invite, refusal, toTag: stack.composer.mint.tag(), leg: id, &turn)
      turn.report(.ended(id, .refused(status: status)))
    }
  }

  /// Forgets an INVITE without any answer, not even 100.
  public func ignore(_ id: LegID, at now: Instant) {
    if let invite = takeArrival(id) { stack.transactions.abandon(invite.server, at: now, &stack.transactionOutputs) }
  }

  // MARK: - Re-INVITE

  /// Sends a re-INVITE with this offer; empty = the peer's 200 shall carry one. What comes of it are
  /// ``UserAgentEvent/reinviteAnswered(_:_:)``, to be answered by ``acknowledge(_:body:at:_:)``, or
  /// ``UserAgentEvent/reinviteFailed(_:status:reason:)``.
  public func reinvite(_ id: LegID, body: Bytes, at now: Instant, _ out: inout Outbox) {
    turn(at: now, &out) { turn in
      guard let conversation = conversation(id), conversation.isEstablished else {
        return turn.report(.reinviteFailed(id, status: nil, reason: "the call is not established"))
      }
      conversation.exchange.reinvite(body: body, &turn)
      settle(conversation)
    }
  }

  /// Sends the ACK of a 2xx that made us wait for its body: a delayed answer, or a re-INVITE's.
  public func acknowledge(_ id: LegID, body: Bytes, at now: Instant, _ out: inout Outbox) {
    with(id, at: now, &out) {
      if $0.reinvites?.acknowledge(body: body, &$1) != true { $0.acknowledge(body: body, &$1) }
    }
  }

  /// Answers a re-INVITE with 200 and this body, repeated until the ACK comes.
  public func answerReinvite(_ id: LegID, _ server: ServerID, body: Bytes, at now: Instant, _ out: inout Outbox) {
    let request = takeAsked(server)?.request
    with(id, at: now, &out) { if let request { $0.exchange.answer(request, body: body, &$1) } }
  }

  /// Refuses a re-INVITE; the session stays as it was (RFC 3261 §14.2).
  public func refuseReinvite(
    _ id: LegID, _ server: ServerID, status: Int, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox
  ) {
    let request = takeAsked(server)?.request
    with(id, at: now, &out) { if let request { $0.exchange.refuse(request, status: status, fields: fields, &$1) } }
  }

  // MARK: - INFO

  /// Sends INFO on a call that is up; ``UserAgentEvent/infoAnswered(_:status:)`` follows, and one has to be answered before the next.
  public func inform(_ id: LegID, _ body: InfoBody, at now: Instant, _ out: inout Outbox) {
    turn(at: now, &out) { turn in
      guard let conversation = conversation(id) else { return turn.report(.infoAnswered(id, status: nil)) }
      conversation.inform(body, &turn)
      settle(conversation)
    }
  }

  // MARK: - Other requests

  /// Sends a request outside any dialog; the answer comes as ``UserAgentEvent/response(_:_:)``. Digest challenges are answered once,
  /// redirections followed.
  public func send(_ request: OutOfDialogRequest, at now: Instant, _ out: inout Outbox) -> RequestID {
    var id = RequestID(0)
    turn(at: now, &out) { id = send(request, &$0) }
    return id
  }

  /// Answers a request that was handed up: outside dialogs, or within one of no call of ours.
  public func respond(
    _ server: ServerID, status: Int, reason: String? = nil, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox
  ) {
    turn(at: now, &out) { turn in
      guard let asked = takeAsked(server) else { return }
      let isOutside = asked.inbound.essentials.toTag == nil
      if isOutside, (200..<300).contains(status), let request = asked.request { serve(request) }
      let kind = isOutside ? asked.inbound.message.method.map { HeaderOrder.Kind.responsesTo($0) } ?? .responses : .responses
      let draft = ResponseDraft(status, reason: reason, toTag: stack.replyTag(asked.inbound), fields: fields, kind: kind)
      if let request = asked.request {
        stack.respond(draft, to: request, leg: nil, &turn)
      } else {
        stack.respond(server, draft, to: asked.inbound, leg: nil, &turn)
      }
    }
  }

  /// Answers a request that was told as ``UserAgentEvent/defective(_:_:_:_:)``.
  public func refuse(_ server: ServerID, _ defect: RequestDefect, at now: Instant, _ out: inout Outbox) {
    turn(at: now, &out) { turn in
      if let asked = takeAsked(server) { stack.refuse(server, asked.inbound, defect, &turn) }
    }
  }

  /// Answers a request within a dialog other than INVITE and BYE.
  public func respondInDialog(
    _ id: LegID, _ server: ServerID, status: Int, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox
  ) {
    let request = takeAsked(server)?.request
    with(id, at: now, &out) {
      guard let request else { return }
      if (200..<300).contains(status) { $0.accept(request) }
      stack.respond(ResponseDraft(status, fields: fields), to: request, leg: id, &$1)
    }
  }

  /// Leaves a request without any answer, not even 100.
  public func ignore(_ server: ServerID, at now: Instant) {
    _ = takeAsked(server)
    stack.transactions.abandon(server, at: now, &stack.transactionOutputs)
  }

  /// Resets a connection, or forgets a UDP peer; for a policy that drops.
  public func drop(_ flow: Flow, at now: Instant, _ out: inout Outbox) {
    turn(at: now, &out) { stack.transport.close(flow, .reset, at: now, &$0.out) }
  }

  /// Who hears nothing at all.
  public var gate: DropGate {
    get { stack.transport.gate }
    set { stack.transport.gate = newValue }
  }

  /// Fresh identifiers in this product's form, for what a party keeps over several requests (REGISTER).
  public func registrationContactParameters() -> String {
    stack.composer.mint.text(stack.style.registrationContactParameters)
  }

  /// Tells a conversation something; nothing where it has ended.
  private func with(
    _ id: LegID, at now: Instant, _ out: inout Outbox, _ body: (Conversation, inout Turn) -> Void
  ) {
    turn(at: now, &out) { turn in
      guard let conversation = conversation(id) else { return }
      body(conversation, &turn)
      settle(conversation)
    }
  }
}
