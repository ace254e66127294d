import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// A place that a 3xx named.
struct AlternativeTarget {
  var uri: SIPURI
  /// 305: the request goes there unchanged (RFC 3261 §21.3.4).
  var isProxy: Bool
}

/// What a request was redirected to and what is left to try (RFC 3261 §8.1.3.4).
struct TargetSet {
  /// Places a peer may send one request to; more is a loop, or an attack.
  static let limit = 8

  /// Places tried so far: a redirection back to one of them is a loop.
  private var tried: Set<String> = []
  private var waiting: [AlternativeTarget] = []

  /// Adds the contacts of a 3xx, the highest q first. Only contacts with an address are followed: a name would have to be resolved first.
  /// From a sips URI no other scheme is followed: nobody asked for a call in the clear (RFC 3261 §8.1.3.4, RFC 5630 §3.1.4).
  mutating func add(_ response: SIPMessage, from current: SIPURI) {
    tried.insert(current.description)
    guard case .list(let contacts)? = try? response.contacts() else { return }
    let byPreference = contacts.enumerated().sorted { (-$0.element.preference, $0.offset) < (-$1.element.preference, $1.offset) }
    let new = byPreference.map(\.element.uri).filter {
      $0.host.address != nil && !tried.contains($0.description) && (current.scheme != .sips || $0.scheme == .sips)
    }
    waiting = new.map { AlternativeTarget(uri: $0, isProxy: response.status == 305) } + waiting
  }

  mutating func next() -> AlternativeTarget? {
    while !waiting.isEmpty {
      let target = waiting.removeFirst()
      if tried.count < Self.limit, tried.insert(target.uri.description).inserted { return target }
    }
    return nil
  }
}

extension MessageDraft {
  /// Another server challenges by a nonce of its own: what answered the last one would only show it a digest, and use its count twice
  /// (RFC 7616 §3.4).
  mutating func removeCredentials() { fields.removeAll { $0.name == .authorization || $0.name == .proxyAuthorization } }
}

extension AlternativeTarget {
  /// Where to send: TLS for a sips URI, else by the transport parameter, else over the transport in use.
  func target(insteadOf flow: Flow) -> SIPTarget? {
    guard let address = uri.host.address else { return nil }
    let names = uri.scheme == .sips || uri.parameters.contains("transport")
    let transport = (names ? uri.transport : nil) ?? flow.transport
    return SIPTarget(transport: transport, address: TransportAddress(address, port: uri.port ?? transport.defaultPort))
  }
}

extension UserAgent {
  /// After a 3xx, or a failure of a place that a 3xx named: the next place. False when there is none, so that the failure counts.
  ///
  /// 6xx says that no other place will take the call either (RFC 3261 §21.6).
  func tryNextTarget(
    _ id: LegID, _ usage: InviteUsage, _ caller: InviteUsage.Caller, after message: SIPMessage?, at now: Instant, _ out: inout Outbox
  ) -> Bool {
    guard configuration.followsRedirections, caller.machine.isUnanswered else { return false }
    if let message, let status = message.status {
      if status >= 600 { return false }
      if status < 400 { caller.targets.add(message, from: caller.requestURI) }
    }
    guard let next = caller.targets.next(), let target = next.target(insteadOf: usage.flow) else { return false }
    events.append(.redirected(id, status: message?.status, uri: next.uri.description, target: target.address))
    usage.flow = transport.flow(to: target, at: now, &out)
    caller.redirect(to: next.isProxy ? nil : next.uri)
    let isSecure = caller.requestURI.scheme == .sips
    caller.invite.set(.contact, contactValue(user: usage.contactUser, flow: usage.flow, isSecure: isSecure))
    caller.digest?.beginRequest()
    caller.early = EarlyDialogs()
    caller.client = sendInvite(caller.invite, id, sequence: caller.sequence, on: usage.flow, at: now, &out)
    return true
  }
}
