import RTP
import SansIO

/// The RTP and RTCP of a capture. A stream is known by a description, or guessed by how its packets look.
public struct StreamTable {
  public private(set) var media = MediaTable()
  private var streams: [RTPStream.Key: RTPStream] = [:]
  private var order: [RTPStream] = []
  /// Guesses that have not proved themselves, oldest first.
  private var guesses: [RTPStream.Key] = []
  public private(set) var control = ControlTable()
  /// DTLS records on media addresses.
  public private(set) var dtlsPackets = 0

  /// Guesses that may be open at a time.
  private static let mostGuesses = 2_048

  public var credible: [RTPStream] { order.filter(\.isCredible) }
  /// Packets that look like RTP and have not proved themselves.
  public var unproven: Int { droppedPackets + order.reduce(0) { $0 + ($1.isCredible ? 0 : $1.statistics.packets) } }
  private var droppedPackets = 0

  public mutating func add(_ description: ObservedDescription, conversation: Int) { media.add(description, conversation: conversation) }

  /// Takes a datagram that may be RTP or RTCP.
  /// - Parameter time: milliseconds since the capture's first frame.
  /// - Returns: whether it was.
  public mutating func take(
    _ payload: Bytes, _ key: (source: TransportAddress, destination: TransportAddress), _ stamp: FrameStamp, time: Double
  )
    -> Bool
  {
    guard payload.count >= 8 else { return false }
    if payload[0] >> 6 != 2 {
      if (20...25).contains(payload[0]), media[key.destination] != nil || media[key.source] != nil { dtlsPackets += 1 }
      return false
    }
    // RTCP packet types stand where RTP has marker and payload type (RFC 5761 §4).
    if (192...223).contains(payload[1]) { return takeControl(payload, key, stamp) }
    guard let packet = try? RTPPacket.parse(payload) else { return false }
    let streamKey = RTPStream.Key(source: key.source, destination: key.destination, ssrc: packet.ssrc)
    if let stream = streams[streamKey] {
      stream.take(packet, stamp, time: time, media)
      return true
    }
    let isSignalled = media[key.destination] != nil || media[key.source] != nil
    guard isSignalled || Self.isPlausible(packet, key) else { return false }
    let stream = RTPStream(streamKey, first: stamp)
    if !isSignalled { guess(streamKey) }
    streams[streamKey] = stream
    order.append(stream)
    stream.take(packet, stamp, time: time, media)
    return true
  }

  private mutating func takeControl(
    _ payload: Bytes, _ key: (source: TransportAddress, destination: TransportAddress), _ stamp: FrameStamp
  ) -> Bool {
    let isSignalled =
      media.control(key.destination) != nil || media.control(key.source) != nil || media[key.destination] != nil || media[key.source] != nil
    guard let packets = try? RTCPPacket.parse(payload) else {
      if isSignalled { control.unreadable += 1 }
      return isSignalled
    }
    control.take(packets, stamp)
    return true
  }

  private static func isPlausible(_ packet: RTPPacket, _ key: (source: TransportAddress, destination: TransportAddress)) -> Bool {
    guard key.source.port >= 1_024, key.destination.port >= 1_024, !packet.payload.isEmpty else { return false }
    return StaticPayloads.isKnown(packet.payloadType) || packet.payloadType >= 96
  }

  private mutating func guess(_ key: RTPStream.Key) {
    guesses.append(key)
    guard guesses.count > Self.mostGuesses else { return }
    let old = guesses.prefix(Self.mostGuesses / 2).filter { key in streams[key].map { !$0.isCredible } ?? false }
    guesses.removeFirst(Self.mostGuesses / 2)
    let dropped = Set(old)
    for key in old { droppedPackets += streams.removeValue(forKey: key)?.statistics.packets ?? 0 }
    order.removeAll { dropped.contains($0.key) }
  }
}

/// What RTCP reported, by source (RFC 3550 §6.4).
public struct ControlTable {
  public struct Reports {
    public var senderReports = 0
    public var receiverReports = 0
    /// From the last sender report.
    public var packetsSent: UInt32?
    /// The last block about this source, and the largest jitter of any, in timestamp units.
    public var fractionLost: UInt8?
    public var cumulativeLost: Int32?
    public var maximumJitter: UInt32 = 0
    public var last: FrameStamp
    public var saidGoodbye = false
  }

  private static let mostSources = 65_536
  private var bySource: [UInt32: Reports] = [:]
  public private(set) var packets = 0
  /// RTCP by its place that could not be read, as SRTCP.
  public var unreadable = 0

  public subscript(ssrc: UInt32) -> Reports? { bySource[ssrc] }

  public mutating func take(_ compound: [RTCPPacket], _ stamp: FrameStamp) {
    packets += 1
    for packet in compound {
      switch packet {
      case .senderReport(let ssrc, let information, let blocks):
        change(ssrc, stamp) {
          $0.senderReports += 1
          $0.packetsSent = information.packetCount
        }
        take(blocks, stamp)
      case .receiverReport(let ssrc, let blocks):
        change(ssrc, stamp) { $0.receiverReports += 1 }
        take(blocks, stamp)
      case .bye(let sources, _): for ssrc in sources { change(ssrc, stamp) { $0.saidGoodbye = true } }
      case .cname, .other: break
      }
    }
  }

  private mutating func take(_ blocks: [ReceptionReport], _ stamp: FrameStamp) {
    for block in blocks {
      change(block.ssrc, stamp) {
        $0.fractionLost = block.fractionLost
        $0.cumulativeLost = block.cumulativeLost
        $0.maximumJitter = max($0.maximumJitter, block.jitter)
      }
    }
  }

  private mutating func change(_ ssrc: UInt32, _ stamp: FrameStamp, _ body: (inout Reports) -> Void) {
    guard bySource[ssrc] != nil || bySource.count < Self.mostSources else { return }
    var reports = bySource[ssrc] ?? Reports(last: stamp)
    reports.last = stamp
    body(&reports)
    bySource[ssrc] = reports
  }
}
