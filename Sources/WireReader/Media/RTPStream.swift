import RTP
import SDP
import SansIO

/// One RTP stream of a capture: source, destination and SSRC, within one call. It belongs to addresses, and so to each dialog that
/// describes them.
public final class RTPStream {
  public struct Key: Hashable {
    public var source: TransportAddress
    public var destination: TransportAddress
    public var ssrc: UInt32

    /// Two words for IPv4: streams are looked up for every packet.
    public func hash(into hasher: inout Hasher) {
      guard !source.address.isIPv6, !destination.address.isIPv6 else {
        hasher.combine(source)
        hasher.combine(destination)
        return hasher.combine(ssrc)
      }
      hasher.combine(source.address.low << 16 | UInt64(source.port) | UInt64(ssrc & 0xFFFF) << 48)
      hasher.combine(destination.address.low << 16 | UInt64(destination.port) | UInt64(ssrc >> 16) << 48)
    }
  }

  /// Its packets between two descriptions of its addresses: each is judged by what was agreed then.
  public struct Period {
    public var first: FrameStamp
    public var last: FrameStamp
    public var packets = 0
    /// Those of it that came more than a second after its first.
    public var late = 0
    public var receiver: MediaTable.Use?
    public var sender: MediaTable.Use?
    /// Lengths of audio packets.
    public var times = PacketTimes()
  }

  /// Why its numbers are not those of Wireshark's RTP stream analysis.
  public enum Difference: String, CaseIterable {
    case copiedFrames = "frames captured twice"
    case restart = "a sequence that starts over"
    case heldNumbers = "numbers skipped in a hold"
    case duplicates = "packets that came twice"
    case stray = "a packet out of the numbering"
    case laterCall = "a later call on the same addresses"
    case clock = "jitter measured anew where the clock leaps or rests"
    case events = "jitter measured without what telephone-events make of it"
  }

  public let key: Key
  public let first: FrameStamp
  @exclusivity(unchecked) public private(set) var last: FrameStamp
  /// By Wireshark's rules, whatever they say of a restart.
  @exclusivity(unchecked) public private(set) var statistics = StreamStatistics()
  @exclusivity(unchecked) public private(set) var course = SequenceCourse()
  @exclusivity(unchecked) public private(set) var clock = StreamClock()
  @exclusivity(unchecked) public private(set) var arrivals = ArrivalJitter()
  /// What came of each packet, over the whole and by interval.
  @exclusivity(unchecked) private var ledger = ReceptionLedger()
  @exclusivity(unchecked) public private(set) var payloads: [PayloadUse] = []
  @exclusivity(unchecked) public private(set) var periods: [Period] = []
  /// The description of whoever receives; nil where the capture shows none.
  @exclusivity(unchecked) public private(set) var receiver: MediaTable.Use?
  /// The description of whoever sends from this address.
  @exclusivity(unchecked) public private(set) var sender: MediaTable.Use?
  /// ``Conversation/number`` of every dialog that describes its addresses, the first one first.
  @exclusivity(unchecked) public private(set) var conversations: [Int] = []
  /// An earlier call had the same addresses and SSRC.
  public let followsCall: Bool
  /// Frames of it that were captured twice and counted once.
  @exclusivity(unchecked) public internal(set) var copiedFrames = 0
  /// Numbers that were skipped while its sender had no permission to send.
  @exclusivity(unchecked) public private(set) var heldNumbers = 0
  /// Of payload.
  @exclusivity(unchecked) public private(set) var octets = 0
  /// Of the law that came first.
  @exclusivity(unchecked) public private(set) var audio: AudioLevel?
  /// Its telephone-events.
  @exclusivity(unchecked) public private(set) var eventCourse = EventCourse()
  /// Listens for digits in its audio; nil where nobody asks.
  @exclusivity(unchecked) private var tones: ToneReader?
  /// The longest pause, in nanoseconds, and the frame after it.
  @exclusivity(unchecked) public private(set) var longestPause: (nanoseconds: Int64, stamp: FrameStamp)?

  /// The DSCP of its packets.
  @exclusivity(unchecked) public private(set) var markings = Markings()

  @exclusivity(unchecked) private var generation = -1
  @exclusivity(unchecked) private var places: (receiver: MediaTable.Place?, sender: MediaTable.Place?)
  @exclusivity(unchecked) private var descriptions = 0
  /// What its receiver had asked for before, and may get until its new offer is answered (RFC 3264 §8.3.2).
  @exclusivity(unchecked) private var former: MediaTable.Use?
  @exclusivity(unchecked) private var recent = 0
  private static let mostPeriods = 256

  public init(_ key: Key, first: FrameStamp, followsCall: Bool = false) {
    self.key = key
    self.first = first
    self.followsCall = followsCall
    last = first
  }

