import SansIO

/// Loss, delta and jitter of an RTP stream, by the rules of Wireshark's RTP stream analysis, so that the numbers are those of
/// `tshark -q -z rtp,streams` on the same file.
///
/// They differ from what RFC 3550 appendix A would count in known ways: lost packets are counted up to the packet that came last, jitter is
/// smoothed in milliseconds, and packets with the marker bit, comfort noise and telephone-events take part only in some of it.
public struct StreamStatistics {
  /// Milliseconds, as Wireshark keeps them.
  public private(set) var maximumDelta = 0.0
  public private(set) var meanDelta = 0.0
  public private(set) var maximumJitter = 0.0
  public private(set) var meanJitter = 0.0
  public private(set) var packets = 0
  /// Packets whose sequence number was not the next one.
  public private(set) var sequenceErrors = 0

  private var firstSequence: UInt16 = 0
  private var firstTimestamp: UInt32 = 0
  private var lastSequence: UInt16 = 0
  /// The last packet in order.
  private var orderedSequence: UInt16 = 0
  private var cycles = 0
  /// The sequence number is below the first one: it has wrapped, and the round is not over.
  private var isUnder = false
  private var lastTime = 0.0
  private var lastNominalTime = 0.0
  private var delta = 0.0
  private var jitter = 0.0
  private var payloadType: UInt8 = 0

  /// Expected less received, up to the packet that came last; negative when packets came twice.
  public var lost: Int { Int(lastSequence) + cycles * 65_536 - Int(firstSequence) + 1 - packets }
  public var expected: Int { lost + packets }

  /// Takes the next packet in file order.
  /// - Parameters:
  ///   - time: milliseconds since the capture's first frame.
  ///   - clockRate: ticks a second; 0 where it is not known, and for telephone-event: such packets have no jitter.
  public mutating func take(sequence: UInt16, timestamp: UInt32, marker: Bool, payloadType type: UInt8, clockRate: Int, at time: Double) {
    guard packets > 0 else { return begin(sequence, timestamp, type, time) }
    let isInTime = timestamp &- firstTimestamp < 0x8000_0000
    countCycle(sequence, isInTime)
    checkSequence(sequence, isInTime)
    let followsNoise = Self.isNoise(payloadType)
    payloadType = type
    if isInTime { measure(timestamp, clockRate, time) }
    if !marker, !Self.isNoise(type), isInTime, !followsNoise { sum(clockRate) }
    if isInTime { lastTime = time }
    lastSequence = sequence
    packets += 1
  }

  private mutating func begin(_ sequence: UInt16, _ timestamp: UInt32, _ type: UInt8, _ time: Double) {
    (firstSequence, lastSequence, orderedSequence) = (sequence, sequence, sequence)
    firstTimestamp = timestamp
    lastTime = time
    payloadType = type
    packets = 1
  }

  private static func isNoise(_ type: UInt8) -> Bool { type == 13 || type == 19 }

  private mutating func countCycle(_ sequence: UInt16, _ isInTime: Bool) {
    guard isInTime else { return }
    if !isUnder, sequence < firstSequence || sequence == 0 && lastSequence == 65_535 {
      cycles += 1
      isUnder = true
    } else if isUnder, sequence > firstSequence {
      isUnder = false
    }
  }

  private mutating func checkSequence(_ sequence: UInt16, _ isInTime: Bool) {
    let (last, now) = (Int(orderedSequence), Int(sequence))
    if isInTime, last + 1 == now || last == 65_535 && now == 0 {
      orderedSequence = sequence
    } else if isInTime, last + 1 < now || last - now > 0xFF00 {
      orderedSequence = sequence
      sequenceErrors += 1
    } else if last + 1 > now {
      sequenceErrors += 1
    }
  }

  private mutating func measure(_ timestamp: UInt32, _ clockRate: Int, _ time: Double) {
    delta = time - lastTime
    guard clockRate >= 1_000 else { return }
    // Ticks of a whole millisecond, without what is left over.
    let nominal = Double(timestamp &- firstTimestamp) / Double(clockRate / 1_000)
    let difference = abs(time - (lastTime + (nominal - lastNominalTime)))
    jitter = (15 * jitter + difference) / 16
    lastNominalTime = nominal
  }

  private mutating func sum(_ clockRate: Int) {
    maximumDelta = max(maximumDelta, delta)
    meanDelta = (meanDelta * Double(packets - 1) + delta) / Double(packets)
    guard clockRate >= 1_000 else { return }
    maximumJitter = max(maximumJitter, jitter)
    meanJitter = (meanJitter * Double(packets - 1) + jitter) / Double(packets)
  }
}
