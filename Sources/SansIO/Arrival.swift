/// What the world tells a host.
public enum Arrival: Sendable {
  case bound(PortID, TransportAddress)
  case bindFailed(PortID, TransportAddress, BindFailure)
  case datagram(PortID, from: TransportAddress, Bytes)
  /// An ICMP error came back for a datagram sent from this port.
  case unreachable(PortID, TransportAddress)
  /// A peer connected to the listener `PortID`.
  case accepted(ConnectionID, PortID, local: TransportAddress, remote: TransportAddress)
  /// A connection this host opened is up.
  case opened(ConnectionID, local: TransportAddress, remote: TransportAddress)
  case refused(ConnectionID, ConnectFailure)
  case bytes(ConnectionID, Bytes)
  /// The peer sent FIN: no more bytes will come; writing is still possible.
  case ended(ConnectionID)
  /// The connection is gone; its id is never heard of again.
  case closed(ConnectionID, Closure)
  /// All bytes written so far have been handed to the network.
  case drained(ConnectionID)
  case resolved(QueryID, NameAnswer)
}

public enum BindFailure: Hashable, Sendable {
  case addressInUse
  case addressNotAvailable
  case permissionDenied
  /// Another error of the operating system, in its words.
  case other(String)
}

public enum ConnectFailure: Hashable, Sendable {
  case refused
  case unreachable
  case timedOut
  case other(String)
}

/// How a connection ended.
public enum Closure: Hashable, Sendable {
  case orderly
  case reset
  /// Retransmissions of the virtual TCP, or the kernel's, gave up.
  case timedOut
}
