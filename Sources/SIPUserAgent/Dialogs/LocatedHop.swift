import SIPMessage
import SIPTransport
import SansIO

/// The servers of a next hop within a dialog that is a name, and which of them takes our requests (RFC 3263 §4).
///
/// The one that took the last request takes the next one as well. Where it fails the next one in the order does (§4.3).
struct LocatedHop {
  /// What came of a server that did not take a request.
  struct Failure {
    let failed: FailedServer
    /// nil = none is left.
    let next: SIPTarget?
    /// All that were tried.
    let all: [FailedServer]
  }

  let hop: SIPURI
  private var servers: [SIPTarget]
  /// That of the last request; nil where that went another way.
  private var used: SIPTarget?
  private var failures: [FailedServer] = []

  init(_ hop: SIPURI, _ servers: [SIPTarget]) { (self.hop, self.servers) = (hop, servers) }

  /// The server of the next request: the one that the flow of the dialog leads to, else the first.
  mutating func choose(beside flow: Flow?, isRoute: Bool) -> (target: SIPTarget, isOnFlow: Bool)? {
    let near = servers.first { flow?.leads(to: $0, isRoute: isRoute) == true || isRoute && flow?.carries(hop, to: $0) == true }
    used = near ?? servers.first
    return used.map { ($0, near != nil) }
  }

  /// The next request goes another way.
  mutating func rest() { used = nil }

  /// nil where the last request did not go to a server of ours.
  mutating func fail(_ reason: String) -> Failure? {
    guard let used, let index = servers.firstIndex(of: used) else { return nil }
    self.used = nil
    servers.remove(at: index)
    let failed = FailedServer(used, reason)
    failures.append(failed)
    return Failure(failed: failed, next: servers.first, all: failures)
  }
}

extension Flow {
  /// Whether it is a connection with a server of a hop that names no transport: a proxy that put itself into the route by its name is
  /// reached over the connection there is (RFC 5923 §1).
  fileprivate func carries(_ hop: SIPURI, to server: SIPTarget) -> Bool {
    transport.isReliable && hop.scheme == .sip && !hop.parameters.contains("transport")
      && remote.address.unmapped == server.address.address.unmapped
  }
}

extension SIPURI {
  /// Whether its host has to be looked up.
  var isName: Bool { (scheme == .sip || scheme == .sips) && host.address == nil }
}

extension SIPStack {
  /// A server of a hop within a dialog failed; whether another one is left, which the request goes to (RFC 3263 §4.3).
  func failOver(_ failure: LocatedHop.Failure?, retryAfter: Int? = nil, leg: LegID, _ turn: inout Turn) -> Bool {
    guard let failure else { return false }
    servers.failed(failure.failed.target, retryAfter: retryAfter, at: turn.now)
    if let next = failure.next {
      turn.report(.failedOver(leg, after: failure.failed, to: next))
      return true
    }
    if failure.all.count > 1 { turn.report(.serversFailed(leg, failure.all)) }
    return false
  }
}
