import RTP
import SansIO

/// The telephone-events of one stream, read from outside (RFC 4733 §2.5.1): which there were, and which of their rules the packets show
/// to be broken.
///
/// Nothing is said of what may have been lost: a rule about a first packet needs the packet before it, and one about ends those after them.
public struct EventCourse {
  /// What packets can break.
  public enum Breach: String, CaseIterable, Sendable {
    /// The first packet has no marker, though the packet before it came.
    case noMarker
    /// A later packet of an event, or of its next segment, has one.
    case laterMarker
    /// The timestamp moves within an event.
    case movingTimestamp
    /// The duration goes back, or stands still.
    case duration
    /// No packet has the end bit, though all came.
    case noEnd
    /// It came less than three times.
    case fewEnds
    /// The duration goes on as fast as another clock.
    case pace
    /// A payload is not made of whole blocks.
    case length
    /// The receiver does not list the event.
    case notListed
    /// The audio behind an event goes on as if the event had taken no time.
    case timeline
  }

  /// One event, all its segments.
  public struct Event {
    public internal(set) var code: UInt8
    /// Of its first segment.
    public let timestamp: UInt32
    public let first: FrameStamp
    public internal(set) var last: FrameStamp
    public internal(set) var packets = 1
    /// Ticks of all segments.
    public var duration: Int { before + Int(longest) }
    public let clockRate: Int
    public internal(set) var ends = 0
    public internal(set) var segments = 1
    /// Of the present segment.
    var segmentTimestamp: UInt32
    var longest: UInt16
    var before = 0
    /// The newest packet by its number.
    var newest: UInt16
    var newestDuration: UInt16
    var oldest: UInt16
    var hasMarker: Bool
    /// The packet before its first one, where it came.
    let follows: UInt16?
    /// Packets of the stream that are missing, when it began and when three more packets had come behind it.
    let lostBefore: Int
    var lostBehind: Int?
    var behind = 0
    /// For its pace: the first packet that is not an end, and the last.
    var pace: (first: FrameStamp, duration: Int, last: FrameStamp, lastDuration: Int)
    var equalDurations = 0

    /// nil where the clock is not known.
    public var milliseconds: Int? { clockRate > 0 ? duration * 1_000 / clockRate : nil }
    /// Everything from its first packet to some behind its last came.
    var isWhole: Bool { lostBehind == lostBefore && follows.map { $0 &+ 1 == oldest } ?? false }
  }

  public private(set) var events: [Event] = []
  /// How often each, and where first.
  public private(set) var breaches: [Breach: StreamClock.Tally] = [:]
  /// Events of a stream that are kept.
  private static let most = 4_096
  /// Packets behind an event after which nothing of it comes any more.
  private static let settled = 4
  private var lastAudio: (timestamp: UInt32, stamp: FrameStamp)?
  private var lastSequence: UInt16?
  private var lostAtAudio = 0

  public init() {}

  private mutating func note(_ breach: Breach, _ stamp: FrameStamp) { breaches[breach, default: StreamClock.Tally()].add(stamp) }

  // MARK: - Packets

  /// Takes a packet of the stream that is no event.
  public mutating func pass(_ packet: RTPPacket, clockRate: Int, lost: Int, _ stamp: FrameStamp) {
    if !events.isEmpty { follow(packet, clockRate: clockRate, lost: lost, stamp) }
    lastAudio = (packet.timestamp, stamp)
    (lastSequence, lostAtAudio) = (packet.sequenceNumber, lost)
  }

  private mutating func follow(_ packet: RTPPacket, clockRate: Int, lost: Int, _ stamp: FrameStamp) {
    let index = events.count - 1
    guard events[index].behind < Self.settled else { return }
    if events[index].behind == 0 { checkTimeline(events[index], packet, clockRate, lost, stamp) }
    events[index].behind += 1
    if events[index].behind == Self.settled {
      events[index].lostBehind = lost
      settle(events[index])
    }
  }

  /// Takes a packet of telephone-event.
  /// - Parameters:
  ///   - lost: packets of the stream that are missing so far.
  ///   - isListed: whether the receiver takes the event.
  public mutating func take(_ packet: RTPPacket, clockRate: Int, lost: Int, isListed: (UInt8) -> Bool, _ stamp: FrameStamp) {
    defer { lastSequence = packet.sequenceNumber }
    guard let blocks = try? TelephoneEvent.blocks(packet.payload), let event = blocks.first else { return note(.length, stamp) }
    if !isListed(event.code) { note(.notListed, stamp) }
    if let index = known(packet, event) { return go(on: index, packet, event, stamp) }
    if let last = events.indices.last {
      if isMoved(events[last], packet, event) { return move(last, packet, event, stamp) }
      if isNextSegment(events[last], packet, event) { return begin(segmentOf: last, packet, event, stamp) }
      if events[last].behind < Self.settled { settle(events[last]) }
    }
    begin(packet, event, clockRate, lost, stamp)
  }

  /// The event or segment that a packet belongs to: one of the last few.
  private func known(_ packet: RTPPacket, _ event: TelephoneEvent) -> Int? {
    events.indices.suffix(4).last { index in
      let known = events[index]
      return known.code == event.code && (known.segmentTimestamp == packet.timestamp || known.timestamp == packet.timestamp)
    }
  }

  private mutating func begin(_ packet: RTPPacket, _ event: TelephoneEvent, _ clockRate: Int, _ lost: Int, _ stamp: FrameStamp) {
    guard events.count < Self.most else { return }
    let duration = Int(event.duration)
    var new = Event(
      code: event.code, timestamp: packet.timestamp, first: stamp, last: stamp, clockRate: clockRate, segmentTimestamp: packet.timestamp,
      longest: event.duration, newest: packet.sequenceNumber, newestDuration: event.duration, oldest: packet.sequenceNumber,
      hasMarker: packet.marker, follows: lastSequence, lostBefore: lost, pace: (stamp, duration, stamp, duration))
    if event.isEnd { new.ends = 1 }
    events.append(new)
  }

