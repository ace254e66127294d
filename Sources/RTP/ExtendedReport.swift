import SansIO

/// The VoIP metrics of one source (RFC 3611 §4.7), in the units of the wire.
public struct VoIPMetrics: Hashable, Sendable {
  /// The source that it is about.
  public var ssrc: UInt32
  /// Parts of 256 of the packets since the beginning: lost, and discarded by the jitter buffer.
  public var lossRate: UInt8 = 0
  public var discardRate: UInt8 = 0
  /// Parts of 256 of the packets within bursts and gaps.
  public var burstDensity: UInt8 = 0
  public var gapDensity: UInt8 = 0
  /// Mean lengths in milliseconds.
  public var burstDuration: UInt16 = 0
  public var gapDuration: UInt16 = 0
  /// Milliseconds between the RTP interfaces, and within this end; 0 = not known.
  public var roundTripDelay: UInt16 = 0
  public var endSystemDelay: UInt16 = 0
  /// dBm0 as signed octets; 127 = not known (§4.7.4).
  public var signalLevel = unavailable
  public var noiseLevel = unavailable
  /// dB.
  public var residualEchoReturnLoss = unavailable
  public var gmin = UInt8(BurstGapLoss.minimumGap)
  /// Ratings and scores times ten; 127 = not known (§4.7.5).
  public var rFactor = unavailable
  public var externalRFactor = unavailable
  public var mosListening = unavailable
  public var mosConversational = unavailable
  /// Concealment, adaptation and its rate (§4.7.6).
  public var configuration: UInt8 = 0
  /// Delays of the jitter buffer in milliseconds (§4.7.7): as it is, at most until now, at most ever.
  public var bufferNominal: UInt16 = 0
  public var bufferMaximum: UInt16 = 0
  public var bufferAbsoluteMaximum: UInt16 = 0

  /// What is not known.
  public static let unavailable: UInt8 = 127

  public init(ssrc: UInt32) { self.ssrc = ssrc }

  /// Loss, discards, bursts and gaps as counted.
  ///
  /// - Parameter packetTime: of a packet, in milliseconds.
  public init(ssrc: UInt32, _ loss: BurstGapLoss, packetTime: Double) {
    self.init(ssrc: ssrc)
    let (metrics, expected) = (loss.metrics, Double(max(loss.expected, 1)))
    lossRate = Self.part(Double(loss.lost) / expected)
    discardRate = Self.part(Double(loss.discarded) / expected)
    burstDensity = Self.part(metrics.burstDensity)
    gapDensity = Self.part(metrics.gapDensity)
    burstDuration = Self.milliseconds(metrics.burstLength * packetTime)
    gapDuration = Self.milliseconds(metrics.gapLength * packetTime)
  }

  private static func part(_ ratio: Double) -> UInt8 { UInt8(min(max(ratio, 0) * 256, 255)) }
  private static func milliseconds(_ value: Double) -> UInt16 { UInt16(min(max(value, 0), 65_535)) }

  /// MOS-LQ, and the R factor where its scale is narrowband: that is the one which the block has (§4.7.5).
  public mutating func set(_ score: QualityScore) {
    guard score.scale == .narrowband else { return }
    rFactor = UInt8(min(max(score.rating.rounded(), 0), 100))
    let mos = UInt8(min(max((score.meanOpinionScore * 10).rounded(), 10), 50))
    if score.delay == nil { mosListening = mos } else { mosConversational = mos }
  }

  /// How lost frames are concealed, and how the buffer follows the jitter (§4.7.6).
  public mutating func setReceiver(conceals: Bool, isAdaptive: Bool?) {
    // PLC: 11 standard, 01 disabled. Jitter buffer adaptive: 11 adaptive, 10 not adaptive, 00 unknown.
    configuration = (conceals ? 0b1100_0000 : 0b0100_0000) | (isAdaptive.map { $0 ? 0b0011_0000 : 0b0010_0000 } ?? 0)
  }

  static let size = 36