  /// What SRTP does to its packets.
  public enum Protection: Hashable, Sendable {
    /// None, as far as descriptions say.
    case clear
    /// Packets were verified with a key of the capture, and opened.
    case opened
    /// It may be SRTP, and no key of the capture opens it.
    case closed
  }

  /// Packets that were opened.
  @exclusivity(unchecked) public private(set) var openedPackets = 0
  /// Packets that were not, and may be SRTP.
  @exclusivity(unchecked) public private(set) var closedPackets = 0
  /// Packets that their receiver may have been unable to open when they came: under a key that was before, or not yet, its own.
  @exclusivity(unchecked) public private(set) var uncertainPackets = 0
  /// The frame in which another certificate was named for one of its sides, and so another DTLS association (RFC 8842 §4).
  @exclusivity(unchecked) private(set) var certificatesChanged = 0
  /// Packets that the capture cut: none of them can be verified.
  @exclusivity(unchecked) public private(set) var cutPackets = 0
  /// A DTLS handshake between its two places was for SRTP.
  @exclusivity(unchecked) var isKeyed = false
  /// Whether its packets may be SRTP, as far as descriptions and handshakes say now.
  var mayBeProtected: Bool { isSecure || isKeyed }
  @exclusivity(unchecked) private var isSecure = false
  public var protection: Protection { openedPackets > 0 ? .opened : mayBeProtected ? .closed : .clear }
  /// Packets that are RTP as it stands, for certain: nobody speaks of SRTP, or the payload has the length of audio without a tag.
  @exclusivity(unchecked) public private(set) var clear = StreamClock.Tally()
  /// RTCP of its source that is not SRTCP.
  @exclusivity(unchecked) public private(set) var clearControl = StreamClock.Tally()
  /// Descriptions speak of SRTP, whatever the keying.
  @exclusivity(unchecked) private var mayBeSecret = false

  public var isSignalled: Bool { receiver != nil || sender != nil }
  public var conversation: Int? { conversations.first }
  public var order: OrderCounter { course.order }
  /// Without a description only numbers that follow each other make a stream of what looks like RTP.
  public var isCredible: Bool { isSignalled || order.near >= 2 && order.near * 2 >= statistics.packets }
  /// Probes of bandwidth before media (WebRTC), and other packets without a source of their own.
  public var isProbe: Bool { key.ssrc == 0 }

  /// Of what most packets carry; 0 = not known.
  var clockRate: Int { payloads.max { $0.packets < $1.packets }?.clockRate ?? 0 }

  // MARK: - Numbers

  /// Expected less distinct packets, without what a hold explains; never negative.
  public var lost: Int { max(course.lost - heldNumbers, 0) }
  public var expected: Int { lost + course.distinct }
  /// Milliseconds; where timestamps jump or rest, measured anew from there.
  public var meanJitter: Double { isSteady ? statistics.meanJitter : clock.meanJitter }
  public var maximumJitter: Double { isSteady ? statistics.maximumJitter : clock.maximumJitter }
  private var isSteady: Bool { clock.breaks == 0 && course.restarts.isEmpty && events == 0 }

  public var differences: [Difference] {
    Difference.allCases.filter { difference in
      switch difference {
      case .copiedFrames: copiedFrames > 0
      case .restart: !course.restarts.isEmpty
      case .heldNumbers: heldNumbers > 0
      case .duplicates: order.duplicates > 0
      case .stray: course.strays > 0
      case .laterCall: followsCall
      case .clock: clock.breaks > 0
      case .events: events > 0
      }
    }
  }

  /// Takes out of the loss what was skipped while nothing might be sent (RFC 3264 §5.1, §8.4).
  /// - Parameter isHeld: whether the sender had no permission at some time between the two packets.
  public func explain(_ isHeld: (SequenceCourse.Gap) -> Bool) {
    heldNumbers = course.gaps.reduce(0) { $0 + (isHeld($1) ? $1.missing : 0) }
  }

  // MARK: - Packets

  /// Whether a later call uses the addresses now, so that its packets are another stream's.
  func isOver(_ table: MediaTable) -> Bool {
    guard generation != table.generation, let use = receiver ?? sender, use.isOver,
      let now = table[receiver == nil ? key.source : key.destination], now !== use
    else { return false }
    return Set(now.conversations).isDisjoint(with: use.conversations)
  }

