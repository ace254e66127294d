import RTP
import SRTP
import SansIO

/// The RTP and RTCP of a capture. A stream is known by a description, or guessed by how its packets look.
public struct StreamTable {
  public typealias Way = (source: TransportAddress, destination: TransportAddress)

  public private(set) var media = MediaTable()
  private var streams: [RTPStream.Key: RTPStream] = [:]
  /// Those that had packets last.
  private var recent = RecentStreams()
  private var order: [RTPStream] = []
  /// Guesses that have not proved themselves, oldest first.
  private var guesses: [RTPStream.Key] = []
  public private(set) var control = ControlTable()
  private(set) var opener = SRTPOpener()
  private var closed = ClosedPackets()
  public private(set) var dtls: DTLSTable
  private let keyLog: KeyLog
  /// What became of the datagram that was taken last, beside its place in a stream.
  private(set) var passage = DatagramPassage.clear
  /// RTP and RTCP outside SRTP.
  public private(set) var clear = ClearMedia()
  /// DTLS records on media addresses.
  public private(set) var dtlsPackets = 0
  /// STUN on media addresses (RFC 7983 §7).
  public private(set) var stunPackets = 0

  /// The DSCP of the datagram that is taken next.
  var marking: UInt8?

  /// Guesses that may be open at a time.
  private static let mostGuesses = 2_048

  private let hearsDigits: Bool

  public init(keyLog: KeyLog = KeyLog(), hearsDigits: Bool = false) {
    self.hearsDigits = hearsDigits
    self.keyLog = keyLog
    dtls = DTLSTable(keyLog: keyLog)
  }

  public var credible: [RTPStream] { order.filter(\.isCredible) }
  /// Packets that look like RTP and have not proved themselves.
  public var unproven: Int { droppedPackets + order.reduce(0) { $0 + ($1.isCredible ? 0 : $1.statistics.packets) } }
  private var droppedPackets = 0

  public mutating func add(_ description: ObservedDescription, conversation: Int) { media.add(description, conversation: conversation) }

  /// A dialog has ended.
  public mutating func end(conversation: Int) { media.end(conversation: conversation) }

  /// Takes a datagram that may be RTP or RTCP.
  /// - Parameters:
  ///   - time: milliseconds since the capture's first frame.
  ///   - isWhole: the capture has it to its end.
  /// - Returns: whether it was.
  public mutating func take(_ payload: Bytes, _ way: Way, _ stamp: FrameStamp, time: Double, isWhole: Bool = true) -> Bool {
    passage = .clear
    guard payload.count >= 8 else {
      if isWhole, payload.first.map({ $0 >> 6 == 2 }) ?? false { malformed(payload, way, stamp, RTPError.short(payload.count)) }
      return false
    }
    if payload[0] >> 6 != 2 { return takeOther(payload, way, stamp) }
    // RTCP packet types stand where RTP has marker and payload type (RFC 5761 §4).
    let isControl = (192...223).contains(payload[1])
    let opened = hasKeys && isWhole ? open(payload, way, isControl ? .rtcp : .rtp, stamp) : nil
    if isControl { return takeControl(opened ?? payload, way, stamp, isWhole: isWhole, isOpened: opened != nil) }
    return takeAudio(opened ?? payload, way, stamp, time: time, isWhole: isWhole, isOpened: opened != nil)
  }

  private mutating func takeAudio(
    _ payload: Bytes, _ way: Way, _ stamp: FrameStamp, time: Double, isWhole: Bool, isOpened: Bool
  ) -> Bool {
    let packet: RTPPacket
    do { packet = try RTPPacket.parse(payload) } catch {
      if isWhole { malformed(payload, way, stamp, error) }
      return false
    }
    let key = RTPStream.Key(source: way.source, destination: way.destination, ssrc: packet.ssrc)
    let known = recent.stream(key) ?? streams[key]
    if let known, !known.isOver(media) {
      recent.keep(known)
      take(packet, payload, known, stamp, time, isWhole: isWhole, isOpened: isOpened)
      return true
    }
    let isSignalled = isMedia(way)
    guard isSignalled || Self.isPlausible(packet, way) else { return false }
    let stream = RTPStream(key, first: stamp, followsCall: known != nil)
    if hearsDigits { stream.listenForDigits() }
    if !isSignalled { guess(key) }
    streams[key] = stream
    recent.keep(stream)
    order.append(stream)
    take(packet, payload, stream, stamp, time, isWhole: isWhole, isOpened: isOpened)
    return true
  }

