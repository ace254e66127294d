import SansIO

/// How long frames wait between arrival and playing, so that those behind them can catch up.
public enum JitterBufferMode: Hashable, Sendable {
  /// Each frame is handed on as it comes; one that was overtaken comes too late.
  case none
  /// So long behind the fastest packets.
  case fixed(Duration)
  /// As long as the late ones need, within these.
  case adaptive(minimum: Duration, maximum: Duration)

  /// Between 40 and 300 ms.
  public static let adaptive = JitterBufferMode.adaptive(minimum: .milliseconds(40), maximum: .milliseconds(300))

  /// nil without a buffer.
  var isAdaptive: Bool? {
    switch self {
    case .none: nil
    case .fixed: false
    case .adaptive: true
    }
  }
}

/// What a jitter buffer did, over all sources of a stream.
public struct JitterBufferCounts: Hashable, Sendable {
  /// Frames that were played.
  public var played = 0
  /// Packets that came after their time, whether the buffer grew for them or not.
  public var late = 0
  /// Packets that were not played although they came: late ones, and those that were left out to shrink the delay.
  public var discarded = 0
  /// Packets that were overtaken, and played in their place all the same.
  public var reordered = 0
  /// Packets that had not come when it was their turn.
  public var lost = 0
  public var duplicates = 0
  /// Packet times at which nothing was there although the packet was on its way.
  public var underruns = 0
  /// Packet times that were filled without a packet: for lost ones, in an underrun, and to grow the delay.
  public var concealed = 0
  /// Packet times at which nothing was to be played.
  public var silent = 0
  /// Beginnings with another SSRC.
  public var sourceChanges = 0
  /// Beginnings at another sequence number (RFC 3550 §A.1).
  public var sequenceJumps = 0
  /// Beginnings at another time: timestamps have jumped, or the delay of the path has, which looks alike.
  public var clockJumps = 0
  /// From the arrival of the fastest packets to their playing.
  public var delay = Duration.zero
  public var maximumDelay = Duration.zero

  public init() {}

  public var resets: Int { sourceChanges + sequenceJumps + clockJumps }
}