  /// - Parameter bytes: the block, from its type on; at least ``size`` long.
  init(reading bytes: Bytes) {
    func word(_ offset: Int) -> UInt16 { UInt16(truncatingIfNeeded: BigEndian.read(bytes, offset, 2)) }
    ssrc = BigEndian.read(bytes, 4, 4)
    (lossRate, discardRate, burstDensity, gapDensity) = (bytes[8], bytes[9], bytes[10], bytes[11])
    (burstDuration, gapDuration, roundTripDelay, endSystemDelay) = (word(12), word(14), word(16), word(18))
    (signalLevel, noiseLevel, residualEchoReturnLoss, gmin) = (bytes[20], bytes[21], bytes[22], bytes[23])
    (rFactor, externalRFactor, mosListening, mosConversational) = (bytes[24], bytes[25], bytes[26], bytes[27])
    configuration = bytes[28]
    (bufferNominal, bufferMaximum, bufferAbsoluteMaximum) = (word(30), word(32), word(34))
  }

  func append(to bytes: inout [UInt8]) {
    bytes += [7, 0, 0, 8]
    BigEndian.append(ssrc, 4, to: &bytes)
    bytes += [lossRate, discardRate, burstDensity, gapDensity]
    for word in [burstDuration, gapDuration, roundTripDelay, endSystemDelay] { BigEndian.append(UInt32(word), 2, to: &bytes) }
    bytes += [signalLevel, noiseLevel, residualEchoReturnLoss, gmin, rFactor, externalRFactor, mosListening, mosConversational]
    bytes += [configuration, 0]
    for word in [bufferNominal, bufferMaximum, bufferAbsoluteMaximum] { BigEndian.append(UInt32(word), 2, to: &bytes) }
  }
}

/// A block of an XR packet (RFC 3611 §3).
public enum ExtendedBlock: Hashable, Sendable {
  case voipMetrics(VoIPMetrics)
  /// Any other type, with its bytes.
  case other(type: UInt8, Bytes)

  /// Reads the blocks behind the header and the SSRC of an XR packet; their lengths have to add up (RFC 3611 §2, §3).
  static func parse(_ bytes: Bytes) throws(RTPError) -> [ExtendedBlock] {
    var (blocks, offset) = ([ExtendedBlock](), 8)
    while offset < bytes.count {
      guard offset + 4 <= bytes.count else { throw .extendedBlock }
      let size = (Int(BigEndian.read(bytes, offset + 2, 2)) + 1) * 4
      guard offset + size <= bytes.count else { throw .extendedBlock }
      let block = bytes[offset..<offset + size]
      if block[0] == 7 {
        // Its length is eight words, always (§4.7).
        guard size == VoIPMetrics.size else { throw .extendedBlock }
        blocks.append(.voipMetrics(VoIPMetrics(reading: block)))
      } else {
        blocks.append(.other(type: block[0], block))
      }
      offset += size
    }
    return blocks
  }

  func append(to bytes: inout [UInt8]) {
    switch self {
    case .voipMetrics(let metrics): metrics.append(to: &bytes)
    case .other(_, let raw): bytes += raw
    }
  }
}

/// The time from one end to the other and back, as a report of the other end tells it (RFC 3550 §6.4.1, §A.8).
public enum RoundTrip {
  /// A minus LSR minus DLSR.
  ///
  /// - Parameter arrival: the middle 32 bits of the NTP time at which the report came.
  /// - Returns: nil where the report names no sender report, or a time that cannot be: clocks that step, and blocks that lie.
  public static func of(_ block: ReceptionReport, arrival: UInt32) -> Duration? {
    guard block.lastSenderReport != 0 else { return nil }
    let units = Int32(bitPattern: arrival &- block.lastSenderReport &- block.delaySinceLastSenderReport)
    // A unit of rounding on either side makes less than nothing of very little.
    guard units >= -2, units < 60 * 65_536 else { return nil }
    return .nanoseconds(Int64(max(units, 0)) * 1_000_000_000 / 65_536)
  }
}
