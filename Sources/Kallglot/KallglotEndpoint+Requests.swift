import KallglotPolicy
import CallControl
import SDP
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// Requests of peers: what the rules of admission said becomes an answer here (contract 8.1, 8.4, 8.7).
extension KallglotEndpoint {
  // MARK: - INVITE

  func admit(_ served: ServedRequest, at now: Instant, _ out: inout Outbox) {
    guard let request = AdmissionRequest(served, realm: configuration.domain),
      let account = authenticate(served, request, at: now, &out)
    else { return }
    switch admission.admit(request, account, sessions) {
    case .refused(let decision): refuse(served, decision, fields: fields(for: decision), at: now, &out)
    case .passed(let ticket, let passes): takeIn(served, request, ticket, passes, at: now, &out)
    }
  }

  /// Steps 8a and 9, then the call is on its way.
  private func takeIn(
    _ served: ServedRequest, _ request: AdmissionRequest, _ ticket: AdmissionDesk.Ticket, _ passes: [PolicyDecision], at now: Instant,
    _ out: inout Outbox
  ) {
    guard case .leg(let id, let invite) = served.server else { return }
    let policy = ticket.account.policy
    let security = policy.security(overTLS: served.flow.transport == .tls)
    do throws(AdmissionFailure) {
      try agent.admit(
        id, invite, capability: AudioCapability(codecs: policy.spokenCodecs, security: security, decidesOrder: true),
        answerWith: policy.answerWith.form, answerFields: echoedFields(ticket), rtpTimeout: policy.rtpTimeout,
        prefersFlow: policy.natContact == .flow, at: now, &out)
    } catch {
      return refuseReception(served, request, ticket, error, at: now, &out)
    }
    for decision in passes { report(decision, served, &out) }
    noteAllow(id, served.message)
    let terms = SessionCore<LegID>.Terms(account: ticket.account.name, policy: policy)
    let joined = sessions.handle(.admitted(id, terms, to: ticket.destination, role: SessionRole(served.message)), at: now)
    carryOut(joined, at: now, &out)
    reportCarried(id, served.message, joined, &out)
  }

  private func refuseReception(
    _ served: ServedRequest, _ request: AdmissionRequest, _ ticket: AdmissionDesk.Ticket, _ failure: AdmissionFailure, at now: Instant,
    _ out: inout Outbox
  ) {
    var context = ticket.context
    switch failure {
    case .noMediaPort: context.reception = .noMediaPort
    case .description(let failure): context.reception = .description(failure)
    }
    guard let decision = AdmissionOrder.reception.firstFailure(request, context) else { return }
    refuse(served, decision, fields: fields(for: decision, context.reception), at: now, &out)
  }

  /// The `X-` fields of the session that our 200 echoes (contract 8.7).
  private func echoedFields(_ ticket: AdmissionDesk.Ticket) -> [HeaderField] {
    guard case .session(let id) = ticket.destination else { return [] }
    return sessions[id]?.headers.filter { $0.name.text.lowercased().hasPrefix("x-") } ?? []
  }

  private func reportCarried(_ id: LegID, _ message: SIPMessage, _ joined: [SessionCore<LegID>.Output], _ out: inout Outbox) {
    let carried = message.fields.filter { $0.known == .other && $0.name.prefix(2).text.lowercased() == "x-" }.map {
      "\($0.name): \($0.value)"
    }
    guard !carried.isEmpty else { return }
    for case .joined(_, let session, _, _) in joined { out.event(EndpointEvent.carried(id, session: session, headers: carried)) }
  }

  // MARK: - Requests outside dialogs that are no INVITE

  func answer(_ served: ServedRequest, at now: Instant, _ out: inout Outbox) {
    guard let request = AdmissionRequest(served, realm: configuration.domain) else { return }
    if request.method == .register { return register(served, request, at: now, &out) }
    let context = admission.context(of: request, sessions)
    if let failure = AdmissionOrder.access.firstFailure(request, context) { return refuse(served, failure, at: now, &out) }
    let decision = MethodRule.check(request, context)
    guard decision.verdict == .passed else { return refuse(served, decision, fields: fields(for: decision), at: now, &out) }
    respond(served, status: 200, fields: capabilityFields, at: now, &out)
  }

