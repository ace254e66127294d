import SansIO

/// What of a member's traffic expectations ask for: counted where its packets leave and its ports open.
public struct MemberTraffic: Sendable {
  /// Port pairs opened for media so far in the run.
  public var mediaPortsOpened = 0
  /// Port pairs that are open now.
  public var mediaPortsOpen = 0
  /// When the last packet of the kind left; nil = none did.
  public var lastRTP: Instant?
  public var lastRTCP: Instant?
  /// The last frame of the kind, in the member's own capture.
  public var lastRTPFrame: UInt32?
  public var lastRTCPFrame: UInt32?

  /// Where RTP from each of its addresses went last.
  public private(set) var rtpTargets: [TransportAddress: TransportAddress] = [:]
  /// The newest of them: of a packet after another on the same way nothing is to be written down.
  private var lastWay: (source: TransportAddress, destination: TransportAddress)?

  /// The RTP streams in its capture, as far as they are asked for.
  public var streams: [SeenStream] = []
  /// Of the last RTP packet: its payload type, and by what its timestamp moved on from the packet before it in the same stream.
  public private(set) var lastPayloadType: UInt8?
  public private(set) var lastStep: UInt32?
  /// Octets behind its fixed header: with the tag of SRTP, where it has one.
  public private(set) var lastOctets = 0
  private var last: (ssrc: UInt32, sequence: UInt16, timestamp: UInt32) = (0, 0, 0)

  public init() {}

  /// Takes an RTP packet that left; SRTP leaves its header as it is (RFC 3711 §3.1).
  public mutating func takeRTP(
    _ packet: Bytes, from source: TransportAddress, to destination: TransportAddress, at now: Instant, frame: UInt32
  ) {
    (lastRTP, lastRTPFrame) = (now, frame)
    if lastWay?.destination != destination || lastWay?.source != source {
      lastWay = (source, destination)
      rtpTargets[source] = destination
    }
    guard packet.count >= 12 else { return }
    let fixed = packet.withUnsafeBytes { bytes in
      (
        ssrc: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)),
        sequence: UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)),
        timestamp: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
      )
    }
    (lastPayloadType, lastOctets) = (packet[1] & 0x7F, packet.count - 12)
    lastStep = fixed.ssrc == last.ssrc && fixed.sequence == last.sequence &+ 1 ? fixed.timestamp &- last.timestamp : nil
    last = fixed
  }
}
