import SIPMessage
import SansIO

// What the operating system and ICMP report of a socket (RFC 3261 §18.4). The socket goes on.
extension SIPTransportLayer {
  func tell(_ arrival: Arrival, _ events: inout [Event]) {
    switch arrival {
    case .sendFailed(let port, to: let remote, let bytes, let label, let error):
      if let listener = listener(of: port) { events.append(.sendFailed(bytes, label, flow(port, listener, remote), error)) }
    case .unreachable(let port, let remote, let error):
      guard let listener = listener(of: port) else { return }
      // Peers choose who is reported: a few are remembered.
      if unreachable.count >= 1_024 { unreachable = [] }
      events.append(.unreachable(flow(port, listener, remote), error, isNew: unreachable.insert(remote).inserted))
    case .receiveFailed(let port, let error): fail(.receive, port, error, &events)
    case .acceptFailed(let port, let error): fail(.accept, port, error, &events)
    case .acceptsAgain(let port): if let listener = listener(of: port) { events.append(.acceptsAgain(listener)) }
    case .bound, .bindFailed, .datagram, .accepted, .opened, .refused, .bytes, .ended, .closed, .drained, .resolved: break
    }
  }

  private func fail(_ act: SocketFailure.Act, _ port: PortID, _ error: SystemError, _ events: inout [Event]) {
    guard let listener = listener(of: port) else { return }
    events.append(.socketFailed(SocketFailure(act, local: listener.address, error: error)))
  }
}
