import Capture
import SansIO
import WireReader

/// A twin in the making.
struct TwinWriting {
  private let reader: PassiveReader
  private let clearText = ClearText()
  private var copy: CaptureCopy
  private let streams: TwinStreams
  private var recent = RecentlyOpened()
  private var outcome = ClearTwin.Outcome()
  private var sawRecords = false
  var problem: String?

  init(_ output: ByteOutput, _ origin: CaptureOrigin, _ keyLog: KeyLog, _ secured: SecuredConnections) {
    streams = TwinStreams(secured)
    reader = PassiveReader(path: "", keyLog: keyLog, clearText: clearText)
    copy = CaptureCopy(output, origin: origin, comment: "clear twin: SIP and RTP decrypted, keys removed, frames as in the original")
  }

  mutating func take(_ item: CaptureItem) {
    switch item {
    case .interface(let interface):
      reader.take(interface)
      copy.add(interface)
    case .secrets: break
    case .statistics(let time):
      reader.watched(until: time)
      copy.watched(until: time)
    case .other:
      guard item.isNumberedRecord else { return }
      reader.takeRecord()
      copy.addRecord()
    case .packet(let packet): take(packet)
    }
  }

  mutating func finish() -> ClearTwin.Outcome {
    _ = reader.finish(problem: problem)
    copy.finish()
    outcome.frames = copy.frames
    outcome.problem = problem
    outcome.take(reader)
    return outcome
  }

  // MARK: - Packets

  private mutating func take(_ packet: CapturedPacket) {
    _ = reader.take(packet)
    switch PacketDecoder.decode(packet) {
    case .transport(let found):
      switch found.carrier {
      case .udp: datagram(packet, found)
      case .tcp(let segment): self.segment(packet, found, segment)
      }
    case .fragment(let fragment) where fragment.protocolNumber == 17: self.fragment(packet, fragment)
    case .fragment, .relayed, .sctp, .unreachable, .otherProtocol, .notIP, .malformed: copy.write(packet)
    }
  }

  private mutating func datagram(_ packet: CapturedPacket, _ found: DecodedPacket) {
    let payload = packet.bytes[found.payload]
    let (clear, remark) = clear(payload)
    guard let clear else { return copy.write(packet) }
    write(packet, FrameEditing.replacing(payloadOf: packet, found, with: clear), remark)
  }

  /// What takes the place of a datagram's payload, and why it is empty; nil where it stays.
  private mutating func clear(_ payload: Bytes) -> (payload: Bytes?, remark: String?) {
    switch clearText.passage {
    case .opened(let inside):
      outcome.openedPackets += 1
      recent.add(payload, inside)
      return (inside, nil)
    case .closed:
      // What came twice was opened the first time.
      if let inside = recent[payload] { return (inside, nil) }
      outcome.closedPackets += 1
      return (Bytes(), "empty here: SRTP that was not opened")
    case .handshake:
      sawRecords = true
      return (Bytes(), "empty here: DTLS")
    case .clear:
      if let inside = recent[payload] { return (inside, nil) }
      return (SIPRecognition.isSIP(payload) ? ClearMessage.edited(payload) : nil, nil)
    }
  }

  private mutating func segment(_ packet: CapturedPacket, _ found: DecodedPacket, _ segment: TCPSegment) {
    let room = FrameEditing.room(in: packet, found)
    guard let written = streams.take(found, segment, clearText, room: room) else { return copy.write(packet) }
    let isSame =
      written.sequence == segment.sequence && written.acknowledgement == segment.acknowledgement
      && written.payload == packet.bytes[found.payload] && !found.isCut
    guard !isSame else { return copy.write(packet, isDecrypted: written.isDecrypted) }
    let frame = FrameEditing.replacing(
      payloadOf: packet, found, with: written.payload, numbers: (written.sequence, written.acknowledgement))
    write(packet, frame, nil, isDecrypted: written.isDecrypted)
  }

  /// A datagram in fragments is whole in the frame that completes it; the other frames are empty.
  private mutating func fragment(_ packet: CapturedPacket, _ fragment: IPFragment) {
    guard let whole = clearText.joined, whole.count >= 8 else {
      return write(packet, FrameEditing.emptying(packet, fragment), "empty here: a fragment")
    }
    let payload = whole[8..<whole.count]
    let (clear, remark) = clear(payload)
    write(packet, FrameEditing.joining(packet, fragment, header: whole, payload: clear ?? payload), remark)
  }

  private mutating func write(_ packet: CapturedPacket, _ frame: Bytes, _ remark: String?, isDecrypted: Bool = false) {
    var packet = packet
    packet.bytes = frame
    packet.originalLength = frame.count
    if let remark { packet.comments.append(remark) }
    copy.write(packet, isDecrypted: isDecrypted)
  }
}

/// The last packets that were opened: one that the path doubled is opened once (RFC 3711 §3.3.2), and shown as often as it came.
private struct RecentlyOpened {
  private static let most = 64
  private var packets: [(closed: Bytes, opened: Bytes)] = []
  private var next = 0

  mutating func add(_ closed: Bytes, _ opened: Bytes) {
    let entry = (closed.compacted(), opened.compacted())
    if packets.count < Self.most {
      packets.append(entry)
    } else {
      packets[next] = entry
      next = (next + 1) % Self.most
    }
  }

  subscript(packet: Bytes) -> Bytes? {
    guard packet.first.map({ $0 >> 6 == 2 }) ?? false else { return nil }
    return packets.last { $0.closed == packet }?.opened
  }
}

extension ClearTwin.Outcome {
  private static let most = 20

  /// What the reader says of it at the end.
  mutating func take(_ reader: PassiveReader) {
    let secured = reader.connections.secured
    decryptedBytes = secured.reduce(0) { $0 + $1.openedBytes }
    isSecured = !secured.isEmpty || openedPackets > 0 || closedPackets > 0 || reader.streams.dtlsPackets > 0
    var reasons = secured.filter { $0.closedBytes > 0 }.map { tls in
      "TLS from \(tls.client) to \(tls.server): \(CountText.of(tls.closedBytes, "byte")) not decrypted, "
        + (tls.obstacle ?? "for no known reason")
    }
    for stream in reader.streams.credible where stream.closedPackets > 0 {
      let obstacle = reader.streams.obstacle(of: stream) { stream in
        let ends = [stream.key.source.address, stream.key.destination.address]
        return secured.contains { $0.closedBytes > 0 && (ends.contains($0.client.address) || ends.contains($0.server.address)) }
      }
      let what = stream.openedPackets > 0 ? "\(CountText.of(stream.closedPackets, "packet")) not opened" : "not opened"
      reasons.append("SRTP from \(stream.key.source) to \(stream.key.destination): \(what)\(obstacle.map { ", \($0)" } ?? "")")
    }
    closed = Array(reasons.prefix(Self.most))
    if reasons.count > Self.most { closed.append("and \(reasons.count - Self.most) more") }
  }
}
