import Codecs
import RTP
import SDP
import SansIO

extension MediaSession {
  /// Where our RTP goes now; nil when the agreement or a hold says nowhere.
  private var destination: TransportAddress? {
    guard !isPaused, agreement.direction.sends, agreement.remote.port != 0, !agreement.remote.address.isUnspecified else { return nil }
    return latch.rtp ?? agreement.remote
  }

  mutating func sendPacket(due: Instant, _ out: inout Outbox) {
    let count = samplesPerPacket
    defer {
      sequence &+= 1
      timestamp &+= UInt32(count)
    }
    if let end = speech?.until, end <= due {
      speech = nil
      isTalkspurtStart = true
    }
    guard let destination else {
      speech?.generator.skip(count)
      sequence &-= 1
      return
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(RTPPacket.headerSize + count)
    RTPPacket.appendHeader(
      to: &bytes, payloadType: agreement.sendPayloadType, marker: isTalkspurtStart, sequenceNumber: sequence, timestamp: timestamp,
      ssrc: ssrc)
    appendAudio(count, to: &bytes)
    let label = Label(
      .rtp(payloadType: agreement.sendPayloadType), dialog: dialog, stream: ssrc, sequence: UInt32(sequence), due: due)
    out.datagram(rtpPort, to: destination, Bytes(bytes), label)
    packetsSent &+= 1
    octetsSent &+= UInt32(count)
    isTalkspurtStart = false
  }

  /// A packet of ours did not leave: it is not counted, neither here nor in sender reports (RFC 3550 §6.4.1).
  public mutating func sendFailed(_ packet: Bytes, _ label: Label) {
    guard case .rtp = label.subject, label.stream == ssrc, packetsSent > 0 else { return }
    packetsSent -= 1
    octetsSent &-= UInt32(clamping: max(0, packet.count - RTPPacket.headerSize))
  }

  private mutating func appendAudio(_ count: Int, to bytes: inout [UInt8]) {
    guard var generator = speech?.generator else {
      bytes.append(contentsOf: repeatElement(G711.silence(law), count: count))
      return
    }
    let law = law
    for _ in 0..<count { bytes.append(G711.encode(generator.next(), law)) }
    speech?.generator = generator
  }

  // MARK: - RTCP

  mutating func sendReport(at now: Instant, _ out: inout Outbox) {
    guard !isPaused, packetsSent > 0 || statistics != nil else { return }
    transmitControl([report(at: now), .cname(ssrc: ssrc, cname)], at: now, &out)
  }

  /// SR when we send, RR when we only listen (RFC 3550 §6.4).
  mutating func report(at now: Instant) -> RTCPPacket {
    var blocks: [ReceptionReport] = []
    if statistics != nil {
      let delay = lastSenderReport.map { UInt32(clamping: (now.nanoseconds - $0.at.nanoseconds) * 65_536 / 1_000_000_000) } ?? 0
      if let block = statistics?.report(lastSenderReport: lastSenderReport?.middle ?? 0, delaySinceLastSenderReport: delay) {
        blocks.append(block)
      }
    }
    guard packetsSent > 0 else { return .receiverReport(ssrc: ssrc, blocks) }
    // The RTP clock at this very instant: the next packet's timestamp less what of its frame is still to come.
    let ahead = sendDue.map { ($0.nanoseconds - now.nanoseconds - packetNanoseconds) / 125_000 } ?? 0
    let information = RTCPPacket.SenderInformation(
      ntpTime: NTPTime.at(now, epoch: epoch), rtpTimestamp: timestamp &- UInt32(truncatingIfNeeded: ahead), packetCount: packetsSent,
      octetCount: octetsSent)
    return .senderReport(ssrc: ssrc, information, blocks)
  }

  mutating func transmitControl(_ packets: [RTCPPacket], at now: Instant, _ out: inout Outbox) {
    let destination = latch.rtcp ?? agreement.remoteControl
    guard destination.port != 0, !destination.address.isUnspecified else { return }
    out.datagram(rtcpPort, to: destination, RTCPPacket.serialized(packets), Label(.rtcp, dialog: dialog, stream: ssrc))
  }
}
