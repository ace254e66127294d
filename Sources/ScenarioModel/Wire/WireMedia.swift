import RTP
import SansIO

/// The packets that came to a wire member's media ports since the running step began.
struct WireMedia: Sendable {
  struct Packet: Sendable {
    var bytes: Bytes
    var isControl: Bool
    var evidence: FrameCitation?
    /// nil for RTCP and for what is no RTP.
    var rtp: RTPPacket? { isControl ? nil : try? RTPPacket.parse(bytes) }
  }

  private(set) var packets: [Packet] = []
  /// The SSRC of the last packet before the step.
  private(set) var earlierSSRC: UInt32?

  mutating func take(_ packet: Packet) { packets.append(packet) }

  mutating func stepBegan() {
    if let last = packets.last(where: { !$0.isControl })?.rtp { earlierSSRC = last.ssrc }
    packets.removeAll(keepingCapacity: true)
  }
}
