/// What the world tells a host.
public enum Arrival: Sendable {
  case bound(PortID, TransportAddress)
  case bindFailed(PortID, TransportAddress, BindFailure)
  case datagram(PortID, from: TransportAddress, Bytes)
  /// A datagram did not leave: the world refused it, and it alone. The port goes on.
  case sendFailed(PortID, to: TransportAddress, Bytes, Label, SystemError)
  /// Reading failed once; the port goes on.
  case receiveFailed(PortID, SystemError)
  /// An ICMP error came back for a datagram sent from this port, of those that RFC 3261 §18.4 reports upwards, as the errno it stands for.
  case unreachable(PortID, TransportAddress, SystemError)
  /// A peer connected to the listener `PortID`.
  case accepted(ConnectionID, PortID, local: TransportAddress, remote: TransportAddress)
  /// The listener cannot take connections for now; it is tried again until ``acceptsAgain(_:)``.
  case acceptFailed(PortID, SystemError)
  case acceptsAgain(PortID)
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
  /// The limit of open descriptors leaves none for it.
  case noDescriptor
  /// Another error of the operating system.
  case system(SystemError)
  /// What no system call said, in words.
  case other(String)
}

extension BindFailure {
  /// What the operating system said; nil where no call was made.
  public var systemError: SystemError? {
    switch self {
    case .addressInUse: .addressInUse
    case .addressNotAvailable: .addressNotAvailable
    case .permissionDenied: .accessDenied
    case .noDescriptor: .tooManyDescriptors
    case .system(let error): error
    case .other: nil
    }
  }
}

extension BindFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .addressInUse: "address in use"
    case .addressNotAvailable: "address not available"
    case .permissionDenied: "permission denied"
    case .noDescriptor: "the limit of open descriptors is reached"
    case .system(let error): "\(error)"
    case .other(let text): text
    }
  }
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
