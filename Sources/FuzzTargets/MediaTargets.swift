import Codecs
import Media
import RTP
import SDP
import SansIO

/// Datagrams of RTP at a stream with an adaptive jitter buffer. The input is a list of packets: two octets say how long after the one
/// before it comes, in milliseconds, one how long it is.
enum RTPTarget {
  static func run(_ input: [UInt8]) {
    if let packet = try? RTPPacket.parse(Bytes(input)) {
      hold((try? RTPPacket.parse(packet.serialized())) == packet, "a packet comes back from its bytes")
    }
    var stream = MediaBench.stream()
    var (offset, now, count) = (0, Int64(0), 0)
    while offset + 3 <= input.count {
      now += Int64(Int(input[offset]) << 8 | Int(input[offset + 1])) * 1_000_000
      let end = min(offset + 3 + Int(input[offset + 2]), input.count)
      MediaBench.receive(Array(input[offset + 3..<end]), &stream, at: now)
      offset = end
      count += 1
    }
    MediaBench.check(stream, count)
  }
}

/// A compound of RTCP: what can be read comes back from its bytes, and a stream takes all of it.
enum RTCPTarget {
  static func run(_ input: [UInt8]) {
    if let packets = try? RTCPPacket.parse(Bytes(input)) {
      let written = RTCPPacket.serialized(packets)
      hold((try? RTCPPacket.parse(written)) != nil, "what was read is written so that it can be read")
    }
    var stream = MediaBench.stream()
    MediaBench.receive(input, &stream, at: 1_000_000_000)
    MediaBench.check(stream, 1)
  }
}

private enum MediaBench {
  static let there = TransportAddress(IPAddress(v4: 2), port: 30_000)

  static func stream() -> MediaStream {
    let here = TransportAddress(IPAddress(v4: 1), port: 20_000)
    let agreement = AudioAgreement(
      codec: .pcmu, local: here, remote: there, remoteControl: there, direction: .sendrecv, sendPayloadType: 0, receivePayloadType: 0,
      packetTime: 20)
    var configuration = MediaStream.Configuration(cname: "f", rtpPort: PortID(1), rtcpPort: PortID(2), dialog: 1, epoch: .virtual)
    configuration.reception = ReceptionSettings(jitterBuffer: .adaptive, keepsFigures: true, sendsVoIPMetrics: true)
    var stream = MediaStream(configuration, agreement: agreement, entropy: Entropy(seed: 1))
    var out = Outbox()
    stream.handle(.start, at: .zero, &out)
    return stream
  }

  static func receive(_ bytes: [UInt8], _ stream: inout MediaStream, at now: Int64) {
    var out = Outbox()
    stream.receive(.datagram(PortID(1), from: there, Bytes(bytes)), at: Instant(nanoseconds: now), &out)
    _ = stream.takeEvents()
  }

  static func check(_ stream: MediaStream, _ packets: Int) {
    guard let quality = stream.report.quality, let buffer = quality.buffer else { return hold(false, "figures are kept") }
    let counts = [buffer.played, buffer.late, buffer.discarded, buffer.lost, buffer.duplicates, buffer.underruns, buffer.concealed]
    hold(counts.allSatisfy { $0 >= 0 }, "no count is negative: \(buffer)")
    hold(buffer.played + buffer.discarded <= packets, "no packet is played twice: \(buffer)")
    hold(quality.figures.loss.received + quality.figures.loss.discarded <= packets, "no packet is counted twice")
    hold(buffer.delay <= .milliseconds(301), "the delay stays within its bounds: \(buffer)")
  }
}
