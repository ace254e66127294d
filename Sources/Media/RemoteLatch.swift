import SansIO

/// Symmetric RTP: media goes back to where it comes from, once it is clear who sends it (contract 8.5).
///
/// ```
///          4 packets in a row: one source, one SSRC, a negotiated payload type; over SRTP the first that is verified
///   open ─────────────────────────────────────────────────────────────────────► closed on that source: all others are foreign
///    ▲                                                                             │
///    └──────────────── re-INVITE; what was latched is now the previous source ─────┘
/// ```
/// The address that SDP names is never foreign: the peer itself said it.
struct RemoteLatch: Sendable, Hashable {
  /// What a packet is.
  enum Outcome: Hashable {
    case taken
    /// Taken, and from now on media goes where it came from.
    case latched
    /// Of the source that was latched before, on its way when the latch moved on.
    case late
    case foreign
  }

  private static let needed = 4
  /// Packets of the previous source are still under way when a re-INVITE has moved the stream: 320 ms of them prove that it stayed.
  static let neededFromPrevious = 16

  /// Where RTP goes instead of the agreed address.
  private(set) var rtp: TransportAddress?
  private(set) var rtcp: TransportAddress?
  private(set) var isOpen = true
  private var previous: TransportAddress?
  private var candidate: TransportAddress?
  private var ssrc: UInt32 = 0
  private var count = 0

  mutating func receive(from source: TransportAddress, ssrc: UInt32, agreed: TransportAddress, isNegotiated: Bool, isVerified: Bool = false)
    -> Outcome
  {
    if !isOpen {
      // What comes from where it should does not stand in the way of the address that SDP names.
      if source == rtp { return .taken }
      if source != agreed { return source == previous ? .late : .foreign }
    }
    if candidate != source || self.ssrc != ssrc { (candidate, self.ssrc, count) = (source, ssrc, 0) }
    guard isNegotiated else { return .taken }
    count += 1
    guard count >= (isOpen && source == previous ? Self.neededFromPrevious : isVerified ? 1 : Self.needed) else { return .taken }
    let isNews = rtp != source
    (rtp, isOpen) = (source, false)
    return isNews ? .latched : .taken
  }

  /// A re-INVITE: who sends may change.
  ///
  /// - Parameter isSameAddress: SDP names the same address as before, so media goes on to where it went until somebody else proves it is
  /// the peer.
  mutating func reopen(isSameAddress: Bool) {
    previous = rtp ?? previous
    if !isSameAddress { (rtp, rtcp) = (nil, nil) }
    (isOpen, candidate, count) = (true, nil, 0)
  }

  /// RTCP comes from the host that RTP comes from, on whatever port a NAT gave it.
  func acceptsControl(from source: TransportAddress, agreed: TransportAddress) -> Bool {
    guard !isOpen, let rtp else { return true }
    return source.address == rtp.address || source == agreed || source.address == previous?.address
  }

  mutating func receiveControl(from source: TransportAddress) { if rtcp == nil { rtcp = source } }
}
