import RTP

// What a stream has sent and heard, for whoever asks.
extension MediaStream {
  public var report: MediaReport {
    MediaReport(
      packetsSent: sender.packetsSent, packetsReceived: receiver.packetsReceived, octetsSent: sender.octetsSent,
      octetsReceived: receiver.octetsReceived, packetsLost: receiver.packetsLost,
      jitter: receiver.statistics?.jitterDuration ?? .zero, tones: receiver.tones, packetsLostAtPeer: reporter.packetsLostAtPeer,
      drops: protection.drops, quality: quality, faults: receiver.faults)
  }

  private var quality: MediaQuality? {
    receiver.figures.map {
      let bitRate = receiver.bitRate(packetTime: agreement.packetTime)
      return MediaQuality($0, buffer: receiver.bufferCounts, codec: receiver.codec.scored(bitRate: bitRate), reporter)
    }
  }

  /// What is heard, for reports that carry it.
  var metrics: VoIPMetrics? {
    guard configuration.reception.sendsVoIPMetrics, let statistics = receiver.statistics, let quality else { return nil }
    var metrics = VoIPMetrics(ssrc: statistics.ssrc, quality.figures.loss, packetTime: Double(agreement.packetTime))
    metrics.set(quality)
    metrics.setReceiver(conceals: quality.buffer != nil, isAdaptive: configuration.reception.jitterBuffer.isAdaptive)
    return metrics
  }
}
