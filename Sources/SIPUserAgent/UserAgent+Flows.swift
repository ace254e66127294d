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

  /// The flow of a request within a dialog: to the next hop, except that a connection in use, and by policy the address the peer really
  /// has, are preferred to a Contact nobody may be able to reach. A connection that is gone is opened again.
  func inDialogFlow(_ usage: InviteUsage, at now: Instant, _ out: inout Outbox) -> Flow {
    guard let dialog = usage.dialog else { return usage.flow }
    let hop = dialog.nextHop
    if let address = hop.host.address { noteContact(usage, dialog, address) }
    let proto = usage.flow.transport
    if proto.isReliable {
      if transport.isUsable(usage.flow) { return usage.flow }
      let address = TransportAddress(hop.host.address ?? usage.flow.remote.address, port: hop.port ?? proto.defaultPort)
      let name: String? = if case .name(let name) = hop.host { name } else { nil }
      usage.flow = transport.flow(to: SIPTarget(transport: proto, address: address, serverName: name), at: now, &out)
      return usage.flow
    }
    guard let address = hop.host.address else { return usage.flow }
    let target = TransportAddress(address, port: hop.port ?? proto.defaultPort)
    if target == usage.flow.remote || (dialog.routeSet.isEmpty && configuration.prefersFlowOverContact) { return usage.flow }
    return transport.flow(to: SIPTarget(transport: proto, address: target, serverName: nil), at: now, &out)
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
