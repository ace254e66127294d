/// Which way media flows, as the writer of the description sees it (RFC 8866 §6.7).
public enum MediaDirection: String, Hashable, Sendable, Codable, CaseIterable {
  case sendrecv, sendonly, recvonly, inactive

  public init(sends: Bool, receives: Bool) {
    self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
  }

  public var sends: Bool { self == .sendrecv || self == .sendonly }
  public var receives: Bool { self == .sendrecv || self == .recvonly }
  /// The same as the other side sees it.
  public var reversed: MediaDirection { MediaDirection(sends: receives, receives: sends) }

  /// What is left of it with c=0.0.0.0, by which a writer takes nothing (RFC 3264 §8.4).
  public func at(_ isUnspecified: Bool) -> MediaDirection { isUnspecified ? MediaDirection(sends: sends, receives: false) : self }

  /// What both directions allow.
  public func limited(to other: MediaDirection) -> MediaDirection {
    MediaDirection(sends: sends && other.sends, receives: receives && other.receives)
  }

  var name: StaticString {
    switch self {
    case .sendrecv: "sendrecv"
    case .sendonly: "sendonly"
    case .recvonly: "recvonly"
    case .inactive: "inactive"
    }
  }
}
