import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// A request that was too large for UDP, in case its connection cannot be had.
struct OversizedRequest {
  var draft: MessageDraft
  var method: SIPMethod
  /// The UDP flow it was meant for.
  var flow: Flow
  var label: Label
}

// Which way a message takes (RFC 3261 §12.2.1.1, §18.1.1, §18.2.2).
extension UserAgent {
  /// Completes a request with Via, Max-Forwards and the style's spelling, and hands it to a client transaction. One that is too large for
  /// UDP goes over TCP (§18.1.1).
  func sendRequest(
    _ draft: MessageDraft, method: SIPMethod, on flow: Flow, label: Label, at now: Instant, _ out: inout Outbox
  ) -> TransactionLayer.ClientID {
    let branch = mint.branch()
    let complete = finish(draft, method, branch: branch, flow: flow, at: now)
    guard flow.transport == .udp, let limit = configuration.datagramLimit, complete.byteCount > limit else {
      return transactions.send(complete, method: method, branch: branch, on: flow, label: label, at: now, &transactionOutputs)
    }
    let stream = transport.flow(to: SIPTarget(transport: .tcp, address: flow.remote), at: now, &out)
    let client = transactions.send(
      finish(draft, method, branch: branch, flow: stream, at: now), method: method, branch: branch, on: stream, label: label, at: now,
      &transactionOutputs)
    oversized[client] = OversizedRequest(draft: draft, method: method, flow: flow, label: label)
    return client
  }

  /// The peer takes no TCP: the request goes over UDP all the same (§18.1.1). The number of its new transaction; nil when this was no
  /// such request, or it was answered already.
  func retryOverDatagrams(_ id: TransactionLayer.ClientID, _ failure: TransactionFailure, at now: Instant) -> TransactionLayer.ClientID? {
    guard let request = oversized.removeValue(forKey: id), case .transport = failure else { return nil }
    let branch = mint.branch()
    return transactions.send(
      finish(request.draft, request.method, branch: branch, flow: request.flow, at: now), method: request.method, branch: branch,
      on: request.flow, label: request.label, at: now, &transactionOutputs)
  }

  /// Sends a response: on the connection of its request; when that is gone, on one to the address the request came from and the port of
  /// its Via (§18.2.2).
  func reply(_ bytes: Bytes, on flow: Flow, port: UInt16, _ label: Label, at now: Instant, _ out: inout Outbox) {
    var way = flow
    if !transport.isUsable(flow) {
      way = transport.flow(
        to: SIPTarget(transport: flow.transport, address: TransportAddress(flow.remote.address, port: port)), at: now, &out)
    }
    transport.send(bytes, on: way, label, at: now, &out, &transportEvents)
  }

  /// The flow of a request within a dialog: to the next hop (RFC 3261 §12.2.1.1), which the first Route is, else the Contact.
  ///
  /// Without Route `natContact: flow` prefers the flow that the dialog came by to a Contact that nobody may be able to reach, whatever its
  /// address, port and transport; `contact` does as the RFC says (contract 8.5). A flow that leads to the next hop is used in any case, and
  /// so is the connection of a proxy that routes name; one that is gone is opened again.
  func inDialogFlow(_ usage: InviteUsage, at now: Instant, _ out: inout Outbox) -> Flow {
    guard let dialog = usage.dialog else { return usage.flow }
    let prefersFlow = dialog.routeSet.isEmpty && usage.prefersFlow ?? configuration.prefersFlowOverContact
    let hop = dialog.nextHop
    let isUsable = transport.isUsable(usage.flow)
    let target = SIPTarget(hop, like: usage.flow)
    if dialog.routeSet.isEmpty, let difference = ContactDifference(hop, usage.contactFlow ?? usage.flow) {
      noteContact(usage, difference, prefersFlow ? isUsable ? "requests go there" : "its flow is gone, requests go to Contact" : nil)
    }
    if isUsable, prefersFlow || usage.flow.leads(to: target, isRoute: !dialog.routeSet.isEmpty) { return usage.flow }
    let way = transport.flow(to: target, at: now, &out)
    if !isUsable { usage.flow = way }
    return way
  }

