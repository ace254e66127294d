import RTP
import SRTP

/// What the parts of a stream make of it together, for reports: how much was sent and heard, and how good it was.
struct StreamReport {
  let sender: RTPSender
  let receiver: RTPReceiver
  let reporter: RTCPReporter
  /// Of a packet, in milliseconds.
  let packetTime: Int

  func media(drops: SRTPDropCounts) -> MediaReport {
    MediaReport(
      packetsSent: sender.packetsSent, packetsReceived: receiver.packetsReceived, octetsSent: sender.octetsSent,
      octetsReceived: receiver.octetsReceived, packetsLost: receiver.packetsLost,
      jitter: receiver.statistics?.jitterDuration ?? .zero, tones: receiver.tones, packetsLostAtPeer: reporter.packetsLostAtPeer,
      drops: drops, quality: quality, faults: receiver.faults)
  }

  private var quality: MediaQuality? {
    receiver.figures.map {
      let codec = receiver.codec.scored(bitRate: receiver.bitRate(packetTime: packetTime))
      return MediaQuality($0, buffer: receiver.bufferCounts, codec: codec, reporter)
    }
  }

  /// What is heard, for RTCP that carries it (RFC 3611 §4.7).
  func metrics(_ settings: ReceptionSettings) -> VoIPMetrics? {
    guard settings.sendsVoIPMetrics, let statistics = receiver.statistics, let quality else { return nil }
    var metrics = VoIPMetrics(ssrc: statistics.ssrc, quality.figures.loss, packetTime: Double(packetTime))
    metrics.set(quality)
    metrics.setReceiver(conceals: quality.buffer != nil, isAdaptive: settings.jitterBuffer.isAdaptive)
    return metrics
  }
}
