/// Why the operating system did not do what it was asked at a socket, by its POSIX name.
///
/// A value, so that machines, logs and tests compare it; what a driver meets that has no case here keeps its number.
public enum SystemError: Error, Hashable, Sendable {
  case wouldBlock, invalidArgument, notPermitted, accessDenied
  case networkUnreachable, networkDown, hostUnreachable, hostDown, connectionRefused, connectionReset, connectionAborted, timedOut
  case brokenPipe, messageTooLong, noBufferSpace, outOfMemory
  case addressInUse, addressNotAvailable, addressFamilyNotSupported
  /// EMFILE: the process has as many descriptors open as it may.
  case tooManyDescriptors
  /// ENFILE: the system has.
  case tooManyOpenFiles
  case protocolError
  case interrupted
  case other(Int32)

  /// As errno(3) spells it: `EINVAL`.
  public var name: String {
    switch self {
    case .wouldBlock: "EAGAIN"
    case .invalidArgument: "EINVAL"
    case .notPermitted: "EPERM"
    case .accessDenied: "EACCES"
    case .networkUnreachable: "ENETUNREACH"
    case .networkDown: "ENETDOWN"
    case .hostUnreachable: "EHOSTUNREACH"
    case .hostDown: "EHOSTDOWN"
    case .connectionRefused: "ECONNREFUSED"
    case .connectionReset: "ECONNRESET"
    case .connectionAborted: "ECONNABORTED"
    case .timedOut: "ETIMEDOUT"
    case .brokenPipe: "EPIPE"
    case .messageTooLong: "EMSGSIZE"
    case .noBufferSpace: "ENOBUFS"
    case .outOfMemory: "ENOMEM"
    case .addressInUse: "EADDRINUSE"
    case .addressNotAvailable: "EADDRNOTAVAIL"
    case .addressFamilyNotSupported: "EAFNOSUPPORT"
    case .tooManyDescriptors: "EMFILE"
    case .tooManyOpenFiles: "ENFILE"
    case .protocolError: "EPROTO"
    case .interrupted: "EINTR"
    case .other(let number): "errno \(number)"
    }
  }

  /// Whether the same act may succeed in a moment: a want of this machine's, which says nothing of the peer.
  public var isPassing: Bool {
    self == .wouldBlock || self == .noBufferSpace || self == .outOfMemory || self == .interrupted
  }

  /// What it means at a socket, in words for people.
  public var meaning: String {
    switch self {
    case .wouldBlock: "the socket buffer is full"
    case .invalidArgument: "not an address that this socket can send to"
    case .notPermitted: "blocked by a firewall of this machine"
    case .accessDenied: "a broadcast address, or not permitted on this machine"
    case .networkUnreachable: "no route to the network"
    case .networkDown: "the network interface is down"
    case .hostUnreachable: "no route to the host"
    case .hostDown: "the host is down"
    case .connectionRefused: "the port is closed"
    case .connectionReset: "reset by the peer"
    case .connectionAborted: "aborted by the peer before it was accepted"
    case .timedOut: "timed out"
    case .brokenPipe: "the peer has closed"
    case .messageTooLong: "too long for one datagram"
    case .noBufferSpace: "no buffer space"
    case .outOfMemory: "out of memory"
    case .addressInUse: "the address is in use"
    case .addressNotAvailable: "not an address of this machine"
    case .addressFamilyNotSupported: "the address family is not supported"
    case .tooManyDescriptors: "the limit of open descriptors is reached"
    case .tooManyOpenFiles: "the system's limit of open files is reached"
    case .protocolError: "a protocol error"
    case .interrupted: "interrupted"
    case .other: "see errno(3)"
    }
  }
}

extension SystemError: CustomStringConvertible {
  /// `ENETUNREACH, no route to the network`.
  public var description: String { "\(name), \(meaning)" }
}

/// One act at a socket that the operating system refused: it concerns that act alone, the socket goes on.
public struct SocketFailure: Hashable, Sendable {
  public enum Act: String, Hashable, Sendable, CaseIterable {
    case bind, send, receive, accept, connect
    /// ICMP reports that what was sent did not arrive (RFC 1122 §4.1.3.3).
    case unreachable
  }

  public var act: Act
  public var local: TransportAddress
  /// Where it was sent, or who was connected to.
  public var remote: TransportAddress?
  /// What was sent.
  public var subject: Label.Subject
  public var error: SystemError

  public init(
    _ act: Act, local: TransportAddress, remote: TransportAddress? = nil, subject: Label.Subject = .none, error: SystemError
  ) {
    self.act = act
    self.local = local
    self.remote = remote
    self.subject = subject
    self.error = error
  }
}

extension SocketFailure: CustomStringConvertible {
  /// `BYE to 192.0.2.9:5060 was not sent: ENETUNREACH, no route to the network`.
  public var description: String {
    let there = remote.map { "\($0)" } ?? "anywhere"
    return switch act {
    case .bind: "\(local) cannot be opened: \(error)"
    case .send: "\(subject) to \(there) was not sent: \(error)"
    case .receive: "reading at \(local) failed: \(error)"
    case .accept: "a connection to \(local) was not accepted: \(error)"
    case .connect: "no connection to \(there): \(error)"
    case .unreachable: "\(there) is unreachable: \(error)"
    }
  }
}

extension SocketFailure: HostEvent {
  public var journalName: String { "socket-failed" }

  public func writeFields(to json: inout JSONWriter) {
    json.member("act", act.rawValue)
    json.member("local", local)
    if let remote { json.member("remote", remote) }
    if subject != .none { json.member("what", "\(subject)") }
    json.member("errno", error.name)
    json.member("meaning", error.meaning)
  }
}
