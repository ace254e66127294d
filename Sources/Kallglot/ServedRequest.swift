import CallControl
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// A request outside dialogs while it is served: what answers it, what it says and where it came from.
struct ServedRequest {
  enum Server {
    /// An INVITE, which has a leg.
    case leg(LegID, LegFacts)
    case transaction(ServerID)
  }

  let server: Server
  let message: SIPMessage
  let flow: Flow
  /// As the log names it.
  let judged: JudgedRequest

  init(_ leg: LegID, _ facts: LegFacts, _ message: SIPMessage, _ flow: Flow) { self.init(.leg(leg, facts), message, flow) }

  init(_ server: ServerID, _ message: SIPMessage, _ flow: Flow) { self.init(.transaction(server), message, flow) }

  private init(_ server: Server, _ message: SIPMessage, _ flow: Flow) {
    self.server = server
    self.message = message
    self.flow = flow
    judged = JudgedRequest(message, peer: flow.remote)
  }

  var leg: LegID? { if case .leg(let id, _) = server { id } else { nil } }
}

extension JudgedRequest {
  init(_ message: SIPMessage, peer: TransportAddress) {
    self.init(method: message.method?.token ?? "", peer: peer, callID: (try? message.callID()) ?? "")
  }
}
