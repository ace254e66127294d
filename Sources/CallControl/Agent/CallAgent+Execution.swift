import Media
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SansIO

// The list of what happened: given to the machines one by one, and what they ask for carried out at once.
extension CallAgent {
  /// Tells a leg, and carries out what comes of it.
  func feed(_ id: LegID, _ input: LegInput, at now: Instant, _ out: inout Outbox) {
    work.append(.leg(id, input))
    run(at: now, &out)
  }

  /// Until nothing is left.
  func run(at now: Instant, _ out: inout Outbox) {
    while let item = work.next() {
      switch item {
      case .agent(let event): take(event, at: now, &out)
      case .leg(let id, let input): take(id, input, at: now, &out)
      case .report(let event): report(event)
      }
    }
  }

  private func take(_ id: LegID, _ input: LegInput, at now: Instant, _ out: inout Outbox) {
    guard let place = places[id.rawValue] else { return }
    let turn = legs.update(place) { (outputs: $0.leg.handle(input, at: now), media: $0.media) }
    guard let turn else { return }
    for output in turn.outputs { carryOut(output, id, turn.media, at: now, &out) }
  }

  private func carryOut(_ output: LegOutput, _ id: LegID, _ place: SlabPlace, at now: Instant, _ out: inout Outbox) {
    switch output {
    case .signal(let signal): carryOut(signal, id, at: now, &out)
    case .media(let command):
      media.handle(command, place, at: now, &out)
      takeMediaNews()
    case .ports(let request):
      media.handle(request, place, at: now, &out)
      takeMediaNews()
    case .event(let event): report(event)
    case .wake(let due): legDeadlines.set(id, at: due)
    case .over: forget(id)
    }
  }

  func takeNews() {
    while let event = userAgent.nextEvent() { work.append(.agent(event)) }
  }

  func takeMediaNews() {
    media.drainNews { news in
      switch news {
      case .leg(let id, let input): work.append(.leg(id, input))
      case .event(let event): work.append(.report(event))
      }
    }
  }

  private func carryOut(_ signal: LegOutput.Signal, _ id: LegID, at now: Instant, _ out: inout Outbox) {
    switch signal {
    case .invite(let request, let body): invite(id, request, body, at: now, &out)
    case .ring: userAgent.ring(id, at: now, &out)
    case .progress(let body): userAgent.progress(id, body: body, at: now, &out)
    case .accept(let body, let fields): userAgent.accept(id, body: body, fields: fields, at: now, &out)
    case .refuse(let status, let fields): userAgent.refuse(id, status: status, fields: fields, at: now, &out)
    case .acknowledge(let body): userAgent.acknowledge(id, body: body, at: now, &out)
    case .reinvite(let body): userAgent.reinvite(id, body: body, at: now, &out)
    case .answerReinvite(let server, let body): userAgent.answerReinvite(id, server, body: body, at: now, &out)
    case .refuseReinvite(let server, let status, let fields):
      userAgent.refuseReinvite(id, server, status: status, fields: fields, at: now, &out)
    case .cancel: userAgent.cancel(id, at: now, &out)
    case .hangUp(let reason, let fields): userAgent.hangUp(id, because: reason, fields: fields, at: now, &out)
    }
    takeNews()
  }

  private func invite(_ id: LegID, _ request: CallRequest, _ body: Bytes, at now: Instant, _ out: inout Outbox) {
    var to = NameAddress(uri: request.uri)
    to.uri.parameters = Parameters()
    guard case .servers(let first, let others) = request.hop else { preconditionFailure("a leg begins once its servers are known") }
    var call = OutgoingCall(
      requestURI: request.uri, target: first, from: request.from ?? configuration.aor, to: to, credentials: request.credentials,
      fields: request.fields, body: body, flow: request.flow)
    call.others = others
    call.prefersFlow = request.prefersFlow
    let callID = userAgent.call(call, as: id, at: now, &out)
    work.append(.leg(id, .signalling(.invited(callID: callID))))
  }

  // MARK: - The user agent's news

