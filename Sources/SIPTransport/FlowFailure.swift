import SansIO

/// Why nothing can be sent on a flow any more.
public enum FlowFailure: Hashable, Sendable {
  case refused(ConnectFailure)
  case closed(Closure)
  /// Nobody knows where to send: no server of a name was found (RFC 3263 §4).
  case notLocated(String)
  /// ICMP reported that what was sent did not arrive (RFC 3261 §18.4).
  case unreachable
  /// This machine did not send it (RFC 3261 §18.4).
  case notSent(SystemError)
  /// The TLS layer's verdict, in words.
  case tls(String)
  /// We closed it: what came is no SIP message, and nobody knows where the next one begins (RFC 3261 §18.3).
  case unreadable(String)
  /// We closed it: no whole message came in time.
  case silent(seconds: Int)
  /// We closed it: its TLS handshake took too long.
  case handshakeStalled(seconds: Int)
  /// We closed it: it was the oldest of too many whose TLS handshake was not finished.
  case crowdedOut(limit: Int)
  /// We closed it: no pong came (RFC 5626 §4.4.1).
  case pongMissing(seconds: Int)
}

extension FlowFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .refused(.refused): "connection refused"
    case .refused(.unreachable): "network unreachable"
    case .refused(.timedOut): "the connection attempt timed out"
    case .refused(.other(let reason)): reason
    case .closed(.orderly): "closed by the peer"
    case .closed(.reset): "reset by the peer"
    case .closed(.timedOut): "connection timed out"
    case .notLocated(let reason): reason
    case .unreachable: "unreachable (ICMP)"
    case .notSent(let error): "not sent: \(error)"
    case .tls(let reason): reason
    case .unreadable(let rule): "closed by us: \(rule)"
    case .handshakeStalled(let seconds):
      "closed by us: the TLS handshake was not finished within \(seconds) s (a limit of the Lab)"
    case .crowdedOut(let limit):
      "closed by us: the TLS handshake of more than \(CountText.of(limit, "connection")) was not finished, and it was the oldest of them "
        + "(a limit of the Lab)"
    case .pongMissing(let seconds): "closed by us: no pong was received within \(seconds) s of our ping (RFC 5626 §4.4.1)"
    case .silent(let seconds): "closed by us: no complete message was received within \(seconds) s (a limit of the Lab)"
    }
  }
}