  /// Takes a packet.
  /// - Parameters:
  ///   - time: milliseconds since the capture's first frame.
  ///   - isWhole: the capture has the payload to its end.
  ///   - isOpened: it was SRTP, and is what was inside.
  func take(_ packet: RTPPacket, _ stamp: FrameStamp, time: Double, _ table: MediaTable, isWhole: Bool, isOpened: Bool) {
    if generation != table.generation { look(table, stamp) }
    if isOpened {
      openedPackets += 1
      if openedPackets == 1 { namePayloads() }
    } else if isSecure || isKeyed {
      closedPackets += 1
    }
    if !isWhole { cutPackets += 1 }
    if stamp.since(last) > longestPause?.nanoseconds ?? 0 { longestPause = (stamp.since(last), stamp) }
    last = stamp
    octets += packet.payload.count
    let use = payload(packet, stamp)
    if !isOpened, !mayBeSecret && !isKeyed || isWhole && payloads[use].hasOctetsInTime && Self.isWholeAudio(packet.payload.count) {
      clear.add(stamp)
    }
    // In an opened stream what is not opened came twice, or is of somebody else: its payload says nothing.
    let isReadable = isOpened || !mayBeProtected
    if isReadable, isWhole { takeDigits(packet, use, stamp) }
    if isReadable, AudioLevel.isRead(course.packets), let law = payloads[use].law { listen(packet.payload, law, stamp) }
    let (clockRate, isEvent) = (payloads[use].clockRate, payloads[use].isEvent)
    statistics.take(
      sequence: packet.sequenceNumber, timestamp: packet.timestamp, marker: packet.marker, payloadType: packet.payloadType,
      clockRate: isEvent ? 0 : clockRate, at: time)
    let (restarts, strays) = (course.restarts.count, course.strays)
    let step = course.take(
      SequenceCourse.Packet(
        sequence: packet.sequenceNumber, timestamp: packet.timestamp, time: time, clockRate: clockRate,
        isEvent: isEvent || payloads[use].isNoise, stamp: stamp))
    if course.restarts.count != restarts { startOver() }
    if !isEvent { arrivals.take(packet.timestamp, clockRate: clockRate, at: stamp.time) }
    if periods.isEmpty { periods.append(Period(first: stamp, last: stamp, receiver: receiver, sender: sender)) }
    let length = isWhole && isReadable ? payloads[use].length?.ticks(packet.payload) ?? 0 : 0
    if payloads[use].isTimed { self.time(packet, step, clockRate, length, stamp) } else { clock.passOver() }
    // What nothing before or after explains is no packet of the numbering.
    if course.strays <= strays { ledger.take(packet.sequenceNumber, at: stamp.time, jitter: clock.jitter) }
    count(length, stamp)
  }

  func take(marking: UInt8, _ stamp: FrameStamp) { markings.take(marking, stamp) }

  /// The numbering begins anew.
  private func startOver() {
    clock.startOver()
    arrivals.startOver()
    ledger.startOver()
  }

  private func count(_ length: Int, _ stamp: FrameStamp) {
    let period = periods.count - 1
    periods[period].packets += 1
    if stamp.since(periods[period].first) > 1_000_000_000 { periods[period].late += 1 }
    periods[period].last = stamp
    if length > 0 { periods[period].times.add(length, stamp) }
  }

  /// Whole tens of milliseconds: with a tag of 4, 10 or 16 octets it is none (RFC 3711 §5, RFC 7714 §13).
  static func isWholeAudio(_ octets: Int) -> Bool { octets > 0 && octets % 80 == 0 }

  func addUncertain() { uncertainPackets += 1 }

  /// A packet that was taken closed is open now: its key came later.
  /// - Parameters:
  ///   - tag: the bytes that its protection had added.
  ///   - wasClear: it was taken for RTP outside SRTP.
  func open(_ packet: RTPPacket, tag: Int, wasClear: Bool, _ stamp: FrameStamp) {
    openedPackets += 1
    uncertainPackets += 1
    octets -= tag
    if closedPackets > 0, !wasClear { closedPackets -= 1 }
    if wasClear { clear.remove() }
    if openedPackets == 1 { namePayloads() }
    if let use = payloads.firstIndex(where: { $0.type == packet.payloadType }) { takeDigits(packet, use, stamp) }
    guard AudioLevel.isRead(openedPackets), let law = payloads.first(where: { $0.type == packet.payloadType })?.law else { return }
    listen(packet.payload, law, stamp)
  }

  func addClearControl(_ stamp: FrameStamp) { clearControl.add(stamp) }

  private func takeDigits(_ packet: RTPPacket, _ use: Int, _ stamp: FrameStamp) {
    if payloads[use].isEvent {
      let (media, type) = (receiver?.media, payloads[use].type)
      return eventCourse.take(
        packet, clockRate: payloads[use].clockRate, lost: course.lost, isListed: { media?.takes(event: $0, by: type) ?? true }, stamp)
    }
    if payloads[use].isTimed { eventCourse.pass(packet, clockRate: payloads[use].clockRate, lost: course.lost, stamp) }
    // To ask first whether there is one would copy it, for each packet.
    if let law = payloads[use].law { tones?.take(packet, law, stamp) }
  }

  /// Digits in its audio are listened for from now on.
  func listenForDigits() { if tones == nil { tones = ToneReader() } }

