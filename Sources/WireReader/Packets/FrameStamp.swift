/// Which frame of a capture something stands in, and when it was captured.
public struct FrameStamp: Hashable, Sendable {
  /// From 1, as Wireshark counts.
  public var frame: Int
  /// Nanoseconds since 1970.
  public var time: Int64

  public init(frame: Int, time: Int64) {
    self.frame = frame
    self.time = time
  }

  /// Nanoseconds from another frame to this one.
  public func since(_ earlier: FrameStamp) -> Int64 { time &- earlier.time }
}
