import Rules
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// What the transactions hand up: responses to ours, and requests of the peer's (RFC 3261 §8.1.3, §8.2, §9.2, §12.2.2).
extension UserAgent {
  // MARK: - Responses

  func receiveResponse(_ client: ClientID, _ response: InboundMessage, _ turn: inout Turn) {
    // Whatever comes now, the connection served.
    stack.settled(client)
    guard let status = response.message.status, let owner = stack.owners[client.rawValue] else { return }
    switch owner {
    case .invite(let leg):
      guard let conversation = conversations[leg.rawValue] as? CallerConversation else { return }
      conversation.compareDescription(client, status, response, &turn)
      conversation.receiveResponse(client, status, response, &turn)
      settle(conversation)
    case .reinvite(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      conversation.compareDescription(client, status, response, &turn)
      conversation.reinvites?.receiveResponse(client, status, response, &turn)
      settle(conversation)
    case .bye(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      conversation.receiveByeResponse(status, response.message, &turn)
      settle(conversation)
    case .info(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      conversation.receiveInfoResponse(status, response.message, &turn)
      settle(conversation)
    case .cancel: break
    case .request(let request): requests.receive(request, status, response, stack, &turn)
    }
  }

  func clientFailed(_ client: ClientID, _ failure: TransactionFailure, _ turn: inout Turn) {
    guard let owner = stack.owners.remove(client.rawValue) else { return }
    if let next = stack.retryOverDatagrams(client, failure, &turn) { return move(owner, to: next) }
    switch owner {
    case .invite(let leg):
      guard let conversation = conversations[leg.rawValue] as? CallerConversation else { return }
      conversation.failed(client, failure, &turn)
      ended(client, owner)
    case .reinvite(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      conversation.reinvites?.failed(failure, &turn)
      ended(client, owner)
    case .bye(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      if !conversation.sendByeAgain(after: failure, &turn) { conversation.byeCompleted(&turn) }
      settle(conversation)
    case .info(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      conversation.infoFailed(&turn)
      settle(conversation)
    case .cancel: break
    case .request(let request): requests.failed(request, failure, stack, &turn)
    }
  }

  /// The request goes on in another transaction.
  private func move(_ owner: ClientOwner, to client: ClientID) {
    stack.owners[client.rawValue] = owner
    switch owner {
    case .invite(let leg): (conversations[leg.rawValue] as? CallerConversation)?.move(to: client)
    case .reinvite(let leg): conversations[leg.rawValue]?.reinvites?.move(to: client)
    case .cancel, .bye, .info, .request: break
    }
  }

  /// No more 2xx will come to an INVITE.
  func ended(_ client: ClientID, _ owner: ClientOwner) {
    switch owner {
    case .invite(let leg), .reinvite(let leg):
      guard let conversation = conversations[leg.rawValue] else { return }
      conversation.forget(client)
      settle(conversation)
    case .cancel, .bye, .info, .request: break
    }
  }

  // MARK: - Requests

  func receive(_ message: InboundMessage, _ server: ServerID, _ turn: inout Turn) {
    guard let request = audited(message, server, &turn) else { return }
    if request.toTag != nil, request.method != .cancel { return receiveInDialog(request, &turn) }
    if let defect = check.defect(of: request, isMerged: merged.contains(request)) {
      // The rules behind the one that refuses it.
      if request.method == .invite { noteMissingContact(nil, request, &turn) }
      asked[server.rawValue] = Asked(inbound: message, request: request)
      return turn.report(.defective(server, message, defect))
    }
    guard request.method == .invite else {
      asked[server.rawValue] = Asked(inbound: message, request: request)
      return turn.report(.request(request))
    }
    let leg = newLeg()
    stack.served.belongs(server, to: leg)
    arrivals[leg.rawValue] = request
    if let status = stack.behaviour.answer(to: .inviteArrives)?.status {
      stack.respond(server, ResponseDraft(status), to: message, leg: leg, &turn)
    }
    turn.report(.incoming(leg, request))
    noteMissingContact(leg, request, &turn)
    if request.isSecure, let violation = PeerViolation(clearContactIn: message.message) { turn.report(.violation(leg, violation)) }
  }

  /// Tells which rules the header breaks; a request that cannot be processed for it gets 400 with the rule (RFC 3261 §8.2, §16.3), and nil
  /// is returned.
  private func audited(_ message: InboundMessage, _ server: ServerID, _ turn: inout Turn) -> SIPRequest? {
    let facts = message.message.facts(message.essentials)
    let fatal = facts.faults.first(where: \.isFatal)
    if let fatal { turn.report(.malformed(rule: "\(fatal)", message.flow)) }
    // It is answered for the first; the others are broken as well.
    for fault in facts.faults where fault != fatal {
      turn.report(.violation(nil, PeerViolation(.messageForm, "\(message.message.name) from \(message.flow): \(fault)")))
    }
    guard let fatal else {
      noteResponseAddress(message, &turn)
      return SIPRequest(server, message, facts)
    }
    let isMismatch = if case .methodMismatch = fatal.error { true } else { false }
    if isMismatch, stack.behaviour.does(.ignore, in: .sequenceMethodMismatch) {
      stack.transactions.abandon(server, at: turn.now, &stack.transactionOutputs)
    } else {
      asked[server.rawValue] = Asked(inbound: message, request: nil)
      turn.report(.defective(server, message, .unreadable("\(fatal)")))
    }
    return nil
  }

  private func noteResponseAddress(_ message: InboundMessage, _ turn: inout Turn) {
    guard message.isTurnedAway, let maddr = message.essentials.via?.maddr else { return }
    let detail =
      "Via of \(message) has maddr=\(message.message[maddr].prefix(64).text): the answer goes to \(message.flow.remote.address), where the "
      + "request came from, and not to a host that did not ask (RFC 3261 §18.2.2; a decision of the Lab)"
    turn.report(.note(nil, PeerNote(.responseAddress, detail)))
  }

  private func noteMissingContact(_ id: LegID?, _ request: SIPRequest, _ turn: inout Turn) {
    if !request.message.has(.contact) { turn.report(.violation(id, PeerViolation(.contactMissing, "INVITE"))) }
  }

  private func receiveInDialog(_ request: SIPRequest, _ turn: inout Turn) {
    guard let conversation = conversation(named: request.inbound), let isInOrder = conversation.isInOrder(request) else {
      asked[request.server.rawValue] = Asked(inbound: request.inbound, request: request)
      return turn.report(.defective(request.server, request.inbound, .noSuchDialog))
    }
    let id = conversation.id
    let unknown = check.unsupportedOptions(of: request.message)
    if let unknown { turn.report(.violation(id, PeerViolation(.requireInDialog, unknown))) }
    guard isInOrder else { return refuseSequence(id, request, &turn) }
    if let unknown {
      if request.method == .invite { turn.report(.reinviteRefused(id, request.inbound)) }
      return stack.refuse(request.server, request.inbound, .unknownExtensions(unknown), leg: id, &turn)
    }
    switch request.method {
    case .bye: conversation.receiveBye(request, &turn)
    case .invite where conversation.path.dialog == nil:
      // Ours is open (RFC 3261 §14.2).
      turn.report(.violation(id, PeerViolation(.inviteOverlaps, "in an early dialog")))
      stack.refuse(request.server, request.inbound, status: 491, leg: id, &turn)
    case .invite:
      if let field = check.unreadableBody(request.message) {
        return stack.refuse(request.server, request.inbound, .unreadableBody(field), leg: id, &turn)
      }
      asked[request.server.rawValue] = Asked(inbound: request.inbound, request: request)
      conversation.exchange.receive(request, &turn)
    default:
      asked[request.server.rawValue] = Asked(inbound: request.inbound, request: request)
      turn.report(.inDialog(id, request))
    }
    settle(conversation)
  }

  /// 500 for a CSeq that is not above the last one (RFC 3261 §12.2.2).
  private func refuseSequence(_ id: LegID, _ request: SIPRequest, _ turn: inout Turn) {
    turn.report(.violation(id, PeerViolation(.sequenceNotHigher, "\(request.method) \(request.sequence)")))
    let phrase = stack.behaviour.answer(to: .lowSequence)?.phrase
    let rule = "CSeq \(request.sequence) is not above the last one (RFC 3261 §12.2.2)"
    let warning = WarningValue(refusing: rule, by: request.flow.local.address).fieldValue
    stack.refuse(
      request.server, request.inbound, status: 500, reason: phrase, fields: phrase == nil ? [.init(.warning, warning)] : [], leg: id, &turn)
  }

  func receiveAcknowledgement(_ ack: InboundMessage, _ turn: inout Turn) {
    guard let sequence = ack.essentials.cseq?.number, let conversation = conversation(named: ack) else { return }
    conversation.receiveAcknowledgement(ack, sequence: sequence, &turn)
    settle(conversation)
  }

  func receiveCancel(of invite: ServerID, _ cancel: InboundMessage, _ server: ServerID, _ turn: inout Turn) {
    guard let leg = stack.served.leg(invite), let conversation = conversation(leg) as? CalleeConversation else {
      // Its request has its final response already, or cannot be cancelled: the CANCEL is answered and changes nothing (§9.2).
      return stack.refuse(server, cancel, status: 200, &turn)
    }
    conversation.receiveCancel(cancel, server, &turn)
    settle(conversation)
  }
}
