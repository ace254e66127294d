import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// A request of ours within a dialog, which may have to wait until the servers of its next hop are known.
enum DialogErrand {
  case bye
  case reinvite
  case info
  /// The first ACK of an INVITE of ours.
  case acknowledgement(ClientID, RequestDraft, body: Bytes)
  case repeatedAcknowledgement(ClientID)
}

/// Those that wait for one search, in their order.
struct WaitingErrands {
  let hop: SIPURI
  var list: [DialogErrand]

  func acknowledges(_ client: ClientID) -> Bool {
    list.contains { if case .acknowledgement(client, _, body: _) = $0 { true } else { false } }
  }
}

// Requests of ours within a dialog and the servers that they go to (RFC 3261 §12.2.1.1, RFC 3263 §4).
extension Conversation {
  /// Sends a request where it goes, once that is known.
  func send(_ errand: DialogErrand, _ turn: inout Turn) {
    // Those before it leave first.
    guard waiting == nil else {
      waiting?.list.append(errand)
      return
    }
    guard let hop = path.hopToLocate(stack) else { return carryOut(errand, &turn) }
    waiting = WaitingErrands(hop: hop, list: [errand])
    stack.locate(hop, for: .dialog(id), &turn)
  }

  func located(_ location: SIPStack.Location, _ turn: inout Turn) {
    guard let waiting else { return }
    self.waiting = nil
    switch location {
    case .found(let servers):
      path.locate(waiting.hop, stack.servers.ordered(servers, at: turn.now))
      // The hop may be another one by now: then that is looked for.
      for errand in waiting.list { send(errand, &turn) }
    case .failed(let reason):
      turn.report(.notLocated(id, reason: reason))
      for errand in waiting.list { giveUp(errand, reason, &turn) }
    }
  }

  private func carryOut(_ errand: DialogErrand, _ turn: inout Turn) {
    switch errand {
    case .bye: transmitBye(&turn)
    case .reinvite: if isLive { reinvites?.transmit(&turn) }
    case .info: transmitInfo(&turn)
    case .acknowledgement(let client, let invite, let body): transmitAcknowledgement(client, invite, body: body, &turn)
    case .repeatedAcknowledgement(let client): transmitAcknowledgementAgain(client, &turn)
    }
  }

  /// Nobody can be asked: it ends as if nobody had answered. A call whose ACK cannot be sent is over, since its callee takes it for dead.
  private func giveUp(_ errand: DialogErrand, _ reason: String, _ turn: inout Turn) {
    switch errand {
    case .bye: byeCompleted(&turn)
    case .reinvite: reinvites?.failed(.transport(.notLocated(reason)), &turn)
    case .info: infoFailed(&turn)
    case .acknowledgement: if isLive, !isTerminating { end(.transportFailed, &turn) }
    case .repeatedAcknowledgement: break
    }
  }

  /// The server that the last request went to did not take it; whether another one is left.
  func failOver(_ reason: String, retryAfter: Int? = nil, _ turn: inout Turn) -> Bool {
    stack.failOver(path.serverFailed(reason), retryAfter: retryAfter, leg: id, &turn)
  }
}