  /// The digits that it shows, events and tones, in the order of their beginnings.
  public var digits: [SeenDigit] {
    // A tone that sounds at the end of the stream is one as well.
    var tones = tones
    tones?.finish(last)
    return (eventCourse.digits + (tones?.digits ?? [])).sorted { $0.stamp.time < $1.stamp.time }
  }

  private func listen(_ payload: Bytes, _ law: CompandingLaw, _ stamp: FrameStamp) {
    if audio == nil { audio = AudioLevel(law) }
    if audio?.law == law { audio?.take(payload, stamp) }
  }

  private func time(_ packet: RTPPacket, _ step: SequenceCourse.Step, _ clockRate: Int, _ length: Int, _ stamp: FrameStamp) {
    clock.take(
      StreamClock.Packet(
        step: step, timestamp: packet.timestamp, marker: packet.marker, clockRate: clockRate, length: length, stamp: stamp))
  }

  private func look(_ table: MediaTable, _ stamp: FrameStamp) {
    generation = table.generation
    if places.receiver == nil { places.receiver = table.place(key.destination) }
    if places.sender == nil { places.sender = table.place(key.source) }
    let now = (places.receiver?.events ?? 0) + (places.sender?.events ?? 0)
    guard now != descriptions else { return }
    descriptions = now
    if let old = receiver, old !== places.receiver?.use { former = old }
    for (old, new) in [(receiver, places.receiver?.use), (sender, places.sender?.use)] {
      if let old, let new, old !== new, old.media.fingerprints != new.media.fingerprints {
        certificatesChanged = new.description.frame
      }
    }
    receiver = places.receiver?.use
    sender = places.sender?.use
    isSecure = MediaTable.mayBeProtected(receiver, sender)
    for number in (receiver?.conversations ?? []) + (sender?.conversations ?? []) where !conversations.contains(number) {
      conversations.append(number)
    }
    conversations.sort()
    mayBeSecret = MediaTable.mayBeProtected(receiver, sender) || [receiver, sender].contains { $0?.media.hasOtherKeying == true }
    namePayloads()
    if periods.count < Self.mostPeriods { periods.append(Period(first: stamp, last: stamp, receiver: receiver, sender: sender)) }
  }

  private func namePayloads() {
    for index in payloads.indices { payloads[index].name(receiver, sender, isOpened: openedPackets > 0) }
  }

  private func payload(_ packet: RTPPacket, _ stamp: FrameStamp) -> Int {
    let type = packet.payloadType
    if recent >= payloads.count || payloads[recent].type != type {
      if let known = payloads.firstIndex(where: { $0.type == type }) {
        recent = known
      } else {
        var use = PayloadUse(type: type, first: stamp)
        use.name(receiver, sender, isOpened: openedPackets > 0)
        payloads.append(use)
        recent = payloads.count - 1
      }
    }
    payloads[recent].take(packet.payload.count, stamp)
    if !payloads[recent].isNegotiated, let receiver, !mayStillCome(type, stamp) { payloads[recent].addUnasked(stamp, receiver, sender) }
    return recent
  }

  /// Until the new offer is answered, and for what is on its way then.
  private func mayStillCome(_ type: UInt8, _ stamp: FrameStamp) -> Bool {
    guard let former, let receiver, former.media.formats.contains("\(type)") else { return false }
    guard let answer = places.sender?.last, answer.frame > receiver.description.frame else { return true }
    return stamp.since(answer) < 2_000_000_000
  }

  // MARK: - Quality

  /// Loss, bursts and gaps, over the whole and by interval; times are nanoseconds since 1970.
  public var figures: ReceptionLedger.Figures { ledger.figures }

  /// The score of a stretch of it, as a listener hears it.
  ///
  /// - Parameter conceals: what is assumed of its receiver, which the capture does not show.
  public func score(_ loss: BurstGapLoss, conceals: Bool) -> QualityFigure {
    guard heldNumbers == 0 else { return .notMeasured("numbers were skipped in a hold") }
    let seconds = last.since(first) / 1_000_000_000
    let bitRate = seconds > 0 ? octets * 8 / Int(seconds) : nil
    return QualityFigure(ScoredCodec(encoding: codec, bitRate: bitRate), loss, conceals: conceals, isAssumed: true)
  }

  // MARK: - Words

  /// The name of what most packets carry.
  public var codec: String {
    let main = payloads.filter { $0.encoding?.isTelephoneEvent != true }.max { $0.packets < $1.packets } ?? payloads.first
    return main.map(Self.text) ?? "?"
  }

  public static func text(_ use: PayloadUse) -> String { use.encoding?.name ?? StaticPayloads.name(use.type) ?? "PT \(use.type)" }

  public var events: Int { payloads.reduce(0) { $0 + ($1.isEvent ? $1.packets : 0) } }
}
