import SIPMessage
import SIPTransport
import SansIO

// Messages that did not leave (RFC 3261 §17.1.4, §17.2.4, §18.4).
extension TransactionLayer {
  /// This machine did not send a message: the transaction it belongs to is told, and no other. A want that passes counts as a lost
  /// datagram, which timers repeat: an error like it is soft (RFC 8085 §5.2).
  public func sendFailed(_ bytes: Bytes, _ error: SystemError, at now: Instant, _ outputs: inout [Output]) {
    guard !error.isPassing, let message = try? SIPMessage.parse(bytes), let via = try? message.via(), let branch = via.branch,
      let method = try? message.cseq().method
    else { return }
    var key = BranchKey(branch: branch, method: method)
    if message.isRequest {
      // An ACK is sent again with the response that it answers.
      guard message.method != .ack, let id = clientsByBranch[key] else { return }
      let failure = FlowFailure.notSent(error)
      step(id, invite: .transportFailed(failure), other: .transportFailed(failure), nil, at: now, &outputs)
    } else {
      (key.sentBy, key.sentByPort) = (via.host, via.port)
      if let id = serversByBranch[key] { responseFailed(id, at: now, &outputs) }
    }
  }
}
