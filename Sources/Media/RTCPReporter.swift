import RTP
import SansIO

/// What both sides report of the stream (RFC 3550 §6.4).
struct RTCPReporter: Sendable {
  private let cname: String
  private let epoch: Epoch
  private var entropy: Entropy
  /// The middle of the NTP time of the peer's last SR, and when it came.
  private var lastSenderReport: (middle: UInt32, at: Instant)?
  /// What the peer last reported of our stream; nil when no report came.
  private(set) var packetsLostAtPeer: Int?
  /// To the peer and back, as its reports tell it: the last one, and the longest.
  private(set) var roundTrip: (last: Duration, longest: Duration)?
  /// What the peer last measured of our stream; nil when it never said.
  private(set) var peerMetrics: VoIPMetrics?
  /// RTCP of the peer's that could not be read.
  private(set) var malformed = 0

  init(cname: String, epoch: Epoch, entropy: Entropy) {
    self.cname = cname
    self.epoch = epoch
    self.entropy = entropy
  }

  /// When the next report is due (RFC 3550 §6.2).
  mutating func nextDue(isFirst: Bool, after now: Instant) -> Instant {
    now.adding(nanoseconds: RTCPInterval.next(isFirst: isFirst, using: &entropy))
  }

  mutating func receive(_ packets: [RTCPPacket], about ssrc: UInt32, at now: Instant) {
    for packet in packets {
      switch packet {
      case .senderReport(_, let information, let blocks):
        lastSenderReport = (NTPTime.middle(information.ntpTime), now)
        read(blocks, about: ssrc, at: now)
      case .receiverReport(_, let blocks): read(blocks, about: ssrc, at: now)
      case .extended(_, let blocks):
        for case .voipMetrics(let metrics) in blocks where metrics.ssrc == ssrc { peerMetrics = metrics }
      case .cname, .bye, .other: break
      }
    }
  }

  mutating func countMalformed() { malformed += 1 }

  private mutating func read(_ blocks: [ReceptionReport], about ssrc: UInt32, at now: Instant) {
    for block in blocks where block.ssrc == ssrc {
      packetsLostAtPeer = Int(block.cumulativeLost)
      guard let time = RoundTrip.of(block, arrival: NTPTime.middle(NTPTime.at(now, epoch: epoch))) else { continue }
      roundTrip = (time, max(time, roundTrip?.longest ?? .zero))
    }
  }

  /// A compound packet: SR when we send, RR when we only listen, our name, VoIP metrics where they are asked for, and BYE at the end
  /// (RFC 3550 §6.1, RFC 3611 §2).
  ///
  /// - Parameters:
  ///   - timestamp: the RTP clock at this very instant.
  ///   - metrics: of what is heard.
  mutating func compound(
    _ sender: RTPSender, _ receiver: inout RTPReceiver, _ metrics: VoIPMetrics? = nil, timestamp: UInt32, isLast: Bool, at now: Instant
  ) -> [RTCPPacket] {
    let delay = lastSenderReport.map { UInt32(clamping: (now.nanoseconds - $0.at.nanoseconds) * 65_536 / 1_000_000_000) } ?? 0
    let block = receiver.report(lastSenderReport: lastSenderReport?.middle ?? 0, delaySinceLastSenderReport: delay)
    let blocks = block.map { [$0] } ?? []
    var report = RTCPPacket.receiverReport(ssrc: sender.ssrc, blocks)
    if sender.packetsSent > 0 {
      let information = RTCPPacket.SenderInformation(
        ntpTime: NTPTime.at(now, epoch: epoch), rtpTimestamp: timestamp, packetCount: sender.packetsSent, octetCount: sender.octetsSent)
      report = .senderReport(ssrc: sender.ssrc, information, blocks)
    }
    var packets = [report, RTCPPacket.cname(ssrc: sender.ssrc, cname)]
    if var metrics {
      metrics.roundTripDelay = roundTrip.map { UInt16(clamping: $0.last.wholeNanoseconds / 1_000_000) } ?? 0
      packets.append(.extended(ssrc: sender.ssrc, [.voipMetrics(metrics)]))
    }
    if isLast { packets.append(.bye([sender.ssrc], reason: nil)) }
    return packets
  }
}
