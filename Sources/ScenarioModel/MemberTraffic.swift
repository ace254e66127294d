import SansIO

/// What of a member's traffic expectations ask for: counted where its packets leave and its ports open.
public struct MemberTraffic: Sendable, Hashable {
  /// Port pairs opened for media so far in the run.
  public var mediaPortsOpened = 0
  /// Port pairs that are open now.
  public var mediaPortsOpen = 0
  /// When the last packet of the kind left; nil = none did.
  public var lastRTP: Instant?
  public var lastRTCP: Instant?
  /// The last frame of the kind, in the member's own capture.
  public var lastRTPFrame: UInt32?
  public var lastRTCPFrame: UInt32?

  /// Where RTP from each of its addresses went last.
  public var rtpTargets: [TransportAddress: TransportAddress] = [:]

  /// The RTP streams in its capture, as far as they are asked for.
  public var streams: [SeenStream] = []

  public init() {}
}
