import SIPComposition
import SIPMessage
import SansIO

/// What becomes of a request that no transaction can be made for: its sender gets to know, without one, so that a repetition gets the same
/// again (RFC 3261 §18.3; RFC 4475 §3.1.2). Responses, ACK and what does not look like SIP get nothing, and so does a peer that the
/// ``gate`` drops.
struct Refusals {
  /// The answer, and what is told of it.
  struct Answer {
    let request: InboundMessage
    let status: Int
    let warning: String
    let bytes: Bytes
    let label: Label
  }

  /// Who hears nothing, not even what is wrong with a request that cannot be read.
  var gate = DropGate.open
  private let limits: SIPLimits
  /// How many there were; it makes their To tags differ.
  private var count = 0

  init(_ limits: SIPLimits) { self.limits = limits }

  /// For bytes that are not a message: the status and the rule that they broke.
  mutating func answer(_ error: SIPParseError, _ bytes: Bytes, _ flow: Flow) -> Answer? {
    guard let status = error.status, !gate.drops(flow), let request = SIPMessage.salvage(bytes, limits: limits) else { return nil }
    return answer(InboundMessage(request, on: flow), status, "\(error)")
  }

  /// For a request that a transaction cannot match, since a field is missing or unreadable (RFC 3261 §8.1.1).
  mutating func answer(_ error: SIPHeaderError, _ request: InboundMessage) -> Answer? {
    guard let method = request.message.method, method != .ack, request.essentials.via != nil, !gate.drops(request.flow) else { return nil }
    return answer(request, 400, "\(error)")
  }

  private mutating func answer(_ request: InboundMessage, _ status: Int, _ rule: String) -> Answer {
    let warning = WarningValue(refusing: rule, by: request.flow.local.address).fieldValue
    count += 1
    let draft = ResponseDraft(status, toTag: "bad\(count)", fields: [HeaderField(.warning, warning)])
    let bytes = Spelling.plain.response(draft, to: request.message, from: request.flow.remote)
    return Answer(request: request, status: status, warning: warning, bytes: bytes, label: request.responseLabel(status))
  }
}

extension SIPTransportLayer.Event {
  init(_ answer: Refusals.Answer) { self = .rejected(answer.request, status: answer.status, warning: answer.warning) }
}
