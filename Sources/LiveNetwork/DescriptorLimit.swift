import CSockets

/// How many descriptors the process may have open (RLIMIT_NOFILE), and what of them is for what.
///
/// Media sockets leave some for connections, connections some for files and names, so that the endpoint can still answer at its limit.
public struct DescriptorLimit: Hashable, Sendable {
  /// The soft limit.
  public var soft: Int

  public init(soft: Int) { self.soft = soft }

  /// As it is now.
  public static var current: DescriptorLimit { DescriptorLimit(soft: limits().soft) }

  /// Raises the soft limit to the hard one, as far as the system lets a process; what it is then.
  public static func raise() -> DescriptorLimit {
    let (soft, hard) = limits()
    if hard > soft { descriptor_limit_set(UInt64(hard)) }
    return current
  }

  private static func limits() -> (soft: Int, hard: Int) {
    var (soft, hard): (UInt64, UInt64) = (1_024, 1_024)
    descriptor_limits(&soft, &hard)
    // "Unlimited" is the largest number.
    return (Int(clamping: min(soft, 1 << 20)), Int(clamping: min(hard, 1 << 20)))
  }

  /// Left free by media for connections, files and names: a sixth, at most 256.
  private static let (share, most) = (6, 256)
  /// Left free by connections.
  private static let last = 16

  /// Descriptors of media sockets have lower numbers.
  var forMedia: Int { max(8, soft - max(Self.last, min(Self.most, soft / Self.share))) }
  /// Descriptors of connections have lower numbers.
  var forConnections: Int { max(8, soft - Self.last) }

  /// Whether another file may be opened for each call without taking what the endpoint answers with.
  public var hasRoomForFiles: Bool { Self.inUse < forMedia }

  /// Descriptors that are open, as far as the lowest free number tells; a few more than that may be.
  public static var inUse: Int {
    let probe = socket_spare()
    guard probe >= 0 else { return .max }
    socket_close(probe, false)
    return Int(probe)
  }

  /// Calls that fit beside what is open now.
  ///
  /// Each has two media sockets.
  public var calls: Int { max(0, forMedia - Self.inUse) / 2 }
}
