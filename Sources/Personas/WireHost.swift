import SIPMessage
import SIPTransport
import SansIO

/// A host without a stack: it sends bytes as it is told and shows what comes back. For what no stack would send.
///
/// Over UDP it sends from its port 5060; over TCP it keeps one connection to each address it was told to send to.
public final class WireHost: NetworkHost {
  public enum Event: HostEvent {
    /// A message that came whole; over TCP framed by its Content-Length.
    case received(SIPMessage)
    /// What came is no message; the text names the rule.
    case unreadable(String)
    /// TCP: the peer closed or reset the connection, or refused it.
    case closed(String)

    public var journalName: String {
      switch self {
      case .received: "wire-received"
      case .unreadable: "wire-unreadable"
      case .closed: "wire-closed"
      }
    }

    public func writeFields(to json: inout JSONWriter) {
      switch self {
      case .received(let message): json.member("message", message.description)
      case .unreadable(let rule): json.member("rule", rule)
      case .closed(let how): json.member("how", how)
      }
    }
  }

  private struct Connection {
    var id: ConnectionID
    var isOpen = false
    var waiting: [Bytes] = []
    var framer = StreamFramer(limits: .standard)
  }

  private let address: TransportAddress
  private let isStream: Bool
  private var connections: [TransportAddress: Connection] = [:]
  private var nextConnection: UInt32 = 2

  /// - Parameter transport: UDP or TCP.
  public init(address: TransportAddress, transport: SIPTransportProtocol) {
    self.address = address
    isStream = transport.isReliable
  }

  public func start(at now: Instant, _ out: inout Outbox) {
    if !isStream { out.bind(PortID(1), address) }
  }

  public func wake(at now: Instant, _ out: inout Outbox) {}
  public var nextDeadline: Instant? { nil }

  /// Sends these bytes.
  public func send(_ bytes: Bytes, to remote: TransportAddress, at now: Instant, _ out: inout Outbox) {
    guard isStream else { return out.datagram(PortID(1), to: remote, bytes, Label(.raw)) }
    var connection = connections[remote] ?? open(remote, &out)
    if connection.isOpen { out.bytes(connection.id, bytes, Label(.raw)) } else { connection.waiting.append(bytes) }
    connections[remote] = connection
  }

  private func open(_ remote: TransportAddress, _ out: inout Outbox) -> Connection {
    let connection = Connection(id: ConnectionID(nextConnection))
    nextConnection += 2
    out.open(connection.id, from: address.address, to: remote)
    return connection
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    switch arrival {
    case .datagram(_, from: _, let bytes):
      do { out.event(Event.received(try SIPMessage.parse(bytes))) } catch { out.event(Event.unreadable("\(error)")) }
    case .opened(let id, local: _, remote: let remote):
      guard var connection = connections[remote], connection.id == id else { return }
      for bytes in connection.waiting { out.bytes(id, bytes, Label(.raw)) }
      (connection.isOpen, connection.waiting) = (true, [])
      connections[remote] = connection
    case .bytes(let id, let bytes): take(id, bytes, &out)
    case .ended(let id):
      out.event(Event.closed("the peer closed the connection"))
      out.close(id)
    case .closed(let id, let closure): forget(id, "\(closure)", &out)
    case .refused(let id, let failure): forget(id, "\(failure)", &out)
    case .sendFailed(_, to: let remote, _, _, let error): out.event(Event.closed("nothing was sent to \(remote): \(error)"))
    case .bound, .bindFailed, .unreachable, .receiveFailed, .acceptFailed, .acceptsAgain, .accepted, .drained, .resolved: break
    }
  }

  private func take(_ id: ConnectionID, _ bytes: Bytes, _ out: inout Outbox) {
    guard let remote = connections.first(where: { $0.value.id == id })?.key else { return }
    connections[remote]?.framer.append(bytes)
    do {
      while let frame = try connections[remote]?.framer.next() {
        switch frame {
        case .message(let message): out.event(Event.received(message))
        case .unreadable(let error, _): out.event(Event.unreadable("\(error)"))
        case .ping, .pong: break
        }
      }
    } catch {
      out.event(Event.unreadable("\(error)"))
    }
  }

  private func forget(_ id: ConnectionID, _ how: String, _ out: inout Outbox) {
    guard let remote = connections.first(where: { $0.value.id == id })?.key else { return }
    connections[remote] = nil
    if how != "orderly" { out.event(Event.closed(how)) }
  }
}
