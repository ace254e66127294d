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
    /// Counts of the first sender report, and what the capture had of the stream then.
    public var begin: Sent?
    /// Counts of a sender report that differ from what was sent.
    public var miscount: Miscount?
    /// What the last block said, and what the capture had of the stream then.
    public var block: Block?
    /// A cumulative loss that is lower than the one before it.
    public var fall: (stamp: FrameStamp, from: Int32, to: Int32)?
  }

  /// What was sent of a stream until a moment.
  public struct Sent {
    public var packets: Int
    public var octets: Int
    /// By the numbering, whether they were captured or not.
    public var seenPackets: Int
    public var seenOctets: Int
    /// Seconds by the sender's clock (NTP) and by that of its RTP timestamps, and when the report came.
    public var clock: Double
    public var timestamp: UInt32
    public var stamp: FrameStamp
  }

  public struct Miscount {
    public var stamp: FrameStamp
    public var said: Int
    public var seen: Int
    public var kind: Kind

    /// What a report says wrong.
    public enum Kind {
      case packets
      /// In each packet.
      case octets
      /// Milliseconds since the first report.
      case clock, timestamp
    }
  }

  public struct Block {
    public var stamp: FrameStamp
    /// Who reports.
    public var reporter: TransportAddress
    public var lost: Int
    /// Milliseconds; nil where the clock rate is not known.
    public var jitter: Double?
    public var seenLost: Int
    public var seenPackets: Int
    public var seenJitter: Double
  }

  /// RTP or RTCP that is not what its place calls for.
  public struct Oddity {
    public var source: TransportAddress
    public var destination: TransportAddress
    public var first: FrameStamp
    public var count = 1
    /// Why it cannot be read.
    public var reason = ""
    /// Where RTCP was to go.
    public var expected: TransportAddress?
    public var conversation: Int?
  }

  /// RTCP to another port than the one that was agreed; RTP and RTCP on media ports that cannot be read.
  public private(set) var misplaced: [Oddity] = []
  public private(set) var malformedRTP: [Oddity] = []
  public private(set) var malformedRTCP: [Oddity] = []
  private static let mostOddities = 256

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
  ///   - stream: what the capture has of the stream of a source on its way.
  public mutating func take(
    _ compound: [RTCPPacket], _ way: StreamTable.Way, _ stamp: FrameStamp, _ stream: (RTPStream.Key) -> RTPStream? = { _ in nil }
  ) {
    packets += 1
    for packet in compound {
      switch packet {
      case .senderReport(let ssrc, let information, let blocks):
        change(ssrc, way, stamp) {
          $0.senderReports += 1
          $0.packetsSent = information.packetCount
        }
        let key = RTPStream.Key(source: way.source, destination: way.destination, ssrc: ssrc)
        if let sent = stream(key) { bySource[key]?.take(information, sent, stamp) }
        take(blocks, (way.destination, way.source), stamp, stream)
      case .receiverReport(let ssrc, let blocks):
        change(ssrc, way, stamp) { $0.receiverReports += 1 }
        take(blocks, (way.destination, way.source), stamp, stream)
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

  private mutating func take(
    _ blocks: [ReceptionReport], _ way: StreamTable.Way, _ stamp: FrameStamp, _ stream: (RTPStream.Key) -> RTPStream?
  ) {
    for block in blocks {
      let seen = stream(RTPStream.Key(source: way.source, destination: way.destination, ssrc: block.ssrc))
      change(block.ssrc, way, stamp) {
        if let before = $0.cumulativeLost, block.cumulativeLost < before, $0.fall == nil { $0.fall = (stamp, before, block.cumulativeLost) }
        if let seen { $0.block = Block(block, seen, stamp) }
        $0.fractionLost = block.fractionLost
        $0.cumulativeLost = block.cumulativeLost
        $0.maximumJitter = max($0.maximumJitter, block.jitter)
      }
    }
  }

  mutating func add(_ oddity: Oddity, to list: WritableKeyPath<ControlTable, [Oddity]>) {
    let known = self[keyPath: list].firstIndex { $0.source == oddity.source && $0.destination == oddity.destination }
    if let known { return self[keyPath: list][known].count += 1 }
    guard self[keyPath: list].count < Self.mostOddities else { return }
    self[keyPath: list].append(oddity)
  }

  mutating func addMisplaced(_ oddity: Oddity) { add(oddity, to: \.misplaced) }
  mutating func addMalformed(_ oddity: Oddity, isControl: Bool) { add(oddity, to: isControl ? \.malformedRTCP : \.malformedRTP) }

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

extension ControlTable.Reports {
  /// A sender counts from the beginning of its stream (RFC 3550 §6.4.1). A capture that joins later knows the steps alone.
  mutating func take(_ information: RTCPPacket.SenderInformation, _ stream: RTPStream, _ stamp: FrameStamp) {
    let now = ControlTable.Sent(
      packets: Int(information.packetCount), octets: Int(information.octetCount), seenPackets: stream.course.expected,
      seenOctets: stream.octets, clock: Double(information.ntpTime >> 32) + Double(information.ntpTime & 0xFFFF_FFFF) / 4_294_967_296,
      timestamp: information.rtpTimestamp, stamp: stamp)
    guard let begin else {
      self.begin = now
      return
    }
    let (said, seen) = (now.packets - begin.packets, now.seenPackets - begin.seenPackets)
    guard miscount == nil, seen >= 50 else { return }
    if abs(said - seen) > max(10, seen / 10) {
      miscount = ControlTable.Miscount(stamp: stamp, said: said, seen: seen, kind: .packets)
      return
    }
    compareClocks(begin, now, stream.clockRate)
    guard said > 0, now.octets > begin.octets else { return }
    let (octets, length) = ((now.octets - begin.octets) / said, stream.octets / max(stream.course.packets, 1))
    // What protects a payload is octets of it as well (RFC 3711 §3.1).
    let isSecure = stream.receiver?.media.isSecure == true || stream.sender?.media.isSecure == true
    if miscount == nil, length >= 20, abs(octets - length) * (isSecure ? 5 : 20) > length {
      miscount = ControlTable.Miscount(stamp: stamp, said: octets, seen: length, kind: .octets)
    }
  }
}

extension ControlTable.Reports {
  /// Both clocks of a report go on with the time between reports (RFC 3550 §6.4.1). One that rests while its stream does is right.
  private mutating func compareClocks(_ begin: ControlTable.Sent, _ now: ControlTable.Sent, _ rate: Int) {
    let passed = Double(now.stamp.since(begin.stamp)) / 1e9
    guard passed > 2, begin.clock > 0, now.clock > 0 else { return }
    func differs(_ said: Double) -> Bool { abs(said - passed) > max(0.5, passed / 5) }
    func miscount(_ said: Double, _ kind: ControlTable.Miscount.Kind) -> ControlTable.Miscount {
      ControlTable.Miscount(
        stamp: now.stamp, said: Int(max(min(said, 1e6), -1e6) * 1_000), seen: Int(passed * 1_000), kind: kind)
    }
    if differs(now.clock - begin.clock) {
      self.miscount = miscount(now.clock - begin.clock, .clock)
    } else if rate > 0 {
      let said = Double(Int32(bitPattern: now.timestamp &- begin.timestamp)) / Double(rate)
      if differs(said) { self.miscount = miscount(said, .timestamp) }
    }
  }
}

extension ControlTable.Block {
  init(_ block: ReceptionReport, _ stream: RTPStream, _ stamp: FrameStamp) {
    let rate = stream.clockRate
    self.init(
      stamp: stamp, reporter: stream.key.destination, lost: Int(block.cumulativeLost),
      jitter: rate > 0 ? Double(block.jitter) * 1_000 / Double(rate) : nil, seenLost: stream.lost, seenPackets: stream.course.packets,
      seenJitter: stream.maximumJitter)
  }
}
