import Capture
import SIPMessage
import SansIO

/// Reads packets one by one, from a file, a run's taps or `serve`'s taps: fragments, streams, SIP and media each go to their table, which
/// keeps what a story needs and no more.
///
/// It knows nothing of the stack that sends, judges nothing and accuses nobody: it says what it saw (``Observed``).
public final class PassiveReader {
  // Touched for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) public private(set) var facts: CaptureFacts
  @exclusivity(unchecked) public private(set) var counts = MessageCounts()
  @exclusivity(unchecked) public private(set) var dialogs: DialogTable
  @exclusivity(unchecked) public private(set) var streams: StreamTable
  @exclusivity(unchecked) public private(set) var connections: ConnectionTable
  @exclusivity(unchecked) public private(set) var delivery = DeliveryTable()
  private var associations = SCTPTable()
  private var relayed = RelayedStreams()
  private let keyLog: KeyLog
  private let clearText: ClearText?
  private let spellings = Spellings()
  private let keeps: Keeping
  @exclusivity(unchecked) private var fragments = FragmentTable()
  @exclusivity(unchecked) private var copies = CopiedFrames()
  @exclusivity(unchecked) private var isBrokenFrame = false
  @exclusivity(unchecked) private var isDamagedFrame = false
  private static let damagedWords = "\(Fate.corruptedWords)"
  @exclusivity(unchecked) private var isReceived = false
  private var interfaces = 0
  /// Interfaces whose packets are what TLS carried.
  private var decrypted: Set<Int> = []
  @exclusivity(unchecked) private var isDecryptedFrame = false
  @exclusivity(unchecked) private var link = LinkType.ethernet
  @exclusivity(unchecked) private var pieces = 1
  @exclusivity(unchecked) private var observed: [Observed] = []

  /// - Parameters:
  ///   - path: what the packets are called in a report.
  ///   - keyLog: TLS secrets that are known beside those that come with the packets.
  ///   - filter: part of the Call-IDs that are kept when there are too many.
  ///   - mostConversations: Call-IDs that are kept.
  ///   - keeps: what has ended as well, or what is live alone; then somebody has to ask for the rest now and then.
  ///   - clearText: takes what stands in each packet in clear.
  ///   - hearsDigits: digits are listened for in the audio of G.711, packet by packet.
  public init(
    path: String, keyLog: KeyLog = KeyLog(), filter: String? = nil, mostConversations: Int = 50_000, keeps: Keeping = .everything,
    clearText: ClearText? = nil, hearsDigits: Bool = false
  ) {
    self.clearText = clearText
    facts = CaptureFacts(path: path)
    dialogs = DialogTable(filter: filter, mostConversations: mostConversations, keeps: keeps)
    self.keyLog = keyLog
    self.keeps = keeps
    connections = ConnectionTable(keyLog: keyLog, keeps: keeps, clearText: clearText)
    streams = StreamTable(keyLog: keyLog, hearsDigits: hearsDigits)
  }

  // MARK: - Frames

  public func takeSecrets(_ secrets: CaptureSecrets) { if secrets.isTLSKeyLog { keyLog.add(secrets.data) } }

  /// A line that a host logs while it deals with the packet before.
  /// - Returns: what that packet shows by it.
  public func takeSecrets(_ line: KeyLogLine) -> [Observed] {
    keyLog.add(Bytes(line.line))
    connections.retry { take($0) }
    return takeObserved()
  }

  public func take(_ interface: CaptureInterface) {
    if interface.isDecrypted { decrypted.insert(interfaces) }
    interfaces += 1
  }

  /// What the packet shows, in its order; nothing for one whose message is not whole yet.
  public func take(_ packet: CapturedPacket) -> [Observed] {
    facts.frames += 1
    isDecryptedFrame = decrypted.contains(packet.interface)
    isReceived = packet.direction == .received
    let stamp = FrameStamp(frame: facts.frames, time: packet.timestamp)
    begin(stamp)
    if !facts.linkTypes.contains(packet.linkType) { facts.linkTypes.append(packet.linkType) }
    isBrokenFrame = !packet.comments.isEmpty && packet.comments.contains { $0.contains("deliberately broken") }
    if isBrokenFrame { facts.deliberatelyBroken += 1 }
    isDamagedFrame = !packet.comments.isEmpty && packet.comments.contains { $0.contains(Self.damagedWords) }
    pieces = 1
    link = packet.linkType
    content(PacketDecoder.decode(packet), packet.bytes, stamp)
    return takeObserved()
  }

