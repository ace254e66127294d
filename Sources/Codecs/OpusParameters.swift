/// What a receiver of Opus asks of its sender (RFC 7587 §6.1), as far as an encoder can do something about it.
public struct OpusParameters: Hashable, Sendable {
  /// Hertz: what the receiver can play; the encoder leaves out what lies above half of it. 8,000 to 48,000.
  public var maximumPlaybackRate: Int32 = 48_000
  /// Bits a second: the mean that the encoder aims at. 6,000 to 510,000.
  public var averageBitrate: Int32 = Self.usualBitrate
  /// Packets carry a coarse copy of the frame before, for the case that its packet is lost (RFC 6716 §2.1.7).
  public var usesFEC = false
  /// Silence is not sent (RFC 7587 §3.1.3).
  public var usesDTX = false
  /// All packets are of one size.
  public var isConstantBitrate = false

  /// Where nobody sets a limit: the middle of what RFC 7587 §3.1.1 advises for full-band speech (28 to 40 kbit/s).
  public static let usualBitrate: Int32 = 32_000

  public init() {}
}
