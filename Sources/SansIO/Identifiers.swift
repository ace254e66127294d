/// A local port that a host asked for: a UDP socket or a TCP listener. The host chooses the number; it never goes on a wire.
public struct PortID: Hashable, Sendable, Comparable {
  public var rawValue: UInt32
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  @inlinable public static func < (left: PortID, right: PortID) -> Bool { left.rawValue < right.rawValue }
}

/// A TCP connection of one host. Hosts mint even numbers (they opened it), drivers odd ones (they accepted it), so neither has to ask.
public struct ConnectionID: SerialKey, Comparable {
  public var rawValue: UInt32
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  @inlinable public var number: UInt32 { rawValue }
  public var isMintedByHost: Bool { rawValue & 1 == 0 }
  @inlinable public static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.rawValue < right.rawValue }
}

/// A name query that a host asked and that ``Arrival/resolved(_:_:)`` answers.
public struct QueryID: Hashable, Sendable {
  public var rawValue: UInt32
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// A host's number within a run, in the order the hosts were added; the run keeps the names.
public struct HostID: Hashable, Sendable, Comparable {
  public var rawValue: UInt16
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  /// The stage itself: scenario steps and findings that belong to no host.
  public static let stage = HostID(.max)
  @inlinable public static func < (left: HostID, right: HostID) -> Bool { left.rawValue < right.rawValue }
}