  /// Takes a packet as a host's tap saw it: what ``take(_:)-(CapturedPacket)`` says of the frame that a capture of the host has of it.
  ///
  /// TLS secrets may come right behind the packet that needs them, by ``takeSecrets(_:)-(KeyLogLine)``.
  /// - Parameter epoch: wall time of the run's beginning.
  public func take(_ packet: PacketRecord, epoch: Epoch = .virtual) -> [Observed] {
    facts.frames += 1
    let stamp = FrameStamp(frame: Int(packet.frame), time: max(epoch.unixNanoseconds(at: packet.at), 0))
    begin(stamp)
    isDecryptedFrame = false
    isReceived = packet.direction == .received
    if isReceived { facts.received(by: packet.destination.address) }
    isBrokenFrame = packet.label.isDeliberatelyBroken
    if isBrokenFrame { facts.deliberatelyBroken += 1 }
    isDamagedFrame = packet.fate == .corrupted
    pieces = 1
    let found = DecodedPacket(packet.carrier, packet.source, packet.destination, octets: packet.payload.count)
    let payload = found.payload.count == packet.payload.count ? packet.payload : packet.payload[found.payload]
    switch packet.carrier {
    // The frames of a tap have identifications of their own in IPv4: none of them was captured twice.
    case .udp where !found.source.address.isIPv6: datagram(found, payload, stamp)
    case .udp: transport(found, payload, 0, stamp)
    case .tcp:
      keyLog.followsPackets = true
      transport(found, payload, 0, stamp)
    }
    return takeObserved()
  }

  private func begin(_ stamp: FrameStamp) {
    clearText?.begin()
    if facts.first == nil { facts.first = stamp }
    if stamp.time >= facts.last?.time ?? .min { facts.last = stamp }
  }

  /// Nothing more came until this time, in nanoseconds since 1970.
  public func watched(until time: Int64) { facts.watchedUntil = max(facts.watchedUntil ?? time, time) }

  /// A record of the file that is not a packet, and that Wireshark gives the number of a frame.
  public func takeRecord() {
    facts.frames += 1
    facts.skip(.record)
  }

  private func takeObserved() -> [Observed] {
    guard !observed.isEmpty else { return [] }
    defer { observed = [] }
    return observed
  }

  private func content(_ content: FrameContent, _ bytes: Bytes, _ stamp: FrameStamp) {
    switch content {
    case .transport(let found):
      transport(found, bytes[found.payload], CopiedFrames.identification(bytes, payloadAt: found.payload.lowerBound), stamp)
    case .fragment(let fragment):
      guard let whole = fragments.take(fragment, bytes[fragment.payload]) else { return }
      facts.fragmentsJoined += 1
      pieces = whole.count
      let joined = PacketDecoder.decode(
        whole: whole.payload, protocolNumber: fragment.protocolNumber, source: fragment.source, destination: fragment.destination)
      if case .transport(let found) = joined {
        if found.carrier == .udp, !found.isTunnelled { clearText?.join(whole.payload) }
        transport(found, whole.payload[found.payload], fragment.identification, stamp)
      } else {
        self.content(joined, whole.payload, stamp)
      }
    case .relayed(let found): relay(found, bytes[found.payload], stamp)
    case .sctp(let packet): sctp(packet, bytes, stamp)
    case .unreachable(let error): delivery.take(error, stamp)
    case .otherProtocol(let number, _, _): facts.skip(.ipProtocol(number))
    case .notIP(let type): facts.skip(UnreadReason(etherType: type, bytes, link))
    case .malformed(.unknownLinkType(let type)): facts.skip(.linkType(type))
    case .malformed(.cutInHeader): facts.skip(.cutInHeader)
    case .malformed(.version), .malformed(.length): facts.skip(.damagedHeader)
    }
  }

  private func transport(_ found: DecodedPacket, _ payload: Bytes, _ identification: UInt32, _ stamp: FrameStamp) {
    if found.isCut { facts.cutFrames += 1 }
    if isReceived { facts.received(by: found.destination.address) }
    switch found.carrier {
    case .udp:
      if copies.isCopy(found.source, found.destination, identification: identification, payload, at: stamp.time) {
        facts.copiedFrames += 1
        return streams.addCopy(payload, (found.source, found.destination))
      }
      datagram(found, payload, stamp)
    case .tcp(let segment):
      if segment.flags.contains(.syn) || segment.flags.contains(.rst) {
        delivery.take(segment, from: found.source, to: found.destination, stamp)
      }
      connections.take(segment, from: found.source, to: found.destination, payload, whole: found.wholePayload, stamp) { take($0) }
      for case .message(let message, let conversation, _) in observed {
        conversation.takeConnection(message) { connections.isOpen($0, $1) }
      }
    }
  }

  /// Milliseconds since the first frame.
  private func milliseconds(_ stamp: FrameStamp) -> Double {
    let nanoseconds = stamp.time &- (facts.first?.time ?? stamp.time)
    return Double(nanoseconds / 1_000_000_000) * 1_000 + Double(nanoseconds % 1_000_000_000) / 1_000_000
  }

