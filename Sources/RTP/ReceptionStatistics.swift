import SansIO

/// What a receiver counts about one source: sequence, loss and jitter after RFC 3550 appendices A.1, A.3 and A.8.
public struct ReceptionStatistics: Hashable, Sendable {
  public let ssrc: UInt32
  private var clockRate: Int
  private var baseSequence: UInt32
  private var highestSequence: UInt16
  /// Wraps of the sequence number times 65,536.
  private var cycles: UInt32 = 0
  private var badSequence: UInt32 = 65_537
  public private(set) var received: UInt32 = 0
  private var receivedBefore: UInt32 = 0
  private var expectedBefore: UInt32 = 0
  private var lastTransit: Int64?
  /// Times 16 and in timestamp units, as appendix A.8 keeps it.
  private var scaledJitter: Int64 = 0
  public private(set) var maximumScaledJitter: Int64 = 0

  private static let maximumDropout: UInt16 = 3_000
  private static let maximumMisorder: UInt16 = 100

  /// Begins with the source's first packet, which still has to be given to ``receive(sequence:timestamp:at:)``.
  public init(ssrc: UInt32, firstSequence: UInt16, clockRate: Int) {
    self.ssrc = ssrc
    self.clockRate = clockRate
    baseSequence = UInt32(firstSequence)
    highestSequence = firstSequence &- 1
  }

  /// Whether the packet carries on from the newest one, so that a duplicate and one that was overtaken are not: those are counted, and what
  /// they carry comes too late to be heard.
  public func isAhead(_ sequence: UInt16) -> Bool { (1..<Self.maximumDropout).contains(sequence &- highestSequence) }

  /// Packets of another payload type may have another clock (RFC 7160 §4.1): what was measured so far is kept as time, and nothing follows
  /// from the step between the two clocks.
  public mutating func change(clockRate: Int) {
    guard clockRate != self.clockRate, clockRate > 0 else { return }
    scaledJitter = scaledJitter * Int64(clockRate) / Int64(self.clockRate)
    maximumScaledJitter = maximumScaledJitter * Int64(clockRate) / Int64(self.clockRate)
    self.clockRate = clockRate
    lastTransit = nil
  }

  /// Counts a packet. A jump of the sequence number is believed when the next packet follows it (A.1); until then it does not count.
  ///
  /// - Parameter timestamp: nil where it does not say when the packet was made, so that nothing follows for the jitter.
  public mutating func receive(sequence: UInt16, timestamp: UInt32?, at now: Instant) {
    guard update(sequence) else { return }
    received += 1
    guard let timestamp else { return }
    // Arrival in timestamp units; only differences matter.
    let arrival = (now.nanoseconds / 1_000) * Int64(clockRate) / 1_000_000
    let transit = arrival &- Int64(timestamp)
    if let lastTransit {
      // A wrap of the timestamp is a difference of 2³² that is none.
      let difference = Int64(Int32(truncatingIfNeeded: transit &- lastTransit))
      scaledJitter += abs(difference) - ((scaledJitter + 8) >> 4)
      maximumScaledJitter = max(maximumScaledJitter, scaledJitter)
    }
    lastTransit = transit
  }

  private mutating func update(_ sequence: UInt16) -> Bool {
    let delta = sequence &- highestSequence
    if delta < Self.maximumDropout {
      if sequence < highestSequence, received > 0 { cycles &+= 65_536 }
      highestSequence = sequence
    } else if UInt32(delta) <= 65_536 - UInt32(Self.maximumMisorder) {
      guard UInt32(sequence) == badSequence else {
        badSequence = UInt32(sequence &+ 1)
        return false
      }
      restart(at: sequence)
    }
    return true
  }

  /// Two packets in a row say that the other side restarted.
  private mutating func restart(at sequence: UInt16) {
    baseSequence = UInt32(sequence)
    highestSequence = sequence
    cycles = 0
    badSequence = 65_537
    (received, receivedBefore, expectedBefore) = (0, 0, 0)
    lastTransit = nil
  }

  public var extendedHighestSequence: UInt32 { cycles &+ UInt32(highestSequence) }

  /// Packets the source has sent as far as this side can tell.
  public var expected: UInt32 { received == 0 ? 0 : extendedHighestSequence &- baseSequence &+ 1 }

  /// Expected less received; negative when packets came twice.
  public var lost: Int { Int(expected) - Int(received) }

  /// Interarrival jitter in timestamp units.
  public var jitter: UInt32 { UInt32(clamping: scaledJitter >> 4) }

  public var jitterMilliseconds: Double { Double(scaledJitter) * 1_000 / (16 * Double(clockRate)) }

  public var jitterDuration: Duration { .nanoseconds((scaledJitter * 1_000_000_000 / Int64(clockRate)) >> 4) }

  /// The block for the next SR or RR; it begins a new interval for the fraction lost (A.3).
  public mutating func report(lastSenderReport: UInt32, delaySinceLastSenderReport: UInt32) -> ReceptionReport {
    let expectedInterval = Int64(expected) - Int64(expectedBefore)
    let lostInterval = expectedInterval - (Int64(received) - Int64(receivedBefore))
    (expectedBefore, receivedBefore) = (expected, received)
    let fraction = expectedInterval <= 0 || lostInterval <= 0 ? 0 : (lostInterval << 8) / expectedInterval
    return ReceptionReport(
      ssrc: ssrc, fractionLost: UInt8(clamping: fraction), cumulativeLost: Int32(clamping: max(-0x80_0000, min(lost, 0x7F_FFFF))),
      extendedHighestSequence: extendedHighestSequence, jitter: jitter, lastSenderReport: lastSenderReport,
      delaySinceLastSenderReport: delaySinceLastSenderReport)
  }
}

/// When the next RTCP packet leaves (RFC 3550 §6.2, §6.3) for a stream between two parties.
public enum RTCPInterval {
  /// Nanoseconds: 5 s, half of it before the first packet, times 0.5 to 1.5, divided by e − 3/2.
  public static func next(isFirst: Bool, using generator: inout some RandomNumberGenerator) -> Int64 {
    let minimum: Int64 = isFirst ? 2_500_000_000 : 5_000_000_000
    let drawn = minimum / 2 + Int64.random(in: 0...minimum, using: &generator)
    return drawn * 100_000 / 121_828
  }
}
