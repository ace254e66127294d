import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// A request of ours, which may have to wait until its servers are known.
enum Errand: Sendable {
  case call(CallRequest)
  case register(Registrations.Outgoing)
  case options(SIPURI)

  /// Whom it asks.
  fileprivate var uri: SIPURI {
    switch self {
    case .call(let request): request.uri
    case .register(let register): register.request.registrar
    case .options(let uri): uri
    }
  }

  /// The first way that is not TLS: the flow it is bound to, else one of its servers.
  fileprivate func clearWay(among targets: [SIPTarget]) -> String? {
    if case .call(let request) = self, let flow = request.flow { return flow.transport == .tls ? nil : "\(flow)" }
    return targets.first { $0.transport != .tls }.map { "\($0)" }
  }
}

// Requests of ours and the servers that they go to (RFC 3263 §4).
extension CallAgent {
  /// Sends a request where it goes, once that is known.
  func send(_ errand: Errand, to hop: NextHop, at now: Instant, _ out: inout Outbox) {
    switch hop {
    case .servers(let first, let others): send(errand, to: first, others, at: now, &out)
    case .name(let uri):
      guard let (errand, location) = locator.locate(uri, for: errand, &out) else { return }
      send(errand, location, at: now, &out)
    }
  }

  /// The name service answered.
  func located(_ query: QueryID, _ answer: NameAnswer, at now: Instant, _ out: inout Outbox) {
    guard let (errand, location) = locator.receive(answer, query, &out) else { return }
    send(errand, location, at: now, &out)
  }

  private func send(_ errand: Errand, _ location: ServerLocator<Errand>.Location, at now: Instant, _ out: inout Outbox) {
    switch location {
    case .found(let targets): send(errand, to: targets[0], Array(targets.dropFirst()), at: now, &out)
    case .failed(let reason): giveUp(errand, reason, at: now, &out)
    }
  }

  /// A request for a sips URI leaves over TLS alone, whoever asked for something else (RFC 3261 §26.2.2, RFC 5630 §3.1).
  private func send(_ errand: Errand, to first: SIPTarget, _ others: [SIPTarget], at now: Instant, _ out: inout Outbox) {
    if errand.uri.scheme == .sips, let clear = errand.clearWay(among: [first] + others) {
      let reason = "a request for a sips URI is sent over TLS alone, and \(clear) is not TLS (RFC 3261 §26.2.2)"
      return giveUp(errand, reason, at: now, &out)
    }
    switch errand {
    case .call(let request): place(request, to: first, others, at: now, &out)
    case .register(let register): send(register, to: first, others, at: now, &out)
    case .options(let uri): ping(uri, at: first, others, at: now, &out)
    }
  }

  /// Nobody can be asked: it ends as if nobody had answered.
  private func giveUp(_ errand: Errand, _ reason: String, at now: Instant, _ out: inout Outbox) {
    switch errand {
    case .call(let request):
      let id = userAgent.reserveLeg()
      let facts = LegFacts(
        direction: .outgoing, callID: "unsent-\(id.rawValue)", from: (request.from ?? configuration.aor).uri.description,
        to: request.uri.description, transport: request.hop.first?.transport ?? request.uri.transport ?? .udp,
        peer: request.hop.first?.address ?? TransportAddress(.anyV4, port: 0), name: request.name)
      report(.started(id, facts))
      report(.serversFailed(id, reason: reason))
      report(.ended(id, .transportFailed, nil))
    case .register(let register):
      report(.serversFailed(nil, reason: reason))
      carryOut(registrations.notSent(register.index, reason, at: now, using: &entropy), at: now, &out)
    case .options:
      report(.serversFailed(nil, reason: reason))
      report(.optionsFailed(reason: reason))
    }
  }

  // MARK: - Requests outside dialogs

  private func send(
    _ register: Registrations.Outgoing, to first: SIPTarget, _ others: [SIPTarget], at now: Instant, _ out: inout Outbox
  ) {
    let request = register.request
    var outgoing = OutOfDialogRequest(.register, to: first, uri: request.registrar, from: request.aor, to: request.aor)
    outgoing.others = others
    (outgoing.callID, outgoing.sequence) = (register.next?.callID, register.next?.sequence)
    (outgoing.contact, outgoing.credentials) = (register.contact, request.credentials)
    outgoing.fields = [.init(.expires, String(register.expires))]
    let id = userAgent.send(outgoing, at: now, &out)
    purposes[id.rawValue] = .registration(register.index)
    registrations.sent(register.index, contact: userAgent.contact(of: id), callID: userAgent.callID(of: id))
    takeNews()
  }

  private func ping(_ uri: SIPURI, at first: SIPTarget, _ others: [SIPTarget], at now: Instant, _ out: inout Outbox) {
    var request = OutOfDialogRequest(.options, to: first, uri: uri, from: configuration.aor, to: NameAddress(uri: uri))
    request.others = others
    if configuration.userAgent.style.options.hasAccept { request.fields = [.init(.accept, "application/sdp")] }
    purposes[userAgent.send(request, at: now, &out).rawValue] = .ping
    takeNews()
  }
}

extension CallAgentEvent {
  /// Every server was tried, and none took the request.
  static func serversFailed(_ leg: LegID?, _ failures: [FailedServer]) -> CallAgentEvent {
    let list = failures.map { "\($0)" }.joined(separator: "; ")
    return .serversFailed(leg, reason: "none of \(CountText.of(failures.count, "server")) took the request: \(list)")
  }
}
