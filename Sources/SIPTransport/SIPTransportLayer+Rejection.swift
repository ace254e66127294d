import SIPMessage
import SansIO

// What is not a SIP message, and how its sender gets to know (RFC 3261 §18.3; RFC 4475 §3.1.2).
extension SIPTransportLayer {
  /// Answers a request that could not be read with the status and the rule it broke, without a transaction: a repetition gets the same
  /// again. Responses, ACK and what does not look like SIP get nothing, and so does a peer that ``mayAnswer`` wants no word to.
  func reject(
    _ error: SIPParseError, _ bytes: Bytes, _ flow: Flow, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let status = error.status, mayAnswer?(flow) ?? true, let request = SIPMessage.salvage(bytes, limits: limits) else { return }
    events.append(.rejected(request, status: status, flow))
    send(
      rejection(of: request, status: status, because: "\(error)", flow), on: flow.reply(to: request), label(status, request), at: now, &out,
      &events)
  }

  /// The bytes of a response outside any transaction.
  private func rejection(of request: SIPMessage, status: Int, because rule: String, _ flow: Flow) -> Bytes {
    rejections += 1
    let tag = "bad\(rejections)"
    var draft = MessageDraft.response(to: request, status: status, toTag: tag, received: flow)
    draft.append(.warning, WarningValue(refusing: rule, on: flow).fieldValue)
    return draft.serialized()
  }

  private func label(_ status: Int, _ request: SIPMessage) -> Label {
    Label(.response(status: UInt16(clamping: status), request.method?.label ?? .other), sequence: (try? request.cseq().number) ?? 0)
  }

  /// Answers a request that no transaction can be made for, since a field it is matched by is missing or unreadable (RFC 3261 §8.1.1).
  public func reject(
    _ request: SIPMessage, _ error: SIPHeaderError, _ flow: Flow, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let method = request.method, method != .ack, (try? request.via()) != nil, mayAnswer?(flow) ?? true else { return }
    events.append(.rejected(request, status: 400, flow))
    send(
      rejection(of: request, status: 400, because: "\(error)", flow), on: flow.reply(to: request), label(400, request), at: now, &out,
      &events)
  }
}
