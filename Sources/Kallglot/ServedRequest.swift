import CallControl
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// A request outside dialogs while it is served: what answers it, what it says and where it came from.
struct ServedRequest {
  enum Server {
    /// An INVITE, which has a leg.
    case leg(LegID, SIPRequest)
    case transaction(ServerID)
  }

  let server: Server
  let inbound: InboundMessage
  /// nil where it did not pass the audit.
  let request: SIPRequest?
  /// As the log names it.
  let judged: JudgedRequest

  /// An INVITE.
  init(_ leg: LegID, _ request: SIPRequest) { self.init(.leg(leg, request), request.inbound, request) }

  init(_ request: SIPRequest) { self.init(.transaction(request.server), request.inbound, request) }

  /// One that RFC 3261 wants refused whatever it asks for.
  init(_ server: ServerID, _ inbound: InboundMessage) { self.init(.transaction(server), inbound, nil) }

  private init(_ server: Server, _ inbound: InboundMessage, _ request: SIPRequest?) {
    self.server = server
    self.inbound = inbound
    self.request = request
    judged = JudgedRequest(inbound)
  }

  var message: SIPMessage { inbound.message }
  var flow: Flow { inbound.flow }
  var leg: LegID? { if case .leg(let id, _) = server { id } else { nil } }
}

extension JudgedRequest {
  init(_ inbound: InboundMessage) {
    self.init(method: inbound.message.name, peer: inbound.flow.remote, callID: inbound.callIDText)
  }
}
