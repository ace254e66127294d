import SIPComposition
import SIPMessage
import SansIO

// What is not a SIP message, and how its sender gets to know (RFC 3261 §18.3; RFC 4475 §3.1.2).
extension SIPTransportLayer {
  /// Answers a request that could not be read with the status and the rule it broke, without a transaction: a repetition gets the same
  /// again. Responses, ACK and what does not look like SIP get nothing, and so does a peer that the ``gate`` drops.
  func reject(
    _ error: SIPParseError, _ bytes: Bytes, _ flow: Flow, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let status = error.status, !gate.drops(flow), let request = SIPMessage.salvage(bytes, limits: limits) else { return }
    refuse(InboundMessage(request, on: flow), status, "\(error)", at: now, &out, &events)
  }

  private func refuse(
    _ request: InboundMessage, _ status: Int, _ rule: String, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    let warning = WarningValue(refusing: rule, by: request.flow.local.address).fieldValue
    events.append(.rejected(request, status: status, warning: warning))
    rejections += 1
    let draft = ResponseDraft(status, toTag: "bad\(rejections)", fields: [HeaderField(.warning, warning)])
    let bytes = Spelling.plain.response(draft, to: request.message, from: request.flow.remote)
    let label = Label(
      .response(status: UInt16(clamping: status), request.message.method?.label ?? .unnamed), sequence: request.essentials.cseq?.number ?? 0
    )
    send(bytes, on: request.replyFlow, label, at: now, &out, &events)
  }

  /// Answers a request that no transaction can be made for, since a field it is matched by is missing or unreadable (RFC 3261 §8.1.1).
  public func reject(
    _ request: InboundMessage, _ error: SIPHeaderError, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let method = request.message.method, method != .ack, request.essentials.via != nil, !gate.drops(request.flow) else {
      return
    }
    refuse(request, 400, "\(error)", at: now, &out, &events)
  }
}
