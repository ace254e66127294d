import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO
import SecureTransport

/// A proxy that keeps transactions and forks (RFC 3261 §16): calls to itself go to all of its targets at once, everything else goes where
/// Route and Request-URI say. It stays on the path by Record-Route, by two of them where transports change (RFC 5658).
public final class ForkingProxy: NetworkHost {
  private let transport: SIPTransportLayer
  private let transactions: TransactionLayer
  private let routing: ProxyRouting
  private let address: IPAddress
  private var entropy: Entropy
  private var events: [SIPTransportLayer.Event] = []
  private var outputs: [TransactionLayer.Output] = []
  /// Requests that are forwarded, by their server transactions; and whose each client transaction is.
  private var contexts: [TransactionLayer.ServerID: ResponseContext] = [:]
  /// Requests that wait for the servers of a name.
  private var searching: [TransactionLayer.ServerID: Forwarding] = [:]
  private var locator: ServerLocator<Forwarding>
  private var owners: [TransactionLayer.ClientID: TransactionLayer.ServerID] = [:]

  /// A request on its way; the server transaction is nil for the ACK of a 2xx.
  private struct Forwarding: Sendable {
    let request: InboundMessage
    let copy: ForwardedMessage
    let server: TransactionLayer.ServerID?
  }

  public init(
    address: IPAddress, listeners: [TransportListener], routing: ProxyRouting, serverTLS: TLSContext?, clientTLS: TLSContext?,
    entropy: Entropy, epoch: Epoch
  ) {
    self.address = address
    self.routing = routing
    self.entropy = entropy.fork("branches")
    locator = ServerLocator(ServerSearch.Means(listeners), entropy.fork("servers"))
    transport = SIPTransportLayer(
      listeners: listeners, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy.fork("transport"), epoch: epoch)
    transactions = TransactionLayer()
  }