  private mutating func take(
    _ packet: RTPPacket, _ bytes: Bytes, _ stream: RTPStream, _ stamp: FrameStamp, _ time: Double, isWhole: Bool, isOpened: Bool
  ) {
    if !isOpened, !dtls.isEmpty, dtls.isKeyed((stream.key.source, stream.key.destination)) { stream.isKeyed = true }
    let before = stream.clear.count
    stream.take(packet, stamp, time: time, media, isWhole: isWhole, isOpened: isOpened)
    if let marking { stream.take(marking: marking, stamp) }
    let isClear = stream.clear.count != before
    if isClear { clear.add(stream.key.source, stream.key.destination, isControl: false) }
    if isOpened {
      let way = (stream.key.source, stream.key.destination)
      let (handshake, isOld) = opener.lastUse(way)
      let mayBeOver = stream.certificatesChanged > handshake || dtls.hasNewer(than: handshake, at: stream.key.destination)
      if isOld || handshake > 0 && mayBeOver { stream.addUncertain() }
    } else if stream.mayBeProtected {
      passage = .closed
      if isWhole, !isClear { closed.keep(bytes, of: stream, stamp, wasClear: false) }
    } else if isWhole, !stream.isSignalled, !RTPStream.isWholeAudio(packet.payload.count) {
      closed.keep(bytes, of: stream, stamp, wasClear: isClear)
    }
  }

  /// A frame came that was captured before; it is not counted.
  mutating func addCopy(_ payload: Bytes, _ way: Way) {
    guard payload.count >= RTPPacket.headerSize, payload[0] >> 6 == 2 else { return }
    let ssrc = (8..<12).reduce(UInt32(0)) { $0 << 8 | UInt32(payload[$1]) }
    streams[RTPStream.Key(source: way.source, destination: way.destination, ssrc: ssrc)]?.copiedFrames += 1
  }

  /// Whether there is a key for anything.
  private var hasKeys: Bool { media.hasKeys || !dtls.isEmpty || keyLog.hasMediaKeys }

  private mutating func open(_ packet: Bytes, _ way: Way, _ kind: SRTPPacketKind, _ stamp: FrameStamp) -> Bytes? {
    var opened = opener.open(packet, way, kind, at: stamp.time)
    let generation = media.generation &+ dtls.generation &+ keyLog.generation
    if opened == nil, opener.mayFind(way, generation: generation) {
      let candidates = candidates(way)
      if kind == .rtp, openClosed(way, generation: generation, candidates) { opened = opener.open(packet, way, kind, at: stamp.time) }
      if opened == nil { opened = opener.open(packet, way, kind, generation: generation, candidates) }
    }
    if let opened { passage = .opened(opened) }
    return opened
  }

  private mutating func candidates(_ way: Way) -> [SRTPOpener.Candidate] {
    dtls.keys(way).map { ($0.keys, .dtls, $0.handshake) } + media.keys(way).map { ($0, .sdes, 0) }
      + keyLog.mediaKeys(from: way.source).map { ($0, .keyLog, 0) }
  }

  /// Opens what came before its key, if the first or the last of it is opened by one that is known now.
  /// - Returns: whether a packet was opened.
  private mutating func openClosed(_ way: Way, generation: Int, _ candidates: [SRTPOpener.Candidate]) -> Bool {
    let packets = closed[way]
    guard let first = packets.first, let last = packets.last, opener.isNew(candidates, way) else { return false }
    func open(_ packet: ClosedPackets.Packet) -> Bool {
      let time = packet.stamp.time
      let inside =
        opener.open(packet.bytes, way, .rtp, at: time) ?? opener.open(packet.bytes, way, .rtp, generation: generation, candidates)
      guard let inside, let opened = try? RTPPacket.parse(inside) else { return false }
      packet.stream.open(opened, tag: packet.bytes.count - inside.count, wasClear: packet.wasClear, packet.stamp)
      return true
    }
    if open(first) {
      for packet in packets.dropFirst() { _ = open(packet) }
    } else {
      // The first ones may be of another key, or damaged; a window of replays takes the others before the last.
      guard packets.count > 1, opener.opens(last.bytes, candidates) else { return false }
      for packet in packets.dropFirst() { _ = open(packet) }
    }
    closed.remove(way)
    return true
  }

  /// Nothing more comes: what waits for its key is opened if that is known by now.
  mutating func finish() {
    guard hasKeys else { return }
    let generation = media.generation &+ dtls.generation &+ keyLog.generation
    for way in closed.ways { _ = openClosed(way, generation: generation, candidates(way)) }
  }

  private func isMedia(_ way: Way) -> Bool { media[way.destination] != nil || media[way.source] != nil }