  /// A request that is refused whatever it asks for. The policy's first four steps come before, so that a peer they keep out learns nothing
  /// else; requests that name a dialog, and CANCEL, are not the policy's (contract 8.1), but one that is dropped hears nothing at all.
  func answer(_ served: ServedRequest, _ defect: RequestDefect, at now: Instant, _ out: inout Outbox) {
    guard let request = AdmissionRequest(served, realm: configuration.domain),
      case .transaction(let server) = served.server
    else { return }
    let isJudged = defect != .noSuchDialog && defect != .nothingToCancel
    if let failure = admission.accessFailure(request, sessions), isJudged || failure.verdict == .dropped {
      return refuse(served, failure, at: now, &out)
    }
    agent.refuse(server, served.inbound, defect, at: now, &out)
  }

  private func register(_ served: ServedRequest, _ request: AdmissionRequest, at now: Instant, _ out: inout Outbox) {
    guard let account = authenticate(served, request, at: now, &out) else { return }
    guard let accepted = served.request, let aor = accepted.addressOfRecord else { return respond(served, status: 400, at: now, &out) }
    if case .other(let scheme) = aor.scheme {
      let rule = "the address-of-record is a \(scheme) URI, not a SIP or SIPS URI (RFC 3261 §10.2)"
      return refuseForm(served, rule, at: now, &out)
    }
    let context = AdmissionContext(place: admission.place, policy: account.policy, account: account)
    let decision = RegistrationRule.check(request, context, addressOfRecord: aor)
    guard decision.verdict == .passed else { return refuse(served, decision, at: now, &out) }
    let owner = account.name.isEmpty ? aor.user ?? "" : account.name
    answer(served, registrar.register(accepted, account: owner, at: now), at: now, &out)
  }

  private func answer(_ served: ServedRequest, _ outcome: Registrar.Outcome, at now: Instant, _ out: inout Outbox) {
    switch outcome {
    case .bound(let contacts):
      report(PolicyDecision(.registration, .passed, detail: "\(CountText.of(contacts.count, "contact")) bound"), served, &out)
      respond(served, status: 200, fields: contacts.map { HeaderField(.contact, $0.fieldValue) }, at: now, &out)
    case .intervalTooBrief:
      let decision = PolicyDecision(.registration, .refused(status: 423), detail: "shorter than \(Registrar.minimumSeconds) s")
      refuse(served, decision, fields: [.init(.minExpires, "\(Registrar.minimumSeconds)")], at: now, &out)
    case .tooManyContacts:
      let limit = CountText.of(Registrar.maximumContacts, "contact")
      let decision = PolicyDecision(.registration, .refused(status: 403), detail: "more than \(limit)")
      refuse(served, decision, fields: [.init(.warning, "399 \(configuration.domain) \"At most \(limit)\"")], at: now, &out)
    case .outOfOrder: respond(served, status: 500, at: now, &out)
    case .badRequest(let rule): refuseForm(served, rule, at: now, &out)
    }
  }

  // MARK: - Requests within dialogs

  func answerInDialog(_ id: LegID, _ request: SIPRequest, at now: Instant, _ out: inout Outbox) {
    let method = request.method
    let decision = MethodRule.checkInDialog(method, sessions.terms(of: id)?.policy ?? configuration.listener)
    switch decision.verdict {
    case .refused(let status):
      if agent.userAgent.flow(of: id) != nil {
        out.event(EndpointEvent.decision(id, decision, JudgedRequest(request.inbound)))
      }
      respondInDialog(id, request, status: status, fields: fields(for: decision), at: now, &out)
    case .passed where method == .info: answerInfo(id, request, at: now, &out)
    case .passed, .challenged, .dropped:
      respondInDialog(id, request, status: 200, fields: capabilityFields, at: now, &out)
    }
  }