  private mutating func go(on index: Int, _ packet: RTPPacket, _ event: TelephoneEvent, _ stamp: FrameStamp) {
    // A late packet of a segment before says nothing any more.
    guard events[index].segmentTimestamp == packet.timestamp else { return }
    let ahead = Int16(bitPattern: packet.sequenceNumber &- events[index].newest)
    guard ahead != 0 else { return }
    events[index].packets += 1
    events[index].last = stamp
    if event.isEnd { events[index].ends += 1 }
    if Int16(bitPattern: packet.sequenceNumber &- events[index].oldest) < 0 {
      (events[index].oldest, events[index].hasMarker) = (packet.sequenceNumber, packet.marker)
    }
    if ahead > 0 {
      // Two first packets at once may both have it.
      if packet.marker, events[index].packets > 2 { note(.laterMarker, stamp) }
      if event.duration < events[index].newestDuration { note(.duration, stamp) }
      standStill(index, event, stamp)
      (events[index].newest, events[index].newestDuration) = (packet.sequenceNumber, event.duration)
      if !event.isEnd { (events[index].pace.last, events[index].pace.lastDuration) = (stamp, events[index].before + Int(event.duration)) }
    }
    events[index].longest = max(events[index].longest, event.duration)
  }

  /// Two first packets at once are usual, and the end of a full segment comes three times.
  private mutating func standStill(_ index: Int, _ event: TelephoneEvent, _ stamp: FrameStamp) {
    guard !event.isEnd, event.duration == events[index].newestDuration, event.duration != 0xFFFF else {
      events[index].equalDurations = 0
      return
    }
    events[index].equalDurations += 1
    if events[index].equalDurations == 4 { note(.duration, stamp) }
  }

  // MARK: - Segments, and timestamps that move

  private func isNextSegment(_ event: Event, _ packet: RTPPacket, _ next: TelephoneEvent) -> Bool {
    event.code == next.code && event.segmentTimestamp &+ TelephoneEvent.longestSegment == packet.timestamp && event.ends == 0
  }

  private mutating func begin(segmentOf index: Int, _ packet: RTPPacket, _ event: TelephoneEvent, _ stamp: FrameStamp) {
    if packet.marker { note(.laterMarker, stamp) }
    events[index].before += Int(TelephoneEvent.longestSegment)
    events[index].segments += 1
    (events[index].segmentTimestamp, events[index].longest) = (packet.timestamp, event.duration)
    adopt(index, packet, event, stamp)
  }

  /// The next number without an end before it and without a marker, while the duration goes on: it is the same event.
  private func isMoved(_ event: Event, _ packet: RTPPacket, _ next: TelephoneEvent) -> Bool {
    guard event.code == next.code, event.behind == 0, !packet.marker, packet.sequenceNumber == event.newest &+ 1 else { return false }
    // The ends that follow the first one move as well.
    if event.ends > 0 { return next.isEnd && next.duration == event.newestDuration }
    return next.duration >= event.newestDuration && event.newestDuration != 0xFFFF
  }

  private mutating func move(_ index: Int, _ packet: RTPPacket, _ event: TelephoneEvent, _ stamp: FrameStamp) {
    note(.movingTimestamp, stamp)
    (events[index].segmentTimestamp, events[index].longest) = (packet.timestamp, max(events[index].longest, event.duration))
    adopt(index, packet, event, stamp)
  }

  private mutating func adopt(_ index: Int, _ packet: RTPPacket, _ event: TelephoneEvent, _ stamp: FrameStamp) {
    events[index].packets += 1
    events[index].last = stamp
    if event.isEnd { events[index].ends += 1 }
    (events[index].newest, events[index].newestDuration) = (packet.sequenceNumber, event.duration)
    events[index].pace.last = stamp
    events[index].pace.lastDuration = events[index].before + Int(event.duration)
  }

  // MARK: - What an event comes to

  /// Nothing more of it comes: what its packets show together.
  private mutating func settle(_ event: Event) {
    if !event.hasMarker, let before = event.follows, before &+ 1 == event.oldest { note(.noMarker, event.first) }
    if event.isWhole, event.ends < 3 { note(event.ends == 0 ? .noEnd : .fewEnds, event.last) }
    let passed = event.pace.last.since(event.pace.first)
    guard event.clockRate > 0, event.packets >= 4, passed >= 100_000_000 else { return }
    let ticks = Double(event.pace.lastDuration - event.pace.duration) * 1e9 / Double(passed)
    let share = ticks / Double(event.clockRate)
    // Some send the first three at once, so that a short event seems to be faster; 48000 is six times 8000.
    if event.isWhole, share > 2.5 || share < 0.4 && share > 0 { note(.pace, event.first) }
  }

  /// The audio is to go on as if it had been there all the while (RFC 4733 §2.1).
  private mutating func checkTimeline(_ event: Event, _ packet: RTPPacket, _ clockRate: Int, _ lost: Int, _ stamp: FrameStamp) {
    guard let audio = lastAudio, clockRate > 0, lost == lostAtAudio else { return }
    let passed = Double(stamp.since(audio.stamp)) * Double(clockRate) / 1e9
    let ticks = Double(Int32(bitPattern: packet.timestamp &- audio.timestamp))
    if passed >= Double(clockRate) * 0.08, ticks < passed / 2, ticks >= 0 { note(.timeline, stamp) }
  }
}
