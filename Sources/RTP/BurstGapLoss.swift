/// What became of one packet of a stream on its way to the listener (RFC 3611 §4.7.1).
public enum PacketFate: Hashable, Sendable {
  case received
  /// It never came.
  case lost
  /// It came, and too late to be played.
  case discarded
}

/// Bursts and gaps of loss (RFC 3611 §4.7.2), from the fate of each packet in the order of the sequence numbers.
///
/// ```
///              lost or discarded                    Gmin received in a row
///   gap ───────────────────────────► one miss ──────────────────────────────► gap: the miss was isolated
///    ▲                                  │ another one before that
///    └── Gmin received in a row ── burst ◄┘
/// ```
/// A burst begins and ends with a packet that is missing, and nowhere in it are ``minimumGap`` packets received in a row; all else is gap.
/// A stream is taken as preceded and followed by so many received packets. The counts are those of the definitions; the example
/// implementation in the RFC counts one packet of each burst to the gap as well.
public struct BurstGapLoss: Hashable, Sendable {
  /// Gmin, as RFC 3611 §4.7.2 recommends it.
  public static let minimumGap = 16

  // 32 bits each: one of these is kept for each interval of each stream.
  private var (receivedCount, lostCount, discardedCount, runCount): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
  /// Bursts that are over, with what was received and missing in them.
  private var (bursts, burstReceived, burstMissing): (Int32, Int32, Int32) = (0, 0, 0)
  /// Packets missing since the last gap, those received between them, and those received since the last of them.
  private var (missing, between, since): (Int32, Int32, Int32) = (0, 0, 0)
  private var opensStream = false
  /// The first packet of all began a burst: no gap comes before it.
  private var beginsWithBurst = false

  public init() {}

  public var received: Int { Int(receivedCount) }
  public var lost: Int { Int(lostCount) }
  public var discarded: Int { Int(discardedCount) }
  /// Times at which one or more packets in a row were missing.
  public var runs: Int { Int(runCount) }
  /// Packets whose fate is known.
  public var expected: Int { received + lost + discarded }

  /// The fate of the next packet.
  public mutating func take(_ fate: PacketFate) {
    switch fate {
    case .received:
      receivedCount &+= 1
      since &+= 1
      if missing > 0, since >= Self.minimumGap { close() }
      return
    case .lost: lostCount &+= 1
    case .discarded: discardedCount &+= 1
    }
    if missing == 0 { opensStream = expected == 1 } else { between &+= since }
    if missing == 0 || since > 0 { runCount &+= 1 }
    missing &+= 1
    since = 0
  }

  /// What is missing since the last gap is over.
  private mutating func close() {
    if missing > 1 {
      bursts &+= 1
      burstReceived &+= between
      burstMissing &+= missing
      if opensStream { beginsWithBurst = true }
    }
    (missing, between) = (0, 0)
  }

  /// What VoIP metrics report, as of now.
  public struct Metrics: Hashable, Sendable {
    /// Periods of many losses.
    public var bursts: Int
    /// Which part of the packets is missing, 0 to 1.
    public var burstDensity: Double
    public var gapDensity: Double
    /// The mean length of a burst, and of a gap, in packets.
    public var burstLength: Double
    public var gapLength: Double

    public init(bursts: Int, burstDensity: Double, gapDensity: Double, burstLength: Double, gapLength: Double) {
      (self.bursts, self.burstDensity, self.gapDensity) = (bursts, burstDensity, gapDensity)
      (self.burstLength, self.gapLength) = (burstLength, gapLength)
    }
  }

  public var metrics: Metrics {
    var closed = self
    let endsWithBurst = missing > 1 && since == 0
    closed.close()
    let (bursts, burstMissing) = (Int(closed.bursts), Int(closed.burstMissing))
    let inBursts = Int(closed.burstReceived) + burstMissing
    let gapPackets = expected - inBursts
    let gapMissing = lost + discarded - burstMissing
    let gaps = bursts + 1 - (closed.beginsWithBurst ? 1 : 0) - (endsWithBurst ? 1 : 0)
    return Metrics(
      bursts: bursts, burstDensity: Self.ratio(burstMissing, inBursts), gapDensity: Self.ratio(gapMissing, gapPackets),
      burstLength: Self.ratio(inBursts, bursts), gapLength: Self.ratio(gapPackets, gaps))
  }

  /// Which part of the packets is missing, 0 to 1: lost and discarded alike.
  public var missingRatio: Double { Self.ratio(lost + discarded, expected) }

  /// BurstR (ITU-T G.107 §7.2): the mean length of the runs of missing packets beside what it would be under random loss of that rate; 1
  /// where it is not more.
  public var burstRatio: Double {
    guard runs > 0 else { return 1 }
    return max(1, Double(lost + discarded) / Double(runs) * (1 - missingRatio))
  }

  private static func ratio(_ part: Int, _ whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
}