  /// What shares ports with RTP (RFC 7983 §7).
  private mutating func takeOther(_ payload: Bytes, _ way: Way, _ stamp: FrameStamp) -> Bool {
    switch payload[0] {
    case 0...3:
      // The magic cookie (RFC 8489 §5).
      guard payload[4] == 0x21, payload[5] == 0x12, payload[6] == 0xA4, payload[7] == 0x42 else { return false }
      stunPackets += 1
      return true
    case 20...25:
      if isMedia(way) { dtlsPackets += 1 }
      guard DTLSRecords.begins(payload) else { return false }
      passage = .handshake
      dtls.take(payload, way, stamp)
      return false
    default: return false
    }
  }

  private mutating func takeControl(_ payload: Bytes, _ way: Way, _ stamp: FrameStamp, isWhole: Bool, isOpened: Bool) -> Bool {
    let isSignalled = media.control(way.destination) != nil || media.control(way.source) != nil || isMedia(way)
    let packets: [RTCPPacket]
    do { packets = try RTCPPacket.parse(payload) } catch {
      if isSignalled {
        control.unreadable += 1
        if isClosed(way) { passage = .closed }
        if isWhole { malformed(payload, way, stamp, error) }
      }
      return isSignalled
    }
    let between = (source: media.media(ofControl: way.source), destination: media.media(ofControl: way.destination))
    place(way, between, stamp)
    let use = media[between.destination] ?? media[between.source]
    let isProtected = MediaTable.mayBeProtected(media[between.destination], media[between.source])
    if isProtected, !isOpened { passage = .closed }
    let isClear = use?.media.hasICE == false && (isOpened || !isProtected)
    control.take(packets, between, stamp, ReportedStreams(streams, order), isClear ? use : nil)
    if !isOpened { takeClearControl(packets, way, between, stamp) }
    return true
  }

  private func isClosed(_ way: Way) -> Bool {
    MediaTable.mayBeProtected(
      media[way.destination] ?? media.control(way.destination), media[way.source] ?? media.control(way.source)) || dtls.isKeyed(way)
  }

  /// RTCP that could be read without a key.
  private mutating func takeClearControl(_ packets: [RTCPPacket], _ way: Way, _ between: Way, _ stamp: FrameStamp) {
    clear.add(way.source, way.destination, isControl: true)
    guard let ssrc = packets.lazy.compactMap(\.reporter).first else { return }
    streams[RTPStream.Key(source: between.source, destination: between.destination, ssrc: ssrc)]?.addClearControl(stamp)
  }

  /// RTP or RTCP to a port that was described, and that cannot be read. What is protected is not read here.
  private mutating func malformed(_ payload: Bytes, _ way: Way, _ stamp: FrameStamp, _ error: RTPError) {
    let isControl = payload.count > 1 && (192...223).contains(payload[1])
    let uses = [media[way.destination] ?? media.control(way.destination), media[way.source] ?? media.control(way.source)]
    guard let use = uses[0], !MediaTable.mayBeProtected(uses[0], uses[1]), !uses.contains(where: { $0?.media.hasICE == true }) else {
      return
    }
    control.addMalformed(
      ControlTable.Oddity(
        source: way.source, destination: way.destination, first: stamp, reason: "\(error)", conversation: use.conversation),
      isControl: isControl)
  }

  /// Looks whether RTCP goes where it was asked to (RFC 3550 §11, RFC 3605, RFC 5761 §5.1.1).
  private mutating func place(_ way: Way, _ between: Way, _ stamp: FrameStamp) {
    guard media.control(way.destination) == nil else { return }
    let sender = media[between.source]
    let use = media[way.destination] ?? media.described(on: way.destination.address, by: sender?.conversations ?? [])
    guard let use, let place = use.media.address, !use.media.hasICE, use.media.controlPort != way.destination.port,
      use.media.port != 0, place.address == way.destination.address, !use.isOver
    else { return }
    if use.media.isMultiplexed, sender?.media.isMultiplexed == false, way.destination.port == use.media.separateControlPort { return }
    control.addMisplaced(
      ControlTable.Oddity(
        source: way.source, destination: way.destination, first: stamp,
        expected: TransportAddress(place.address, port: use.media.controlPort), conversation: use.conversation))
  }

  private static func isPlausible(_ packet: RTPPacket, _ way: Way) -> Bool {
    guard way.source.port >= 1_024, way.destination.port >= 1_024, !packet.payload.isEmpty else { return false }
    return StaticPayloads.isKnown(packet.payloadType) || packet.payloadType >= 96
  }

