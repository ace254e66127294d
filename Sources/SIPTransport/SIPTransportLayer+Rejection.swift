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
    refuse(request, status, "\(error)", flow, at: now, &out, &events)
  }

  private func refuse(
    _ request: SIPMessage, _ status: Int, _ rule: String, _ flow: Flow, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    let warning = WarningValue(refusing: rule, by: flow.local.address).fieldValue
    events.append(.rejected(request, status: status, warning: warning, flow))
    send(rejection(of: request, status, warning, flow), on: flow.reply(to: request), label(status, request), at: now, &out, &events)
  }

  /// The bytes of a response outside any transaction.
  private func rejection(of request: SIPMessage, _ status: Int, _ warning: String, _ flow: Flow) -> Bytes {
    rejections += 1
    let tag = "bad\(rejections)"
    var draft = MessageDraft.response(to: request, status: status, toTag: tag, receivedFrom: flow.remote)
    draft.append(.warning, warning)
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
    refuse(request, 400, "\(error)", flow, at: now, &out, &events)
  }
}
