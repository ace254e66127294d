import Rules
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// A dialog and the way to its peer (RFC 3261 §12.2.1.1; contract 8.5, `natContact`).
struct DialogPath {
  /// nil while our INVITE has had no 2xx.
  var dialog: Dialog?
  /// The flow that the peer's last accepted message came by.
  private(set) var flow: Flow
  /// The flow that brought the peer's Contact; nil = ``flow``.
  private var contactFlow: Flow?
  /// Whether requests without Route go over the flow rather than to Contact; nil = as the user agent does.
  var prefersFlow: Bool?
  /// The name that the certificate of the place we called has to have, for a connection that is opened there again.
  var serverName: String?
  /// The servers of a next hop that is a name.
  private(set) var located: LocatedHop?
  /// That the peer's Contact is not where the peer is has been told.
  private var hasReportedContact = false

  init(_ dialog: Dialog? = nil, flow: Flow, prefersFlow: Bool? = nil) {
    (self.dialog, self.flow, self.prefersFlow) = (dialog, flow, prefersFlow)
  }

  /// Our INVITE goes to another place.
  mutating func turn(to flow: Flow) { self.flow = flow }

  /// A 2xx made the dialog.
  mutating func confirm(_ dialog: Dialog, contactFrom flow: Flow) { (self.dialog, contactFlow) = (dialog, flow) }

  /// The Contact of a re-INVITE that we accept, or of the 2xx of ours; it came by this flow.
  mutating func refreshTarget(_ message: SIPMessage, from flow: Flow) {
    dialog?.refreshTarget(message)
    contactFlow = flow
  }

  /// A request of the peer's was accepted: its order, and the way to the peer (RFC 3261 §12.2.2).
  mutating func accept(sequence: UInt32, on flow: Flow) {
    dialog?.accept(sequence: sequence)
    self.flow = flow
  }

  /// A request was accepted before there was a dialog of the peer's 2xx.
  mutating func accept(on flow: Flow) { self.flow = flow }

  /// The next hop, where it is a name whose servers have to be looked up before a request can go there; nil where the way is known.
  func hopToLocate(_ stack: SIPStack) -> SIPURI? {
    guard let hop = dialog?.nextHop, hop.isName, located?.hop != hop else { return nil }
    return prefersFlow(stack) && stack.transport.isUsable(flow) ? nil : hop
  }

  /// Its servers are known.
  mutating func locate(_ hop: SIPURI, _ servers: [SIPTarget]) { located = LocatedHop(hop, servers) }

  /// The server that the last request went to did not take it (RFC 3263 §4.3): what it leaves to be tried; nil where the way was no choice
  /// among servers.
  mutating func serverFailed(_ reason: String) -> LocatedHop.Failure? {
    let failure = located?.fail(reason)
    // The next request looks them up anew.
    if failure != nil, failure?.next == nil { located = nil }
    return failure
  }

  /// What is for a sips URI leaves over TLS, whatever flow there is (RFC 3261 §26.2.2).
  private func prefersFlow(_ stack: SIPStack) -> Bool {
    guard let dialog, dialog.routeSet.isEmpty, dialog.remoteTarget.scheme != .sips || flow.transport == .tls else { return false }
    return prefersFlow ?? stack.configuration.prefersFlowOverContact
  }

  /// The flow of a request within the dialog: to the next hop (RFC 3261 §12.2.1.1), which the first Route is, else the Contact.
  ///
  /// Without Route `natContact: flow` prefers the flow that the dialog came by to a Contact that nobody may be able to reach, whatever its
  /// address, port and transport; `contact` does as the RFC says (contract 8.5). A flow that leads to the next hop, or to one of its
  /// servers, is used in any case, and so is the connection of a proxy that routes name; one that is gone is opened again.
  mutating func nextFlow(_ stack: SIPStack, _ leg: LegID, _ turn: inout Turn) -> Flow {
    guard let dialog else { return flow }
    let prefersFlow = prefersFlow(stack)
    let hop = dialog.nextHop
    let isUsable = stack.transport.isUsable(flow)
    let isRoute = !dialog.routeSet.isEmpty
    if located?.hop == hop, !(isUsable && prefersFlow), let server = located?.choose(beside: isUsable ? flow : nil, isRoute: isRoute) {
      return server.isOnFlow ? flow : newWay(to: server.target, isUsable: isUsable, stack, &turn)
    }
    located?.rest()
    var target = SIPTarget(hop, like: flow)
    if target.transport == .tls, let serverName, target.address.address.unmapped == flow.remote.address.unmapped {
      target.serverName = serverName
    }
    if !isRoute, !hasReportedContact, let difference = ContactDifference(hop, contactFlow ?? flow) {
      hasReportedContact = true
      let way = prefersFlow ? isUsable ? "requests go there" : "its flow is gone, requests go to Contact" : "requests still go to Contact"
      let detail = "Contact names \(difference): \(way) (contract 8.5, natContact)"
      turn.report(.violation(leg, PeerViolation(.contactElsewhere, detail)))
    }
    if isUsable, prefersFlow || flow.leads(to: target, isRoute: isRoute) { return flow }
    return newWay(to: target, isUsable: isUsable, stack, &turn)
  }

  private mutating func newWay(to target: SIPTarget, isUsable: Bool, _ stack: SIPStack, _ turn: inout Turn) -> Flow {
    let way = stack.flow(to: target, &turn)
    if !isUsable { flow = way }
    return way
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
  /// The place that a URI names. What is neither an address nor a name stands for where the flow leads, by the transport that is in use.
  init(_ uri: SIPURI, like flow: Flow) {
    guard let address = uri.host.address else {
      let transport: SIPTransportProtocol = uri.scheme == .sips ? .tls : flow.transport
      let port = flow.hasListeningPeer ? uri.port ?? flow.remote.port : uri.port ?? transport.defaultPort
      self.init(transport: transport, address: TransportAddress(flow.remote.address, port: port), serverName: uri.host.text)
      return
    }
    let transport = uri.transport ?? flow.transport
    self.init(
      transport: transport, address: TransportAddress(address, port: uri.port ?? transport.defaultPort),
      serverName: transport == .tls ? uri.host.text : nil)
  }
}