  // MARK: - What is over

  /// When each conversation's streams had their last packet.
  var heard: [Int: Int64] {
    var heard: [Int: Int64] = [:]
    func hear(_ conversations: [Int], _ time: Int64) {
      for conversation in conversations { heard[conversation] = max(heard[conversation] ?? .min, time) }
    }
    // Where many calls share an address, each stream to it is of all of them: those are looked at once.
    var shared: [ObjectIdentifier: (use: MediaTable.Use, time: Int64)] = [:]
    for stream in order {
      guard stream.conversations.count > 4 else {
        hear(stream.conversations, stream.last.time)
        continue
      }
      for case let use? in [stream.receiver, stream.sender] {
        shared[ObjectIdentifier(use)] = (use, max(shared[ObjectIdentifier(use)]?.time ?? .min, stream.last.time))
      }
    }
    for (use, time) in shared.values { hear(use.conversations, time) }
    return heard
  }

  /// Takes out the streams that were silent since then and belong to no conversation that is kept, with their addresses.
  /// - Returns: those of them that are RTP for certain.
  mutating func release(before time: Int64, _ isLive: (Int) -> Bool) -> [(stream: RTPStream, reports: ControlTable.Reports?)] {
    if !closed.isEmpty {
      finish()
      closed.release(before: time)
    }
    let gone = order.filter { $0.last.time <= time && !$0.conversations.contains(where: isLive) }
    let ended = gone.filter(\.isCredible).map { ($0, control[$0.key]) }
    if !gone.isEmpty {
      recent.clear()
      droppedPackets += gone.reduce(0) { $0 + ($1.isCredible ? 0 : $1.statistics.packets) }
      for stream in gone where streams[stream.key] === stream { streams[stream.key] = nil }
      let left = Set(gone.map { ObjectIdentifier($0) })
      order.removeAll { left.contains(ObjectIdentifier($0)) }
      guesses.removeAll { streams[$0] == nil }
    }
    media.release(before: time, isLive)
    control.release(before: time) { streams[$0] != nil }
    control.releaseOddities(isLive)
    opener.release(before: time)
    dtls.release(before: time)
    return ended
  }

  private mutating func guess(_ key: RTPStream.Key) {
    guesses.append(key)
    guard guesses.count > Self.mostGuesses else { return }
    let old = guesses.prefix(Self.mostGuesses / 2).filter { key in streams[key].map { !$0.isCredible } ?? false }
    guesses.removeFirst(Self.mostGuesses / 2)
    let dropped = Set(old)
    recent.clear()
    for key in old { droppedPackets += streams.removeValue(forKey: key)?.statistics.packets ?? 0 }
    order.removeAll { dropped.contains($0.key) && !$0.isCredible }
  }
}

extension RTCPPacket {
  /// Whose it is.
  fileprivate var reporter: UInt32? {
    switch self {
    case .senderReport(let ssrc, _, _), .receiverReport(let ssrc, _), .cname(let ssrc, _), .extended(let ssrc, _): ssrc
    case .bye(let sources, _): sources.first
    case .other: nil
    }
  }
}

/// What of media is RTP or RTCP as it stands, and where the last such packet came from and went.
public struct ClearMedia {
  public private(set) var packets = 0
  public private(set) var source = TransportAddress(.anyV4, port: 0)
  public private(set) var destination = TransportAddress(.anyV4, port: 0)
  public private(set) var isControl = false

  @inline(__always)
  fileprivate mutating func add(_ source: TransportAddress, _ destination: TransportAddress, isControl: Bool) {
    packets += 1
    (self.source, self.destination, self.isControl) = (source, destination, isControl)
  }
}

/// Streams by their SSRC as far as there is room: the one of nearly every packet is found without hashing its addresses, which is a sixth
/// of what a packet costs.
private struct RecentStreams {
  private static let most = 1_024
  private var slots: [RTPStream?] = []

  private static func slot(_ ssrc: UInt32) -> Int { Int(truncatingIfNeeded: (ssrc &* 0x9E37_79B9) >> 22) }

  func stream(_ key: RTPStream.Key) -> RTPStream? {
    guard !slots.isEmpty, let stream = slots[Self.slot(key.ssrc)], stream.key == key else { return nil }
    return stream
  }

  mutating func keep(_ stream: RTPStream) {
    if slots.isEmpty { slots = [RTPStream?](repeating: nil, count: Self.most) }
    let slot = Self.slot(stream.key.ssrc)
    if slots[slot] !== stream { slots[slot] = stream }
  }

  mutating func clear() { slots = [] }
}
