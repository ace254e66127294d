import KallglotPolicy
import Legs
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// Requests within dialogs, and requests that RFC 3261 wants refused (contract 8.1, 8.4).
extension KallglotEndpoint {
  /// Requests within a dialog are judged by the policy their call was admitted with, whatever it says now (contract 8.1).
  func answerInDialog(_ id: LegID, _ server: ServerID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let method = message.method else { return }
    let policy = admitted[id]?.policy ?? configuration.listener
    switch method {
    case .options: respondInDialog(id, server, message, status: 200, fields: capabilityFields, at: now, &out)
    case .info: answerInfo(id, server, message, at: now, &out)
    case .refer: refuseInDialog(id, server, message, status: policy.referStatus, setting: "referStatus", at: now, &out)
    case .message, .prack, .update, .register: refuseInDialog(id, server, message, status: 405, setting: "", at: now, &out)
    // 489 ends the subscription that a NOTIFY believes in and nothing else (RFC 5057 §5.1); at a 481 some peers end the call. RFC 6665
    // §4.1.3 allows what is more appropriate than 481: no event package is served here.
    case .subscribe, .publish, .notify: refuseInDialog(id, server, message, status: 489, setting: "", at: now, &out)
    case .invite, .ack, .bye, .cancel, .other: refuseInDialog(id, server, message, status: 501, setting: "", at: now, &out)
    }
  }

  /// A digit of `application/dtmf-relay` is told and answered with 200, an INFO without body as well (RFC 2976 §2.2); other types get 415.
  private func answerInfo(_ id: LegID, _ server: ServerID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    if let body = message.body(ofType: "application/dtmf-relay"), message.first(.contentType) != nil {
      if let digit = DigitRelay(body) { out.event(EndpointEvent.digit(id, digit.signal, milliseconds: digit.milliseconds)) }
    } else if !message.body.isEmpty {
      return respondInDialog(id, server, message, status: 415, fields: [.init(.accept, "application/dtmf-relay")], at: now, &out)
    }
    respondInDialog(id, server, message, status: 200, at: now, &out)
  }

  private func refuseInDialog(
    _ id: LegID, _ server: ServerID, _ message: SIPMessage, status: Int, setting: String, at now: Instant, _ out: inout Outbox
  ) {
    let decision = PolicyDecision(.method, setting: setting, .refused(status: status), detail: message.method?.token ?? "")
    if let flow = party.userAgent.flow(of: id) { tell(decision, leg: id, message, flow, &out) }
    let fields = status == 405 ? [MessageDraft.Field(.allow, party.userAgent.allowValue)] : []
    respondInDialog(id, server, message, status: status, fields: fields, at: now, &out)
  }

  private func respondInDialog(
    _ id: LegID, _ server: ServerID, _ message: SIPMessage, status: Int, fields: [MessageDraft.Field] = [], at now: Instant,
    _ out: inout Outbox
  ) {
    handle(party.respondInDialog(id, server, to: message, status: status, fields: fields, at: now, &out), at: now, &out)
  }

  /// A request that is refused whatever it asks for. The policy's first four steps come before, so that a peer they keep out learns nothing
  /// else; requests that name a dialog, and CANCEL, are not the policy's (contract 8.1), but one that is dropped hears nothing at all.
  func answer(
    _ server: ServerID, _ message: SIPMessage, _ flow: Flow, _ defect: RequestDefect, at now: Instant, _ out: inout Outbox
  ) {
    let isJudged = defect != .noSuchDialog && defect != .nothingToCancel
    let policy = candidate(message)?.policy ?? configuration.listener
    if let failure = AccessChecks.firstFailure(policy, flow: flow), isJudged || failure.verdict == .dropped {
      return refuse(server, failure, message, flow, at: now, &out)
    }
    handle(party.refuse(server, message, flow, defect, at: now, &out), at: now, &out)
  }

  /// What OPTIONS is answered with beside Allow (contract 8.4); no extension is supported, and Supported says so.
  var capabilityFields: [MessageDraft.Field] {
    let accept = MessageDraft.Field(.accept, "application/sdp")
    return configuration.style.supported.isEmpty ? [accept, .init(.supported, "")] : [accept]
  }
}

/// The body of an INFO with `application/dtmf-relay`: `Signal=5` and `Duration=160` on lines of their own. No standard defines it.
struct DigitRelay: Equatable {
  var signal: String
  var milliseconds: Int

  init?(_ body: Bytes) {
    var fields: [(String, String)] = []
    for line in body.text.split(whereSeparator: \.isNewline) {
      let pair = line.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
      if pair.count == 2 { fields.append((pair[0].lowercased(), pair[1])) }
    }
    guard let signal = fields.first(where: { $0.0 == "signal" })?.1, signal.count == 1, "0123456789*#ABCD".contains(signal) else {
      return nil
    }
    self.signal = signal
    milliseconds = fields.first { $0.0 == "duration" }.flatMap { Int($0.1) } ?? 250
  }
}
