import SansIO

/// One connection of a live host, as its captures see it.
///
/// ```
///   unknown ──a byte that TLS does not begin with──► plain: cut into messages
///      │  └── its end before TLS carried anything ──► plain, unreadable
///      └── TLS carries something, or half a second passes ──► sealed: the ciphertext in a file, what it carried cut into messages
/// ```
final class ObservedStream {
  private enum Content {
    /// Nothing but its set-up so far, or records that look like TLS.
    case unknown([Held])
    case plain
    case sealed(SealedCapture)
  }

  private enum Held {
    case packet(PacketRecord)
    case secret(KeyLogLine)
  }

  /// The first byte of a TLS handshake record (RFC 8446 §5.1); no SIP message begins so.
  private static let handshake: UInt8 = 22
  /// More than any handshake needs.
  private static let mostHeld = 256

  private let ends: ConnectionEnds
  private let folder: CaptureFolder
  private let others: OtherCapture
  private var content = Content.unknown([])
  private var sent = Direction()
  private var received = Direction()
  private(set) var lastUse = Instant.zero
  /// ``PacketRecord/frame`` of what came last.
  private(set) var lastReceived: UInt32 = 0

  /// One direction: its messages, and whether it is over.
  private struct Direction {
    var splitter = MessageSplitter()
    var isOver = false
    /// The last packet that brought bytes, as a pattern for those that still wait.
    var last: Passage?
    /// How many messages had ended at the last tick, when bytes waited then.
    var waitedAt: Int?
  }

  init(_ ends: ConnectionEnds, _ folder: CaptureFolder, _ others: OtherCapture) {
    self.ends = ends
    self.folder = folder
    self.others = others
  }

  var isOver: Bool { sent.isOver && received.isOver }
  var unwritten: Int { if case .sealed(let capture) = content { capture.unwritten } else { 0 } }

  func close(at now: Instant) { if case .sealed(let capture) = content { capture.close(at: now) } }

  // MARK: - Segments

  func take(_ packet: PacketRecord, _ segment: TCPSegment) -> [Cut] {
    lastUse = packet.at
    if packet.direction == .received { lastReceived = packet.frame }
    return packet.payload.isEmpty ? takeControl(packet, segment) : takePayload(packet)
  }

  /// Beginnings and ends carry no bytes: they are kept beside the ciphertext, and where the rest is.
  private func takeControl(_ packet: PacketRecord, _ segment: TCPSegment) -> [Cut] {
    var cuts: [Cut] = []
    let isReset = segment.flags.contains(.rst)
    if isReset || segment.flags.contains(.fin) {
      cuts = giveUpTLS()
      if isReset || packet.direction == .sent { cuts += end(&sent) }
      if isReset || packet.direction == .received { cuts += end(&received) }
    }
    switch content {
    case .unknown(let held): content = .unknown(held + [.packet(packet)])
    case .sealed(let capture): capture.append(packet)
    case .plain: break
    }
    return cuts + [Cut(passage: Passage(packet: packet), glance: nil)]
  }

  private func takePayload(_ packet: PacketRecord) -> [Cut] {
    switch content {
    case .plain: return split(Passage(packet: packet))
    case .sealed(let capture):
      capture.append(packet)
      return []
    case .unknown(let held):
      guard Self.looksSealed(held) || packet.payload.first == Self.handshake else {
        content = .plain
        return split(Passage(packet: packet))
      }
      content = .unknown(held + [.packet(packet)])
      if held.count >= Self.mostHeld { _ = seal() }
      return []
    }
  }

  /// Bytes that were not taken for SIP wait already.
  private static func looksSealed(_ held: [Held]) -> Bool {
    held.contains { if case .packet(let packet) = $0 { !packet.payload.isEmpty } else { false } }
  }

  // MARK: - TLS

  /// - Returns: false when it is no TLS connection as far as anybody knows.
  func take(_ secret: KeyLogLine) -> Bool {
    switch content {
    case .unknown(let held): content = .unknown(held + [.secret(secret)])
    case .sealed(let capture): capture.append(secret)
    case .plain: return false
    }
    return true
  }

  /// What TLS carried; the packet stands for it.
  func takePlaintext(_ packet: PacketRecord) -> [Cut] {
    let capture = seal()
    let cuts = split(Passage(packet: packet, isDecrypted: true))
    capture?.flush()
    return cuts
  }

  private func seal() -> SealedCapture? {
    switch content {
    case .sealed(let capture): return capture
    case .plain: return nil
    case .unknown(let held):
      let capture = SealedCapture(folder, ends)
      content = .sealed(capture)
      for case .secret(let line) in held { capture.append(line) }
      for case .packet(let packet) in held { capture.append(packet) }
      return capture
    }
  }

  /// The connection ends before TLS carried anything: its bytes are among the rest, which cannot be read.
  private func giveUpTLS() -> [Cut] {
    guard case .unknown(let held) = content else { return [] }
    content = .plain
    let payload = held.compactMap { if case .packet(let packet) = $0, !packet.payload.isEmpty { packet } else { nil } }
    for case .secret(let line) in held { others.append(line) }
    guard !payload.isEmpty else { return [] }
    sent.splitter.giveUp()
    received.splitter.giveUp()
    return payload.map { Cut(passage: Passage(packet: $0), glance: nil) }
  }

  // MARK: - Messages

  private func split(_ passage: Passage) -> [Cut] {
    passage.packet.direction == .sent ? Self.split(passage, &sent) : Self.split(passage, &received)
  }

  private static func split(_ passage: Passage, _ direction: inout Direction) -> [Cut] {
    direction.last = passage
    return direction.splitter.take(passage.packet.payload).map { cut($0, passage) }
  }

  private static func cut(_ piece: MessageSplitter.Piece, _ passage: Passage) -> Cut {
    var passage = passage
    passage.packet.payload = piece.bytes
    return Cut(passage: passage, glance: piece.glance)
  }

  private static func release(_ direction: inout Direction) -> [Cut] {
    guard let piece = direction.splitter.release(), let last = direction.last else { return [] }
    return [cut(piece, last)]
  }

  private func end(_ direction: inout Direction) -> [Cut] {
    direction.isOver = true
    return Self.release(&direction)
  }

  func releaseAll() -> [Cut] { giveUpTLS() + Self.release(&sent) + Self.release(&received) }

  func tick() -> [Cut] {
    if case .unknown(let held) = content, Self.looksSealed(held) { _ = seal() }
    if case .sealed(let capture) = content { capture.flush() }
    return Self.tick(&sent) + Self.tick(&received)
  }

  private static func tick(_ direction: inout Direction) -> [Cut] {
    let count = direction.splitter.isWaiting ? direction.splitter.messages : nil
    defer { direction.waitedAt = count }
    return count != nil && count == direction.waitedAt ? release(&direction) : []
  }
}