  public func start(at now: Instant, _ out: inout Outbox) {
    transport.start(at: now, &out, &events)
    drain(at: now, &out)
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    if case .resolved(let query, let answer) = arrival {
      if let (request, location) = locator.receive(answer, query, &out) { located(request, location, at: now, &out) }
    } else {
      transport.receive(arrival, at: now, &out, &events)
    }
    drain(at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    transport.wake(at: now, &out, &events)
    transactions.wake(at: now, &outputs)
    drain(at: now, &out)
  }

  public var nextDeadline: Instant? { [transport.nextDeadline, transactions.nextDeadline].compactMap(\.self).min() }

  /// Requests that are not over.
  public var liveRequests: Int { contexts.count }

  // MARK: - News of the layers

  private func drain(at now: Instant, _ out: inout Outbox) {
    while !events.isEmpty || !outputs.isEmpty {
      let (news, todo) = (events, outputs)
      (events, outputs) = ([], [])
      for event in news { take(event, at: now) }
      for output in todo { take(output, at: now, &out) }
    }
  }

  private func take(_ event: SIPTransportLayer.Event, at now: Instant) {
    switch event {
    case .message(let message): transactions.receive(message, at: now, &outputs)
    case .flowFailed(let flow, let failure): transactions.flowFailed(flow, failure, at: now, &outputs)
    case .sendFailed(let bytes, _, _, let error): transactions.sendFailed(bytes, error, at: now, &outputs)
    default: break
    }
  }

  private func take(_ output: TransactionLayer.Output, at now: Instant, _ out: inout Outbox) {
    switch output {
    case .send(let bytes, let flow, let label): transport.send(bytes, on: flow, label, at: now, &out, &events)
    case .reply(let bytes, var flow, let port, let label):
      if !transport.isUsable(flow) {
        let address = TransportAddress(flow.remote.address, port: port)
        let place = SIPTarget(transport: flow.transport, address: address, serverName: routing.serverName)
        flow = transport.flow(to: place, at: now, &out)
      }
      transport.send(bytes, on: flow, label, at: now, &out, &events)
    case .request(let server, let message): forward(message, server, at: now, &out)
    case .ack(let message): forwardStateless(message, at: now, &out)
    case .cancelled(let invite, let server, let message):
      respond(200, "OK", to: message, server, at: now)
      if let waiting = searching.removeValue(forKey: invite) {
        return respond(487, "Request Terminated", to: waiting.request, invite, at: now)
      }
      guard var context = contexts[invite] else { return }
      let cancels = context.cancelAll()
      contexts[invite] = context
      carryOut(cancels, invite, at: now, &out)
    case .response(let client, let message): receive(message, client, at: now, &out)
    case .failed(let client, _): fail(client, at: now, &out)
    case .ended(let client): owners[client] = nil
    case .endedServer(let server): (contexts[server], searching[server]) = (nil, nil)
    case .strayResponse(let message): forwardStray(message, at: now, &out)
    case .ackMissing, .unusable: break
    }
  }

  // MARK: - Requests (§16.3 to §16.6)

  private func forward(_ request: InboundMessage, _ server: TransactionLayer.ServerID, at now: Instant, _ out: inout Outbox) {
    let message = request.message
    guard message.maxForwards() != 0 else { return respond(483, "Too Many Hops", to: request, server, at: now) }
    var copy = ForwardedMessage(message)
    let route = takeOwnRoutes(&copy)
    let way = routing.way(message, route: route, own: isOwn)
    if case .branches(let targets) = way, targets.isEmpty { return respond(404, "Not Found", to: request, server, at: now) }
    if message.method == .invite { respond(100, "Trying", to: request, server, at: now) }
    let forwarding = Forwarding(request: request, copy: copy, server: server)
    switch way {
    case .branches(let targets): forward(forwarding, server, to: targets, at: now, &out)
    case .name(let uri):
      searching[server] = forwarding
      look(for: uri, forwarding, at: now, &out)
    }
  }

  private func look(for uri: SIPURI, _ request: Forwarding, at now: Instant, _ out: inout Outbox) {
    if let (request, location) = locator.locate(uri, for: request, &out) { located(request, location, at: now, &out) }
  }

  /// The servers of a name are known, or there are none: as if the next hop had failed (§16.9).
  private func located(
    _ request: Forwarding, _ location: ServerLocator<Forwarding>.Location, at now: Instant, _ out: inout Outbox
  ) {
    guard let server = request.server else {
      if case .found(let servers) = location { forwardStateless(request, to: servers[0], at: now, &out) }
      return
    }
    guard searching.removeValue(forKey: server) != nil else { return }
    switch location {
    case .found(let servers): forward(request, server, to: [ProxyRouting.Branch(uri: nil, target: servers[0])], at: now, &out)
    case .failed: respond(500, "No Server Was Found", to: request.request, server, at: now)
    }
  }

  private func forward(
    _ request: Forwarding, _ server: TransactionLayer.ServerID, to targets: [ProxyRouting.Branch], at now: Instant, _ out: inout Outbox
  ) {
    var context = ResponseContext(request.request)
    let method = request.request.message.method ?? .options
    for target in targets {
      let flow = transport.flow(to: target.target, at: now, &out)
      let (bytes, branch) = prepared(request.copy, target, from: request.request, on: flow)
      let label = Label(.request(method.label))
      let client = transactions.send(bytes, method: method, branch: branch, on: flow, label: label, at: now, &outputs)
      owners[client] = server
      context.add(client)
    }
    contexts[server] = context
  }

  private func isOwn(_ uri: SIPURI) -> Bool { uri.host.address?.unmapped == address.unmapped }

  /// Removes the Route entries that are ours (§16.4; two of RFC 5658); returns the next one.
  private func takeOwnRoutes(_ copy: inout ForwardedMessage) -> String? {
    var routes = copy.elements(.route)
    while let first = routes.first, let own = ProxyRouting.uri(of: first), isOwn(own) { routes.removeFirst() }
    copy.set(.route, routes)
    return routes.first
  }

  /// The request as it leaves on a flow, and its branch.
  private func prepared(
    _ copy: ForwardedMessage, _ target: ProxyRouting.Branch, from request: InboundMessage, on flow: Flow
  ) -> (Bytes, Bytes) {
    var copy = copy
    if let uri = target.uri { copy.setRequestURI(uri) }
    copy.note(source: request.flow.remote)
    copy.set(.maxForwards, ["\((request.message.maxForwards() ?? 71) - 1)"])
    if request.message.method != .ack, request.message.toTag == nil, request.message.method == .invite {
      for line in recordRoutes(from: request.flow, to: flow) { copy.push(.recordRoute, line) }
    }
    let branch = "z9hG4bK-p\(entropy.hex(12))"
    copy.push(.via, "SIP/2.0/\(flow.transport.viaToken) \(transport.viaSentBy(for: flow));branch=\(branch)")
    return (copy.bytes, Bytes(branch))
  }

  /// One entry, or the side that the request came from and then the one that it leaves by, each pushed before the last (RFC 5658 §5).
  private func recordRoutes(from source: Flow, to target: Flow) -> [String] {
    let transports = source.transport == target.transport ? [source] : [source, target]
    return transports.map { "<sip:\(transport.viaSentBy(for: $0));transport=\($0.transport.rawValue);lr>" }
  }

  /// An ACK of a 2xx has no transaction (§16.11).
  private func forwardStateless(_ request: InboundMessage, at now: Instant, _ out: inout Outbox) {
    var copy = ForwardedMessage(request.message)
    let route = takeOwnRoutes(&copy)
    guard request.message.maxForwards() != 0 else { return }
    let forwarding = Forwarding(request: request, copy: copy, server: nil)
    switch routing.way(request.message, route: route, own: { _ in false }) {
    case .branches(let targets): if let target = targets.first { forwardStateless(forwarding, to: target.target, at: now, &out) }
    case .name(let uri): look(for: uri, forwarding, at: now, &out)
    }
  }

  private func forwardStateless(_ request: Forwarding, to target: SIPTarget, at now: Instant, _ out: inout Outbox) {
    let flow = transport.flow(to: target, at: now, &out)
    var label = Label(.request(SIPMethod.ack.label))
    label.acknowledgedStatus = 200
    let branch = ProxyRouting.Branch(uri: nil, target: target)
    transport.send(prepared(request.copy, branch, from: request.request, on: flow).0, on: flow, label, at: now, &out, &events)
  }

  // MARK: - Responses (§16.7)

  private func receive(_ response: InboundMessage, _ client: TransactionLayer.ClientID, at now: Instant, _ out: inout Outbox) {
    guard let server = owners[client], var context = contexts[server] else { return }
    let outputs = context.receive(response, from: client)
    contexts[server] = context
    carryOut(outputs, server, at: now, &out)
  }

  private func fail(_ client: TransactionLayer.ClientID, at now: Instant, _ out: inout Outbox) {
    guard let server = owners[client], var context = contexts[server] else { return }
    let outputs = context.fail(client)
    contexts[server] = context
    carryOut(outputs, server, at: now, &out)
  }

  private func carryOut(_ todo: [ResponseContext.Output], _ server: TransactionLayer.ServerID, at now: Instant, _ out: inout Outbox) {
    for output in todo {
      switch output {
      case .forward(let response), .best(let response?): pass(response, server, at: now)
      case .best(nil):
        if let request = contexts[server]?.request { respond(408, "Request Timeout", to: request, server, at: now) }
      case .cancel(let client):
        let label = Label(.request(SIPMethod.cancel.label))
        _ = transactions.cancel(client, label: label, at: now, &outputs)
      }
    }
  }

  /// Sends a response upstream, without our Via.
  private func pass(_ response: InboundMessage, _ server: TransactionLayer.ServerID, at now: Instant) {
    guard let request = contexts[server]?.request else { return }
    var copy = ForwardedMessage(response.message)
    copy.set(.via, Array(copy.elements(.via).dropFirst()))
    let status = response.message.status ?? 500
    transactions.respond(server, copy.bytes, status: status, label: request.responseLabel(status), at: now, &outputs)
  }

  private func respond(_ status: Int, _ phrase: String, to request: InboundMessage, _ server: TransactionLayer.ServerID, at now: Instant) {
    let tag = status > 100 ? entropy.hex(8) : nil
    let bytes = ForwardedMessage.response(status, phrase, to: request.message, from: request.flow.remote, tag: tag)
    transactions.respond(server, bytes, status: status, label: request.responseLabel(status), at: now, &outputs)
  }

  /// A repeated 2xx comes when our transaction is over: it goes where the next Via says (§16.7, RFC 6026 §8.9).
  private func forwardStray(_ response: InboundMessage, at now: Instant, _ out: inout Outbox) {
    var copy = ForwardedMessage(response.message)
    copy.set(.via, Array(copy.elements(.via).dropFirst()))
    guard let next = copy.topVia, case .address(let host) = next.host else { return }
    let transport = SIPTransportProtocol(rawValue: next.transport.lowercased()) ?? .udp
    let port = next.parameters["rport"].flatMap { UInt16($0) } ?? next.port ?? transport.defaultPort
    let place = TransportAddress(next.received.flatMap { IPAddress($0) } ?? host, port: port)
    let flow = self.transport.flow(to: SIPTarget(transport: transport, address: place), at: now, &out)
    let status = response.message.status ?? 200
    self.transport.send(copy.bytes, on: flow, response.responseLabel(status), at: now, &out, &events)
  }
}
