import KallglotPolicy
import Legs
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// Requests that are no INVITE: REGISTER, OPTIONS, and the refusals of what is not offered (contract 8.4, 8.7).
extension KallglotEndpoint {
  func answer(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard let method = message.method else { return }
    let policy = candidate(message)?.policy ?? configuration.listener
    if method != .register, let failure = AccessChecks.firstFailure(policy, flow: flow) {
      refuse(server, failure, message, flow, at: now, &out)
      return
    }
    switch method {
    case .register: register(server, message, flow, at: now, &out)
    case .options: respond(server, message, flow, status: 200, fields: capabilityFields, at: now, &out)
    case .subscribe, .publish: refuseMethod(server, message, flow, status: 489, setting: "", at: now, &out)
    case .notify, .bye, .prack, .update, .info: refuseMethod(server, message, flow, status: 481, setting: "", at: now, &out)
    case .message: refuseMethod(server, message, flow, status: 405, setting: "", at: now, &out)
    case .refer: refuseMethod(server, message, flow, status: policy.referStatus, setting: "referStatus", at: now, &out)
    default: refuseMethod(server, message, flow, status: 501, setting: "", at: now, &out)
    }
  }

  /// The rule by which a peer gets no word at all, before it is known who it is.
  func droppingRule(_ flow: Flow) -> PolicyDecision? {
    let policy = (accountNames.count == 1 ? accountNames.first.flatMap { accounts[$0]?.policy } : nil) ?? configuration.listener
    guard policy.allowlistRefusal == .drop, let failure = AccessChecks.firstFailure(policy, flow: flow), failure.verdict == .dropped
    else { return nil }
    return failure
  }

  /// A connection from an address that the policy drops is reset before a byte is read (contract 8.1, step 3).
  func judgeConnection(_ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard let failure = droppingRule(flow) else { return }
    out.event(EndpointEvent.decision(nil, failure, JudgedRequest(method: "", peer: flow.remote)))
    handle(party.drop(flow, at: now, &out), at: now, &out)
  }

  // MARK: - REGISTER

  private func register(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    let judgement = judge(message, flow, at: now)
    for decision in judgement.decisions { tell(decision, leg: nil, message, flow, &out) }
    switch judgement.outcome {
    case .refused(let decision): refuse(server, decision, message, flow, at: now, &out)
    case .challenged(let decision, let fields):
      tell(decision, leg: nil, message, flow, &out)
      respond(server, message, flow, status: 401, fields: fields, at: now, &out)
    case .passed(let account): bind(server, account, message, flow, at: now, &out)
    }
  }

  /// The address of record of a REGISTER; nil when it was refused, since it has to be a SIP or SIPS URI (RFC 3261 §10.2).
  private func addressOfRecord(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) -> SIPURI? {
    guard let aor = try? message.to().uri else {
      respond(server, message, flow, status: 400, at: now, &out)
      return nil
    }
    guard case .other(let scheme) = aor.scheme else { return aor }
    refuseForm(server, message, flow, "the address-of-record is a \(scheme) URI, not a SIP or SIPS URI (RFC 3261 §10.2)", at: now, &out)
    return nil
  }

  private func bind(
    _ server: ServerID, _ account: Account, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) {
    guard let aor = addressOfRecord(server, message, flow, at: now, &out) else { return }
    if let decision = refusal(of: try? message.requestURI(), aor, account) { return refuse(server, decision, message, flow, at: now, &out) }
    let owner = account.name.isEmpty ? aor.user ?? "" : account.name
    answer(registrar.register(message, account: owner, on: flow, at: now), server, message, flow, at: now, &out)
  }

  /// Whose bindings these would be (contract 8.2); nil when they are the account's own.
  private func refusal(of uri: SIPURI?, _ aor: SIPURI, _ account: Account) -> PolicyDecision? {
    if !account.policy.anyDomain, let foreign = [uri ?? aor, aor].first(where: { !isOurs($0) }) {
      return PolicyDecision(.domain, setting: "anyDomain", .refused(status: 404), detail: "domain \(foreign.host) is not ours")
    }
    // A username with an @ stands escaped in a URI (RFC 3261 §19.1.4).
    if account.policy.authentication == .digest, aor.user != account.username, aor.unescapedUser != account.username {
      return PolicyDecision(.domain, .refused(status: 403), detail: "the address-of-record does not match the username")
    }
    return nil
  }

  private func answer(
    _ outcome: Registrar.Outcome, _ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) {
    switch outcome {
    case .bound(let contacts):
      let fields = contacts.map { MessageDraft.Field(.contact, $0.fieldValue) }
      tell(
        PolicyDecision(.registration, .passed, detail: "\(CountText.of(contacts.count, "contact")) bound"), leg: nil, message, flow, &out)
      respond(server, message, flow, status: 200, fields: fields, at: now, &out)
    case .intervalTooBrief:
      let decision = PolicyDecision(.registration, .refused(status: 423), detail: "shorter than \(Registrar.minimumSeconds) s")
      refuse(server, decision, message, flow, fields: [.init(.minExpires, "\(Registrar.minimumSeconds)")], at: now, &out)
    case .tooManyContacts:
      let decision = PolicyDecision(
        .registration, .refused(status: 403), detail: "more than \(CountText.of(Registrar.maximumContacts, "contact"))")
      let warning = "399 \(configuration.domain) \"At most \(CountText.of(Registrar.maximumContacts, "contact"))\""
      refuse(server, decision, message, flow, fields: [.init(.warning, warning)], at: now, &out)
    case .outOfOrder:
      respond(server, message, flow, status: 500, at: now, &out)
    case .badRequest(let rule): refuseForm(server, message, flow, rule, at: now, &out)
    }
  }

  // MARK: - Answers

  /// 400 with the rule as a Warning.
  private func refuseForm(
    _ server: ServerID, _ message: SIPMessage, _ flow: Flow, _ rule: String, at now: Instant, _ out: inout Outbox
  ) {
    let warning = MessageDraft.Field(.warning, WarningValue(refusing: rule, by: flow.local.address).fieldValue)
    respond(server, message, flow, status: 400, fields: [warning], at: now, &out)
  }

  private func refuseMethod(
    _ server: ServerID, _ message: SIPMessage, _ flow: Flow, status: Int, setting: String, at now: Instant, _ out: inout Outbox
  ) {
    let decision = PolicyDecision(.method, setting: setting, .refused(status: status), detail: message.method?.token ?? "")
    let fields = status == 405 ? [MessageDraft.Field(.allow, party.userAgent.allowValue)] : []
    refuse(server, decision, message, flow, fields: fields, at: now, &out)
  }

  func refuse(
    _ server: ServerID, _ decision: PolicyDecision, _ message: SIPMessage, _ flow: Flow, fields: [MessageDraft.Field] = [],
    at now: Instant, _ out: inout Outbox
  ) {
    tell(decision, leg: nil, message, flow, &out)
    switch decision.verdict {
    case .refused(let status): respond(server, message, flow, status: status, fields: fields, at: now, &out)
    case .dropped:
      party.ignore(server, at: now)
      if flow.transport.isReliable { handle(party.drop(flow, at: now, &out), at: now, &out) }
    case .passed, .challenged: break
    }
  }

  private func respond(
    _ server: ServerID, _ message: SIPMessage, _ flow: Flow, status: Int, fields: [MessageDraft.Field] = [], at now: Instant,
    _ out: inout Outbox
  ) {
    handle(party.respond(server, to: message, on: flow, status: status, fields: fields, at: now, &out), at: now, &out)
  }
}
