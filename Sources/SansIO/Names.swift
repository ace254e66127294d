/// A question to the name service. RFC 3263's procedure is protocol code above this.
public struct NameQuestion: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable { case naptr, srv, a, aaaa }
  public var name: String
  public var kind: Kind
  public init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

public enum NameAnswer: Hashable, Sendable {
  case records([NameRecord])
  case noSuchName
  /// The name service did not answer.
  case noAnswer
}

public struct NameRecord: Hashable, Sendable {
  public enum Value: Hashable, Sendable {
    case address(IPAddress)
    case srv(priority: UInt16, weight: UInt16, port: UInt16, target: String)
    case naptr(order: UInt16, preference: UInt16, flags: String, service: String, replacement: String)
  }
  public var value: Value
  /// Seconds.
  public var timeToLive: UInt32
  public init(_ value: Value, timeToLive: UInt32 = 3600) {
    self.value = value
    self.timeToLive = timeToLive
  }
}
