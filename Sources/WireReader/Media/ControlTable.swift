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
    /// A block that names a sender report which did not come, or another time since it.
    public var echo: Echo?
    /// The last VoIP metrics about it (RFC 3611 §4.7).
    public var metrics: VoIPMetrics?
  }

  /// What was sent of a stream until a moment.
  public struct Sent {
    public var packets: Int
    public var octets: Int
    /// By the numbering, whether they were captured or not.
    public var seenPackets: Int
    /// Those that were captured.
    public var captured: Int
    /// Without those that came twice.
    public var distinct: Int
    public var seenOctets: Int
    /// Seconds by the sender's clock (NTP) and by that of its RTP timestamps, and when the report came.
    public var clock: Double
    public var timestamp: UInt32
    public var stamp: FrameStamp
    /// Packets that may have been sent by then, and of which the numbers do not tell yet.
    public var unseen: Int
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
      /// Milliseconds by which the RTP timestamp is ahead of the stream's.
      case offset
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
    public var fractionLost: UInt8
    public var highestSequence: UInt16
    public var seenHighest: UInt16
    public var seenExpected: Int
    /// Expected less received, as receivers count it: with packets that came twice.
    public var seenBalance: Int
  }

  /// What a block says of the last sender report (LSR, DLSR).
  public struct Echo {
    public var stamp: FrameStamp
    public var reporter: TransportAddress
    /// Milliseconds since the sender report that it names, and those that passed; nil where none like it came.
    public var delay: (said: Int, passed: Int)?
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
    /// The source that it speaks of, and the one that it should have spoken of.
    public var ssrc: UInt32?
    public var other: UInt32?
  }

  /// RTCP to another port than the one that was agreed; RTP and RTCP on media ports that cannot be read.
  public private(set) var misplaced: [Oddity] = []
  public private(set) var malformedRTP: [Oddity] = []
  public private(set) var malformedRTCP: [Oddity] = []
  /// RTCP without a CNAME; blocks about a source of which nothing came; sender reports of a source that sent nothing, while another did.
  public private(set) var nameless: [Oddity] = []
  public private(set) var unknownSources: [Oddity] = []
  public private(set) var silentSources: [Oddity] = []
  private static let mostOddities = 256

  private static let mostSources = 65_536
  private var bySource: [RTPStream.Key: Reports] = [:]
  /// Sender reports by the address of the media of who got them.
  private var echoes = EchoTable()
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

  /// Whether a source said goodbye to anybody.
  public func saidGoodbye(_ ssrc: UInt32, from host: IPAddress) -> Bool {
    keys[ssrc]?.contains { $0.source.address == host && bySource[$0]?.saidGoodbye == true } ?? false
  }

  /// Whether a source sent RTCP to anybody.
  public func hasReported(_ ssrc: UInt32, from host: IPAddress) -> Bool {
    keys[ssrc]?.contains { key in
      key.source.address == host && bySource[key].map { $0.senderReports + $0.receiverReports > 0 } ?? false
    } ?? false
  }

  /// - Parameters:
  ///   - way: the addresses of the media, of whoever sends these reports and of whoever gets them.
  ///   - streams: what the capture has of the streams that they are about.
  ///   - use: what is agreed of the media; nil where nothing is, or it is protected.
  mutating func take(
    _ compound: [RTCPPacket], _ way: StreamTable.Way, _ stamp: FrameStamp, _ streams: ReportedStreams = ReportedStreams(),
    _ use: MediaTable.Use? = nil
  ) {
    packets += 1
    if let use, !compound.contains(where: \.hasCanonicalName) { add(Oddity(way, stamp, use), to: \.nameless) }
    for packet in compound {
      switch packet {
      case .senderReport(let ssrc, let information, let blocks):
        change(ssrc, way, stamp) {
          $0.senderReports += 1
          $0.packetsSent = information.packetCount
        }
        take(information, of: RTPStream.Key(source: way.source, destination: way.destination, ssrc: ssrc), stamp, streams, use)
        take(blocks, (way.destination, way.source), stamp, streams, use)
      case .receiverReport(let ssrc, let blocks):
        change(ssrc, way, stamp) { $0.receiverReports += 1 }
        take(blocks, (way.destination, way.source), stamp, streams, use)
      case .bye(let sources, _): for ssrc in sources { change(ssrc, way, stamp) { $0.saidGoodbye = true } }
      case .extended(_, let blocks):
        for case .voipMetrics(let metrics) in blocks {
          change(metrics.ssrc, (way.destination, way.source), stamp) { $0.metrics = metrics }
        }
      case .cname, .other: break
      }
    }
  }

  private mutating func take(
    _ information: RTCPPacket.SenderInformation, of key: RTPStream.Key, _ stamp: FrameStamp, _ streams: ReportedStreams,
    _ use: MediaTable.Use?
  ) {
    echoes.add(information.ntpTime, to: key.destination, stamp)
    if let sent = streams[key] {
      bySource[key]?.take(information, sent, stamp)
    } else if let use, information.packetCount >= 20 {
      guard let other = streams.other(than: key) else { return }
      add(Oddity((key.source, key.destination), stamp, use, ssrc: key.ssrc, other: other), to: \.silentSources)
    }
  }

  private static var oddities: [WritableKeyPath<ControlTable, [Oddity]>] {
    [\.misplaced, \.malformedRTP, \.malformedRTCP, \.nameless, \.unknownSources, \.silentSources]
  }

  /// Whether anything about RTP or RTCP was noted that is not of a stream.
  public var hasOddities: Bool { Self.oddities.contains { !self[keyPath: $0].isEmpty } }

  /// Takes out what conversations have left that are not kept any more.
  mutating func releaseOddities(_ isLive: (Int) -> Bool) {
    for list in Self.oddities where !self[keyPath: list].isEmpty {
      self[keyPath: list].removeAll { $0.conversation.map { !isLive($0) } ?? false }
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
    echoes.release(before: time)
  }

  private mutating func take(
    _ blocks: [ReceptionReport], _ way: StreamTable.Way, _ stamp: FrameStamp, _ streams: ReportedStreams, _ use: MediaTable.Use?
  ) {
    for block in blocks {
      let key = RTPStream.Key(source: way.source, destination: way.destination, ssrc: block.ssrc)
      let seen = streams[key] ?? streams.arrived(key)
      if let use, seen == nil, !streams.wentElsewhere(key), bySource[key].map({ $0.senderReports + $0.receiverReports == 0 }) ?? true {
        add(Oddity((way.destination, way.source), stamp, use, ssrc: block.ssrc), to: \.unknownSources)
      }
      let echo = echoes.compare(block, by: way.destination, stamp)
      change(block.ssrc, way, stamp) {
        if let before = $0.cumulativeLost, block.cumulativeLost < before, $0.fall == nil { $0.fall = (stamp, before, block.cumulativeLost) }
        if let seen { $0.block = Block(block, seen, stamp) }
        if $0.echo == nil { $0.echo = echo }
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

extension ControlTable.Oddity {
  init(_ way: StreamTable.Way, _ stamp: FrameStamp, _ use: MediaTable.Use, ssrc: UInt32? = nil, other: UInt32? = nil) {
    self.init(source: way.source, destination: way.destination, first: stamp, conversation: use.conversation, ssrc: ssrc, other: other)
  }
}