  /// A digit is told and answered with 200, an INFO without body as well (RFC 2976 §2.2); a body that cannot be read gets 400 with the
  /// reason, other types 415.
  private func answerInfo(_ id: LegID, _ request: SIPRequest, at now: Instant, _ out: inout Outbox) {
    switch InfoDigit.read(request.message) {
    case .empty: respondInDialog(id, request, status: 200, at: now, &out)
    case .digit(let digit):
      respondInDialog(id, request, status: 200, at: now, &out)
      agent.hear(digit, on: id)
    case .broken(let form, let reason):
      let rule = "a body of \(form.contentType) that is not one: \(reason)"
      let warning = HeaderField(.warning, WarningValue(refusing: rule, by: request.flow.local.address).fieldValue)
      respondInDialog(id, request, status: 400, fields: [warning], at: now, &out)
    case .otherType: respondInDialog(id, request, status: 415, fields: [.init(.accept, InfoDigit.accepted)], at: now, &out)
    }
  }

  private func respondInDialog(
    _ id: LegID, _ request: SIPRequest, status: Int, fields: [HeaderField] = [], at now: Instant,
    _ out: inout Outbox
  ) {
    agent.respondInDialog(id, request.server, status: status, fields: fields, at: now, &out)
  }

  // MARK: - Answers

  /// Steps 1 to 5; nil when the request was answered.
  private func authenticate(_ served: ServedRequest, _ request: AdmissionRequest, at now: Instant, _ out: inout Outbox) -> Account? {
    switch admission.authenticate(request, sessions, at: now) {
    case .passed(let account, let decision):
      report(decision, served, &out)
      return account
    case .refused(let decision): refuse(served, decision, at: now, &out)
    case .challenged(let decision, let challenges):
      report(decision, served, &out)
      let fields = challenges.map { HeaderField(.wwwAuthenticate, $0.description) }
      switch served.server {
      case .leg(let id, _): agent.challenge(id, fields: fields, at: now, &out)
      case .transaction: respond(served, status: 401, fields: fields, at: now, &out)
      }
    }
    return nil
  }

  private func report(_ decision: PolicyDecision, _ served: ServedRequest, _ out: inout Outbox) {
    out.event(EndpointEvent.decision(served.leg, decision, served.judged))
  }

  private func refuse(
    _ served: ServedRequest, _ decision: PolicyDecision, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox
  ) {
    report(decision, served, &out)
    switch decision.verdict {
    case .refused(let status): respond(served, status: status, fields: fields, at: now, &out)
    case .dropped:
      switch served.server {
      case .leg(let id, _): agent.ignore(id, at: now)
      case .transaction(let server): agent.ignore(server, at: now)
      }
      if served.flow.transport.isReliable { agent.drop(served.flow, at: now, &out) }
    case .passed, .challenged: break
    }
  }

  /// 400 with the rule as a Warning.
  private func refuseForm(_ served: ServedRequest, _ rule: String, at now: Instant, _ out: inout Outbox) {
    let warning = HeaderField(.warning, WarningValue(refusing: rule, by: served.flow.local.address).fieldValue)
    respond(served, status: 400, fields: [warning], at: now, &out)
  }

  private func respond(
    _ served: ServedRequest, status: Int, fields: [HeaderField] = [], at now: Instant, _ out: inout Outbox
  ) {
    switch served.server {
    case .leg(let id, let invite): agent.refuse(id, invite, status: status, fields: fields, at: now, &out)
    case .transaction(let server):
      agent.respond(server, status: status, fields: fields, at: now, &out)
    }
  }

  /// What a refusal has to carry beside its status.
  private func fields(for decision: PolicyDecision, _ reception: AdmissionContext.Reception = .possible) -> [HeaderField] {
    switch (decision.verdict, reception) {
    case (.refused(405), _): [.init(.allow, agent.userAgent.allowValue)]
    case (.refused(503), _): [.init(.retryAfter, "10")]
    case (.refused(488), .description(let failure)): [.init(.warning, failure.warningValue(agent: configuration.mediaAddress))]
    default: []
    }
  }

  /// What OPTIONS is answered with beside Allow (contract 8.4); no extension is supported, and Supported says so.
  private var capabilityFields: [HeaderField] {
    let accept = HeaderField(.accept, "application/sdp")
    return configuration.style.supported.isEmpty ? [accept, .init(.supported, "")] : [accept]
  }
}
