import RTP
import SRTP
import SansIO

/// The packets that came to a wire member's media ports since the running step began.
public struct WireMedia: Sendable {
  public struct Packet: Sendable {
    /// As it is inside of SRTP, where that was opened.
    public var bytes: Bytes
    public var isProtected = false
    /// Why SRTP was not opened though there were keys.
    public var failure: SRTPDrop?
    public var isControl: Bool
    public var evidence: FrameCitation?

    public init(bytes: Bytes, isProtected: Bool = false, failure: SRTPDrop? = nil, isControl: Bool, evidence: FrameCitation?) {
      (self.bytes, self.isProtected, self.failure, self.isControl, self.evidence) = (bytes, isProtected, failure, isControl, evidence)
    }

    /// nil for RTCP for what is not RTP, and for what was not opened.
    var rtp: RTPPacket? { isControl || failure != nil ? nil : try? RTPPacket.parse(bytes) }
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