  /// A Contact that the peer is not at (contract 8.5, `natContact`): told once a leg, since nobody else could reach it there.
  ///
  /// - Parameter way: nil = to Contact, because the policy says so.
  private func noteContact(_ usage: InviteUsage, _ difference: ContactDifference, _ way: String?) {
    guard !usage.hasToldContact else { return }
    usage.hasToldContact = true
    let detail = "Contact names \(difference): \(way ?? "requests still go to Contact") (contract 8.5, natContact)"
    events.append(.violation(legsByTag[usage.localTag], PeerViolation(.contactElsewhere, detail)))
  }
}

/// In what a Contact and the flow of its dialog differ.
struct ContactDifference: CustomStringConvertible {
  let description: String

  /// nil where they agree, or the Contact is a name. The passing port of a connection that the peer opened is no difference: it listens on
  /// another.
  init?(_ contact: SIPURI, _ flow: Flow) {
    guard let address = contact.host.address else { return nil }
    var parts: [String] = []
    let transport = contact.transport ?? .udp
    if transport != flow.transport { parts.append(transport.viaToken) }
    let port = contact.port ?? transport.defaultPort
    if address.unmapped != flow.remote.address.unmapped {
      parts.append("\(address)")
    } else if port != flow.remote.port, transport == flow.transport, flow.hasListeningPeer {
      parts.append("port \(port)")
    }
    guard !parts.isEmpty else { return nil }
    let over = transport == flow.transport ? "" : " over \(flow.transport.viaToken)"
    description = "\(parts.joined(separator: " ")), the peer is at \(flow.remote)\(over)"
  }
}

extension Flow {
  /// Whether the remote port is one that takes requests: it is on UDP, and where we opened the connection.
  var hasListeningPeer: Bool {
    switch path {
    case .port: true
    case .connection(let id): id.isMintedByHost
    }
  }

  /// Whether it goes where a request for this target goes. A proxy that put itself into the route has its connection to us: that is used
  /// again (RFC 5923 §1), while its port is a passing one.
  func leads(to target: SIPTarget, isRoute: Bool) -> Bool {
    guard target.transport == transport, target.address.address.unmapped == remote.address.unmapped else { return false }
    return target.address.port == remote.port || (isRoute && !hasListeningPeer)
  }
}

extension SIPTarget {
  /// The place that a URI names. A name is not resolved: it stands for where the flow leads, by the transport that is in use.
  init(_ uri: SIPURI, like flow: Flow) {
    guard let address = uri.host.address else {
      let transport: SIPTransportProtocol = uri.scheme == .sips ? .tls : flow.transport
      let port = flow.hasListeningPeer ? uri.port ?? flow.remote.port : uri.port ?? transport.defaultPort
      self.init(transport: transport, address: TransportAddress(flow.remote.address, port: port), serverName: uri.host.text)
      return
    }
    let transport = uri.transport ?? flow.transport
    self.init(transport: transport, address: TransportAddress(address, port: uri.port ?? transport.defaultPort))
  }
}

extension MessageDraft {
  /// Bytes of the message as it will be sent.
  var byteCount: Int {
    var count = body.count + 2
    switch startLine {
    case .request(let method, let uri): count += method.token.utf8.count + uri.utf8.count + 11
    case .response(let status, let reason): count += String(status).utf8.count + reason.utf8.count + 11
    }
    var hasLength = false
    for field in fields {
      count += field.name.text.utf8.count + field.separator.utf8.count + field.value.utf8.count + 2
      if field.name.known == .contentLength { hasLength = true }
    }
    return hasLength ? count : count + 18 + String(body.count).utf8.count
  }
}
