import KallglotPolicy
import Legs
import Media
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// The way of an initial INVITE through the policy, step by step (contract 8.1).
extension KallglotEndpoint {
  func admit(_ id: LegID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    let facts = LegFacts(incoming: message, flow: flow)
    guard let account = authenticate(id, facts, message, flow, at: now, &out) else { return }
    if !account.isActive {
      let decision = PolicyDecision(
        .organization, .refused(status: 403), detail: "organization of \(account.name) is inactive or has no credits")
      return refuse(id, facts, decision, message, flow, at: now, &out)
    }
    guard let session = session(id, facts, account, message, flow, at: now, &out) else { return }
    let policy = account.policy
    let calls = callsByAccount[account.name, default: 0]
    guard calls < policy.maxConcurrentCalls else {
      let decision = PolicyDecision(
        .concurrency, setting: "maxConcurrentCalls", .refused(status: policy.capReachedStatus),
        detail: "\(calls) of \(CountText.of(policy.maxConcurrentCalls, "call")) \(calls == 1 ? "is" : "are") up")
      let fields = policy.capReachedStatus == 503 ? [MessageDraft.Field(.retryAfter, "10")] : []
      sessions.discard(session.id)
      return refuse(id, facts, decision, message, flow, fields: fields, at: now, &out)
    }
    if policy.requireSRTP {
      sessions.discard(session.id)
      return refuseDescription(id, facts, .wrongProfile, setting: "requireSRTP", message, flow, at: now, &out)
    }
    let passed = PolicyDecision(
      .concurrency, setting: "maxConcurrentCalls", .passed, detail: "call \(calls + 1) of \(policy.maxConcurrentCalls)")
    takeIn(id, facts, message, flow, account, session, passed, at: now, &out)
  }

  /// Steps 8a and 9, then the call is on its way.
  private func takeIn(
    _ id: LegID, _ facts: LegFacts, _ message: SIPMessage, _ flow: Flow, _ account: Account, _ session: Session, _ passed: PolicyDecision,
    at now: Instant, _ out: inout Outbox
  ) {
    let policy = account.policy
    let signals: [Party.Signal]
    do throws(AdmissionFailure) {
      signals = try party.admit(
        id, message, facts, capability: AudioCapability(codecs: policy.spokenCodecs, decidesOrder: true),
        answerWith: policy.answerWith.form,
        answerFields: session.headers.filter { $0.name.text.lowercased().hasPrefix("x-") }, rtpTimeout: policy.rtpTimeout,
        prefersFlow: policy.natContact == .flow, at: now, &out)
    } catch {
      sessions.discard(session.id)
      switch error {
      case .noMediaPort:
        let decision = PolicyDecision(
          .mediaPort, setting: "mediaPorts", .refused(status: 503), detail: "no free port pair in \(policy.mediaPorts)")
        refuse(id, facts, decision, message, flow, fields: [.init(.retryAfter, "10")], at: now, &out)
      case .description(let failure): refuseDescription(id, facts, failure, setting: "codecs", message, flow, at: now, &out)
      }
      return
    }
    tell(passed, leg: id, message, flow, &out)
    admitted[id] = Admission(account: account.name, policy: policy)
    callsByAccount[account.name, default: 0] += 1
    let role = sessions.join(id, session.id, role: SessionRole(message))
    out.event(EndpointEvent.joined(id, session: session.id, account: account.name, role: role))
    let carried = message.fields.filter { $0.known == .other && $0.name.prefix(2).text.lowercased() == "x-" }.map {
      "\($0.name): \($0.value)"
    }
    if !carried.isEmpty { out.event(EndpointEvent.carried(id, session: session.id, headers: carried)) }
    sessionDeadlines.remove(session.id)
    handle(signals, at: now, &out)
  }

  private func refuseDescription(
    _ id: LegID, _ facts: LegFacts, _ failure: OfferAnswerFailure, setting: String, _ message: SIPMessage, _ flow: Flow, at now: Instant,
    _ out: inout Outbox
  ) {
    let decision = PolicyDecision(.description, setting: setting, .refused(status: 488), detail: failure.warningText)
    let warning = MessageDraft.Field(.warning, failure.warningValue(agent: configuration.mediaAddress))
    refuse(id, facts, decision, message, flow, fields: [warning], at: now, &out)
  }

  // MARK: - Steps 1 to 5

  /// Steps 1 to 5 for an INVITE; nil when it was answered.
  private func authenticate(
    _ id: LegID, _ facts: LegFacts, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) -> Account? {
    let judgement = judge(message, flow, at: now)
    for decision in judgement.decisions where decision.verdict == .passed { tell(decision, leg: id, message, flow, &out) }
    switch judgement.outcome {
    case .passed(let account): return account
    case .refused(let decision): refuse(id, facts, decision, message, flow, at: now, &out)
    case .challenged(let decision, let fields):
      tell(decision, leg: id, message, flow, &out)
      handle(party.challenge(id, fields: fields, at: now, &out), at: now, &out)
    }
    return nil
  }

  func refuse(
    _ id: LegID, _ facts: LegFacts, _ decision: PolicyDecision, _ message: SIPMessage, _ flow: Flow,
    fields: [MessageDraft.Field] = [], at now: Instant, _ out: inout Outbox
  ) {
    tell(decision, leg: id, message, flow, &out)
    switch decision.verdict {
    case .refused(let status):
      handle(party.refuse(id, facts, status: status, fields: fields, at: now, &out), at: now, &out)
    case .dropped:
      handle(party.ignore(id, at: now, &out), at: now, &out)
      if flow.transport.isReliable { handle(party.drop(flow, at: now, &out), at: now, &out) }
    case .passed, .challenged: break
    }
  }

  // MARK: - Step 7

  /// The session that the Request-URI names, or a new one (inbound-first); nil when the call was refused.
  private func session(
    _ id: LegID, _ facts: LegFacts, _ account: Account, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) -> Session? {
    func refused(_ status: Int, _ detail: String, setting: String = "") -> Session? {
      let decision = PolicyDecision(.session, setting: setting, .refused(status: status), detail: detail)
      refuse(id, facts, decision, message, flow, at: now, &out)
      return nil
    }
    guard let uri = try? message.requestURI() else { return refused(400, "the Request-URI cannot be read") }
    guard account.policy.anyDomain || isOurs(uri) else { return refused(404, "domain \(uri.host) is not ours", setting: "anyDomain") }
    guard let user = uri.unescapedUser, user.hasPrefix("sess_") else {
      guard account.policy.inboundFirst else { return refused(404, "inbound-first calls are switched off", setting: "inboundFirst") }
      return sessions.create(account: account.name)
    }
    switch sessions.lookUp(user, account: account.policy.authentication == .none ? nil : account.name) {
    case .found(let session): return session
    case .unknown: return refused(404, "session \(user) is not known")
    case .ended:
      return refused(410, "session \(user) has ended, by the API or by the BYE of its last leg (unless it is `reusable: true`)")
    case .full: return refused(486, "session \(user) has \(CountText.of(Session.maximumLegs, "leg"))")
    }
  }

  /// Our domain, an address we listen on, or the host that our own Contact names.
  func isOurs(_ uri: SIPURI) -> Bool {
    let host = uri.host.text.lowercased()
    if host == configuration.domain.lowercased() || host == configuration.listener.contactHost?.lowercased() { return true }
    guard let address = uri.host.address else { return false }
    return configuration.listeners.contains { $0.address.address == address || $0.address.address.isUnspecified }
  }
}
