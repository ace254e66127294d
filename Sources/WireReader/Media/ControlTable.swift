import RTP
import SansIO

/// What RTCP reported, by source and the two addresses between which its media goes (RFC 3550 §6.4): a B2BUA may use one SSRC on both of
/// its legs.
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
  private var bySource: [RTPStream.Key: Reports] = [:]
  /// The sources of an SSRC, in the order of the capture.
  private var keys: [UInt32: [RTPStream.Key]] = [:]
  public private(set) var packets = 0
  /// RTCP by its place that could not be read, as SRTCP.
  public var unreadable = 0

  /// The first of an SSRC.
  public subscript(ssrc: UInt32) -> Reports? { keys[ssrc]?.first.flatMap { bySource[$0] } }

  /// Those about a stream. Where a NAT gave RTCP a port that nobody can foresee, those of the same two hosts, unless several are.
  public subscript(stream: RTPStream.Key) -> Reports? {
    if let reports = bySource[stream] { return reports }
    let near = (keys[stream.ssrc] ?? []).filter {
      $0.source.address == stream.source.address && $0.destination.address == stream.destination.address
    }
    guard near.count == 1, keys[stream.ssrc]?.count == 1 else { return nil }
    return bySource[near[0]]
  }

  /// - Parameter way: the addresses of the media, of whoever sends these reports and of whoever gets them.
  public mutating func take(_ compound: [RTCPPacket], _ way: StreamTable.Way, _ stamp: FrameStamp) {
    packets += 1
    for packet in compound {
      switch packet {
      case .senderReport(let ssrc, let information, let blocks):
        change(ssrc, way, stamp) {
          $0.senderReports += 1
          $0.packetsSent = information.packetCount
        }
        take(blocks, (way.destination, way.source), stamp)
      case .receiverReport(let ssrc, let blocks):
        change(ssrc, way, stamp) { $0.receiverReports += 1 }
        take(blocks, (way.destination, way.source), stamp)
      case .bye(let sources, _): for ssrc in sources { change(ssrc, way, stamp) { $0.saidGoodbye = true } }
      case .cname, .other: break
      }
    }
  }

  /// Takes out what was last reported before that time, of streams that are not there any more.
  mutating func release(before time: Int64, _ isThere: (RTPStream.Key) -> Bool) {
    let gone = bySource.filter { $0.value.last.time <= time && !isThere($0.key) }
    for key in gone.keys {
      bySource[key] = nil
      keys[key.ssrc]?.removeAll { $0 == key }
      if keys[key.ssrc]?.isEmpty == true { keys[key.ssrc] = nil }
    }
  }

  private mutating func take(_ blocks: [ReceptionReport], _ way: StreamTable.Way, _ stamp: FrameStamp) {
    for block in blocks {
      change(block.ssrc, way, stamp) {
        $0.fractionLost = block.fractionLost
        $0.cumulativeLost = block.cumulativeLost
        $0.maximumJitter = max($0.maximumJitter, block.jitter)
      }
    }
  }

  private mutating func change(_ ssrc: UInt32, _ way: StreamTable.Way, _ stamp: FrameStamp, _ body: (inout Reports) -> Void) {
    let key = RTPStream.Key(source: way.source, destination: way.destination, ssrc: ssrc)
    guard bySource[key] != nil || bySource.count < Self.mostSources else { return }
    var reports = bySource[key] ?? Reports(last: stamp)
    if bySource[key] == nil { keys[ssrc, default: []].append(key) }
    reports.last = stamp
    body(&reports)
    bySource[key] = reports
  }
}