  // MARK: - UDP

  private func datagram(_ found: DecodedPacket, _ payload: Bytes, _ stamp: FrameStamp) {
    guard let first = payload.first else { return }
    if found.source.port == 53 { delivery.takeName(payload, to: found.destination, stamp) }
    if first >= 0x80 || first < 32, first != 13, first != 10 {
      if isDamagedFrame { facts.damaged(found.source, found.destination) }
      let way = (found.source, found.destination)
      streams.marking = found.marking
      let isMedia = streams.take(payload, way, stamp, time: milliseconds(stamp), isWhole: !found.isCut)
      clearText?.take(streams.passage)
      if !isMedia { skipDatagram(found, payload) }
      return
    }
    guard SIPRecognition.isSIP(payload) else { return other(found, payload, stamp) }
    let origin = Carried(value: (), source: found.source, destination: found.destination, transport: ObservedTransport.udp, stamp: stamp)
    do { sip(try SIPMessage.parse(payload), origin) } catch {
      if found.isCut {
        facts.cutMessages += 1
        facts.skip(.cutMessage)
      } else {
        unreadable(error, payload.prefix { $0 != 13 && $0 != 10 }.prefix(80).text, origin)
      }
    }
  }

  private func skipDatagram(_ found: DecodedPacket, _ payload: Bytes) {
    if let tunnel = UnreadReason.tunnel(payload, found.source.port, found.destination.port) { return facts.skip(tunnel) }
    facts.udpOther += 1
  }

  private func other(_ found: DecodedPacket, _ payload: Bytes, _ stamp: FrameStamp) {
    if RelayedPacket.hepLength(payload) != nil { return relay(payload, stamp) }
    skipDatagram(found, payload)
    let isOnSIPPort = found.source.port == 5060 || found.destination.port == 5060
    guard isOnSIPPort, payload.count > 8, payload.contains(where: { $0 > 32 }), SIPRecognition.couldBeText(payload) else { return }
    observed.append(.notSIP(text: payload.prefix { $0 >= 32 }.prefix(60).text, stamp, isDeliberatelyBroken: isBrokenFrame))
  }

  // MARK: - What others took off the wire, and SCTP

  /// Takes a packet of a capture agent. One in another is not looked for.
  private func relay(_ bytes: Bytes, _ stamp: FrameStamp) {
    guard let found = RelayedPacket.hep(bytes) else { return facts.skip(.tunnel(.hep)) }
    switch found.content {
    case .packet: relay(found, bytes[found.payload], stamp)
    case .report: facts.skip(.report)
    case .compressed: facts.skip(.tunnel(.hep))
    }
  }

  private func relay(_ found: RelayedPacket, _ payload: Bytes, _ stamp: FrameStamp) {
    if found.protocolNumber == 6 {
      for reading in relayed.take(payload, from: found.source, to: found.destination) {
        take(reading, Carried(value: (), source: found.source, destination: found.destination, transport: .tcp, stamp: stamp)) { message in
          ObservedTransport(relayedBy: found.protocolNumber, via: (try? message.via())?.transport ?? "")
        }
      }
    } else if found.protocolNumber == 132 {
      whole(payload, from: found.source, to: found.destination, .sctp, stamp)
    } else if RelayedPacket.hepLength(payload) != nil {
      facts.skip(.tunnel(.hep))
    } else {
      let packet = DecodedPacket(carrier: .udp, source: found.source, destination: found.destination, payload: 0..<payload.count)
      datagram(packet, payload, stamp)
    }
  }

  private func sctp(_ packet: SCTPPacket, _ bytes: Bytes, _ stamp: FrameStamp) {
    if packet.isCut { facts.cutFrames += 1 }
    for message in associations.take(packet, bytes) {
      whole(message, from: packet.source, to: packet.destination, .sctp, stamp)
    }
  }

  /// A message that its transport delimits.
  private func whole(
    _ message: Bytes, from source: TransportAddress, to destination: TransportAddress, _ transport: ObservedTransport, _ stamp: FrameStamp
  ) {
    guard SIPRecognition.isSIP(message) else { return facts.skip(.sctpData) }
    let origin = Carried(value: (), source: source, destination: destination, transport: transport, stamp: stamp)
    do { sip(try SIPMessage.parse(message), origin) } catch {
      unreadable(error, message.prefix { $0 != 13 && $0 != 10 }.prefix(80).text, origin)
    }
  }

  private func take(_ reading: SIPReading, _ origin: Carried<Void>, _ transport: (SIPMessage) -> ObservedTransport) {
    var origin = origin
    switch reading {
    case .message(let message), .unframed(let message):
      origin.transport = transport(message)
      sip(message, origin)
    case .unreadable(let error, let line): unreadable(error, line, origin)
    // A framer says so at the end of a connection, and an agent shows none.
    case .cut: break
    }
  }

