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
        read(blocks, about: ssrc)
      case .receiverReport(_, let blocks): read(blocks, about: ssrc)
      case .cname, .bye, .other: break
      }
    }
  }

  private mutating func read(_ blocks: [ReceptionReport], about ssrc: UInt32) {
    for block in blocks where block.ssrc == ssrc { packetsLostAtPeer = Int(block.cumulativeLost) }
  }

  /// A compound packet: SR when we send, RR when we only listen, our name, and BYE at the end (RFC 3550 §6.1).
  ///
  /// - Parameter timestamp: the RTP clock at this very instant.
  mutating func compound(
    _ sender: RTPSender, _ receiver: inout RTPReceiver, timestamp: UInt32, isLast: Bool, at now: Instant
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
    let name = RTCPPacket.cname(ssrc: sender.ssrc, cname)
    return isLast ? [report, name, .bye([sender.ssrc], reason: nil)] : [report, name]
  }
}