  private func take(_ event: UserAgentEvent, at now: Instant, _ out: inout Outbox) {
    switch event {
    case .listening(let listener): report(.listening(listener))
    case .listenFailed(let listener, let failure): report(.listenFailed(listener, failure))
    case .accepted(let flow): signal(.accepted(flow))
    case .dropped(let id, let request): signal(.dropped(id, request))
    case .flowFailed(let flow, let failure): report(.connectionFailed(remote: flow.remote, reason: "\(failure)"))
    case .socketFailed(let id, let failure): report(.socketFailed(id, failure))
    case .acceptsAgain(let listener): report(.acceptsAgain(listener))
    case .redirected(let id, let status, let uri, let target): report(.redirected(id, status: status, uri: uri, target: target))
    case .failedOver(let id, let failed, let target): report(.failedOver(id, from: failed.target, reason: failed.reason, to: target))
    case .serversFailed(let id, let failures): report(.serversFailed(id, failures))
    case .notLocated(let id, let reason): report(.serversFailed(id, reason: reason))
    case .requestRefused(let id, let request): report(.requestRefused(id, request))
    case .malformed(let rule, let flow): report(.malformed(from: flow.remote, rule: rule))
    case .incoming(let id, let request): signal(.incoming(id, request))
    case .inDialog(let id, let request): signal(.inDialog(id, request))
    case .reason(let id, let text): report(.reason(id, text))
    case .request(let request): signal(.request(request))
    case .defective(let server, let message, let defect): signal(.defective(server, message, defect))
    case .response(let id, let message, let sequence): answered(id, message.message, sequence, at: now, &out)
    case .requestFailed(let id, let failure, let sequence): failed(id, failure, sequence, at: now, &out)
    case .infoAnswered(let id, let status): infoAnswered(id, status, at: now, &out)
    case .note(let id, let note): report(.note(id, note))
    case .violation(let id, let violation): report(.violation(id, violation))
    case .acknowledged, .ringing, .answered, .refused, .reinvite, .reinviteRefused, .reinviteAcknowledged, .reinviteAnswered, .reinviteDue,
      .reinviteFailed, .ended:
      if let (id, input) = Self.signalling(event) { takeSignalling(id, input, at: now, &out) }
    }
  }

  /// What concerns a leg.
  private static func signalling(_ event: UserAgentEvent) -> (LegID, LegInput.Signalling)? {
    switch event {
    case .acknowledged(let id, let message): (id, .acknowledged(SessionBody(message)))
    case .ringing(let id, let message): (id, .provisional(status: message.message.status ?? 0, SessionBody(message)))
    case .answered(let id, let message): (id, .answered(SessionBody(message)))
    case .refused(let id, let message):
      (
        id,
        .refused(
          status: message.message.status ?? 0, phrase: message.message.reasonPhrase?.text ?? "",
          explanation: (message.message.first(.warning) ?? message.message.first(.reason))?.text)
      )
    case .reinvite(let id, let request): (id, .reinvite(request.server, SessionBody(request.inbound)))
    case .reinviteRefused(let id, let message): (id, .reinviteRefused(SessionBody(message)))
    case .reinviteAcknowledged(let id, let message): (id, .reinviteAcknowledged(SessionBody(message)))
    case .reinviteAnswered(let id, let message): (id, .reinviteAnswered(SessionBody(message)))
    case .reinviteDue(let id): (id, .reinviteDue)
    case .reinviteFailed(let id, let status, let reason): (id, .reinviteFailed(status: status, reason: reason))
    case .ended(let id, let reason): (id, .ended(reason))
    default: nil
    }
  }

  /// A call that was never taken in, or is over, has no leg: what happens to it is reported all the same.
  private func takeSignalling(_ id: LegID, _ input: LegInput.Signalling, at now: Instant, _ out: inout Outbox) {
    guard places[id.rawValue] == nil else { return take(id, .signalling(input), at: now, &out) }
    switch input {
    case .provisional(let status, _): report(.ringing(id, status: status))
    case .refused(let status, let phrase, let explanation):
      report(.refused(id, status: status, phrase: phrase, explanation: explanation))
    case .reinviteFailed(let status, let reason): report(.reinviteFailed(id, status: status, reason: reason))
    case .ended(let reason): report(.ended(id, reason, nil))
    case .invited, .answered, .acknowledged, .reinvite, .reinviteRefused, .reinviteAcknowledged, .reinviteAnswered, .reinviteDue: break
    }
  }

  // MARK: - Requests outside dialogs

  func carryOut(_ outputs: [Registrations.Output], at now: Instant, _ out: inout Outbox) {
    for output in outputs {
      switch output {
      case .event(let event): report(event)
      case .send(let register): send(.register(register), to: register.request.hop, at: now, &out)
      }
    }
  }

  private func answered(_ id: RequestID, _ message: SIPMessage, _ sequence: UInt32, at now: Instant, _ out: inout Outbox) {
    switch purposes.remove(id.rawValue) {
    case .ping: report(.optionsAnswered(status: message.status ?? 0))
    case .registration(let index):
      carryOut(registrations.answered(index, message, sequence, at: now, using: &entropy), at: now, &out)
    case nil: break
    }
  }

  private func failed(_ id: RequestID, _ failure: TransactionFailure, _ sequence: UInt32, at now: Instant, _ out: inout Outbox) {
    switch purposes.remove(id.rawValue) {
    case .ping: report(.optionsFailed(reason: "\(failure)"))
    case .registration(let index): carryOut(registrations.failed(index, failure, sequence, at: now, using: &entropy), at: now, &out)
    case nil: break
    }
  }

  /// Joins the media of two legs, or of one with itself; of legs that are over nothing happens.
  func bridge(_ one: LegID, _ other: LegID?, at now: Instant, _ out: inout Outbox) {
    func place(_ id: LegID) -> SlabPlace? { places[id.rawValue].flatMap { legs[$0]?.media } }
    guard let first = place(one) else { return }
    guard let other else { return media.echo(first, at: now, &out) }
    if let second = place(other) { media.bridge(first, second, at: now, &out) }
  }
}