  // MARK: - Streams

  private func take(_ event: StreamEvent) {
    switch event {
    case .relayed(let carried): relay(carried.value, carried.stamp)
    case .sip(let carried):
      var origin = carried.map { _ in () }
      if isDecryptedFrame { origin.transport = .tls }
      switch carried.value {
      case .message(let message): sip(message, origin)
      case .unreadable(let error, let line): unreadable(error, line, origin)
      case .unframed(let message):
        observed.append(.unframed(message, origin))
        sip(message, origin)
      case .cut(let line, let missing): observed.append(.cut(firstLine: line, missing: missing, origin))
      }
    case .gap(let gap): observed.append(.gap(gap))
    case .tlsAlert(let alert): observed.append(.tlsAlert(alert))
    case .tlsEstablished(let facts): observed.append(.tlsEstablished(facts))
    }
  }

  // MARK: - SIP

  private func sip(_ message: SIPMessage, _ origin: Carried<Void>) {
    let (read, mistakes) = ObservedMessage.read(message, origin, isDeliberatelyBroken: isBrokenFrame, fragments: pieces, spellings)
    guard let read else {
      counts.unreadable += 1
      return observed.append(.incomplete(message, mistakes: mistakes, origin, isDeliberatelyBroken: isBrokenFrame))
    }
    let (conversation, repetition) = dialogs.take(read, spellings)
    counts.take(read, repetition: repetition)
    // A copy says nothing new.
    if let description = read.description, repetition == 0 { streams.add(description, conversation: conversation.number) }
    if conversation.isEnded(by: read) { streams.end(conversation: conversation.number) }
    observed.append(.message(read, conversation, repetition: repetition))
  }

  private func unreadable(_ error: SIPParseError, _ line: String, _ origin: Carried<Void>) {
    counts.unreadable += 1
    observed.append(.unreadable(error, firstLine: line, origin, isDeliberatelyBroken: isBrokenFrame))
  }

  // MARK: - End

  /// What has ended leaves the tables: conversations 64·T1 after their last message and the last packet of their streams, streams and
  /// closed connections as late, bindings when they have expired.
  ///
  /// It looks at all that is kept; every few seconds is often enough.
  /// - Returns: nothing from a reader that keeps everything.
  public func release(at now: Instant, epoch: Epoch = .virtual) -> Ended {
    var ended = Ended()
    guard keeps == .live else { return ended }
    let now = epoch.unixNanoseconds(at: now)
    let stamp = facts.last ?? FrameStamp(frame: 0, time: now)
    ended.connections = connections.release(before: now - Keeping.copies, unseen: now - Keeping.unseen, stamp) { take($0) }
    ended.observed = takeObserved()
    dialogs.release(at: now, heard: streams.heard, to: &ended)
    delivery.release(before: now - Keeping.unseen)
    for conversation in ended.conversations { streams.end(conversation: conversation.number) }
    let live = dialogs.live
    ended.streams = streams.release(before: now - Keeping.copies) { live.contains($0) }
    return ended
  }

  /// The capture ends, by itself or by a mistake in the file.
  public func finish(problem: String?) -> [Observed] {
    facts.problem = problem
    fragments.finish()
    facts.fragmentsIncomplete = fragments.incomplete
    let end = facts.last ?? FrameStamp(frame: 0, time: 0)
    connections.finish(end) { take($0) }
    streams.finish()
    dialogs.finish()
    facts.udpOther += streams.unproven
    return takeObserved()
  }
}

extension DecodedPacket {
  /// As it is in a frame: of a payload what an IP packet holds, and both addresses of one family (RFC 4291 §2.5.5.2).
  fileprivate init(_ carrier: PacketRecord.Carrier, _ source: TransportAddress, _ destination: TransportAddress, octets: Int) {
    let isIPv6 = source.address.isIPv6 || destination.address.isIPv6
    let longest = if case .udp = carrier { isIPv6 ? 65_527 : 65_507 } else { isIPv6 ? 65_515 : 65_495 }
    func mapped(_ place: TransportAddress) -> TransportAddress {
      guard isIPv6, !place.address.isIPv6 else { return place }
      return TransportAddress(IPAddress(high: 0, low: place.address.low | 0xFFFF_0000_0000), port: place.port)
    }
    self.init(carrier: carrier, source: mapped(source), destination: mapped(destination), payload: 0..<min(octets, longest))
    marking = 0
  }
}

extension Carried {
  public func map<Other>(_ body: (Value) -> Other) -> Carried<Other> {
    Carried<Other>(value: body(value), source: source, destination: destination, transport: transport, stamp: stamp)
  }
}
