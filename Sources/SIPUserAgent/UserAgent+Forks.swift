import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// The 2xx of an INVITE, from one branch or several (RFC 3261 §13.2.2.4).
extension UserAgent {
  /// The usage of a call, or of one that has ended and whose INVITE transaction still takes 2xx (RFC 6026, Timer M).
  func usageOrRemains(_ id: LegID) -> InviteUsage? { usages[id] ?? remains[id] }

  /// Makes the dialog of the first 2xx; one from another branch of a fork is acknowledged and ended at once.
  func receiveSuccess(_ id: LegID, _ usage: InviteUsage, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard case .caller(let caller) = usage.role else { return }
    let dialog: Dialog
    do {
      dialog = try Dialog(callerOf: message, sequence: caller.sequence, requestURI: caller.requestURI)
    } catch {
      events.append(.violation(id, PeerViolation(.successWithoutDialog, "\(error)")))
      return
    }
    if let known = usage.dialog, known.remoteTag != dialog.remoteTag {
      return endForkedDialog(id, usage, caller, dialog, message, flow, at: now, &out)
    }
    if usages[id] == nil, usage.dialog == nil {
      // The callee ended the early dialog and answers all the same.
      return endForkedDialog(id, usage, caller, dialog, message, flow, at: now, &out)
    }
    guard usages[id] != nil else {
      // The call is over, but the peer still waits for the ACK of this 2xx.
      if let entry = usage.acknowledgements[caller.client] { sendAcknowledgement(id, usage, entry, isRepeated: true, at: now, &out) }
      return
    }
    if usage.dialog == nil {
      (usage.dialog, usage.contactFlow) = (dialog, flow)
      if message.first(.contact) == nil { events.append(.violation(id, PeerViolation(.contactMissing, "\(message)"))) }
      checkContact(id, of: message, isSecure: dialog.isSecure)
    }
    handleCaller(id, .success, message, at: now, &out)
  }

  /// A 2xx from another branch: acknowledged, with an offer in it declined, and ended with BYE, all in a dialog of its own. Its
  /// repetitions get the same ACK again.
  private func endForkedDialog(
    _ id: LegID, _ usage: InviteUsage, _ caller: InviteUsage.Caller, _ dialog: Dialog, _ message: SIPMessage, _ flow: Flow,
    at now: Instant, _ out: inout Outbox
  ) {
    if let fork = caller.forks[dialog.remoteTag] {
      return sendAcknowledgement(id, fork.usage, fork.entry, isRepeated: true, at: now, &out)
    }
    let fork = InviteUsage(role: usage.role, flow: flow, localTag: usage.localTag, callID: usage.callID)
    fork.dialog = dialog
    let answer = caller.isOfferDelayed ? configuration.decline(message.body) : Bytes()
    let acknowledgement = acknowledgementDraft(fork, sequence: caller.sequence, invite: caller.invite, body: answer, at: now, &out)
    let entry = AcknowledgementLedger.Entry(client: caller.client, sequence: caller.sequence, acknowledgement: acknowledgement)
    caller.forks[dialog.remoteTag] = (fork, entry)
    sendAcknowledgement(id, fork, entry, isRepeated: false, at: now, &out)
    var other = dialog
    let sequence = other.nextSequence()
    let label = Label(.request(.bye), dialog: id.rawValue, sequence: sequence)
    let bye = inDialogDraft(.bye, other, sequence: sequence)
    _ = sendRequest(bye, method: .bye, on: inDialogFlow(fork, at: now, &out), label: label, at: now, &out)
  }

  /// A call that has ended while its INVITE is still open: a late 2xx is acknowledged and ended with BYE. An INVITE that gets no final
  /// response is given up after 64·T1 (RFC 3261 §9.1).
  func awaitLateSuccess(_ id: LegID, _ usage: InviteUsage, _ caller: InviteUsage.Caller, hasWaited: Bool, at now: Instant) {
    guard usage.dialog == nil, transactions.isUnanswered(caller.client) else { return }
    guard !hasWaited else { return giveUp(caller.client) }
    remains[id] = usage
    deadlines.set(id, at: now.adding(nanoseconds: 64 * configuration.timers.t1.wholeNanoseconds))
  }

  /// The INVITE of a call that is over got no final response in time.
  func giveUpRemains(_ id: LegID) {
    guard let usage = remains[id], case .caller(let caller) = usage.role, transactions.isUnanswered(caller.client) else { return }
    remains[id] = nil
    giveUp(caller.client)
  }

  private func giveUp(_ client: TransactionLayer.ClientID) {
    transactions.forget(client)
    purposes[client] = nil
  }

  /// Keeps what a late 2xx has to be acknowledged with, as long as a transaction of the call's INVITEs lives.
  func keepRemains(_ id: LegID, _ usage: InviteUsage) {
    if usage.dialog != nil, hasLiveInvite(usage) { remains[id] = usage }
  }

  /// Whether a 2xx may still come, to the call's own INVITE or to a re-INVITE.
  private func hasLiveInvite(_ usage: InviteUsage) -> Bool {
    if !usage.acknowledgements.isEmpty { return true }
    if case .caller(let caller) = usage.role, purposes[caller.client] != nil { return true }
    return usage.reinvite?.client.map { purposes[$0] != nil } ?? false
  }

  /// A client transaction is over.
  func inviteTransactionEnded(_ purpose: ClientPurpose, _ client: TransactionLayer.ClientID) {
    switch purpose {
    case .invite(let leg), .reinvite(let leg): inviteTransactionEnded(leg, client)
    case .cancel, .bye, .request: break
    }
  }

  /// No more 2xx will come to this INVITE.
  func inviteTransactionEnded(_ id: LegID, _ client: TransactionLayer.ClientID) {
    if let usage = usages[id] { return usage.forget(client) }
    guard let usage = remains[id] else { return }
    usage.forget(client)
    if !hasLiveInvite(usage) { remains[id] = nil }
  }
}
