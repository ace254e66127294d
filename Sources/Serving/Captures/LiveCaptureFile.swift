import Capture
import Decryption
import SansIO

/// What crossed a socket, on its way to its file.
struct Passage {
  var packet: PacketRecord
  /// The packet holds what TLS carried, in the place of its ciphertext.
  var isDecrypted = false
  /// The segments are already numbered: they are a whole connection's.
  var keepsNumbers = false
}

/// One file of a live host: on the disk whenever it is flushed, and a valid capture then.
final class LiveCaptureFile {
  /// The host's own segments are as long as Ethernet's, without TLS. What TLS carried was never in segments, so a message stays whole.
  private static let (segment, decryptedSegment) = (1_460, 65_000)

  let path: String
  private let host: String
  private let file: CaptureFile
  /// The file is a clear twin: nothing in it needs a secret.
  private let twin: LiveTwin?
  private let keepsSecrets: Bool
  private var narrations: [ConnectionEnds: StreamNarration] = [:]
  private var decrypted: Int?
  private let tell: (CaptureEvent) -> Void
  private var isFailureTold = false
  private var isDirty = false
  private var frames: UInt32 = 0
  private var places = FramePlaces()

  /// What becomes of secrets.
  enum Secrecy {
    /// They are in the file.
    case kept
    /// The file is in clear and needs none.
    case clearTwin
    /// Neither they nor what they open.
    case removed
  }

  /// - Parameter comment: on the whole file.
  init(
    path: String, host: String, epoch: Epoch, comment: String = "", secrecy: Secrecy = .kept, keepsOpen: Bool = false,
    tell: @escaping (CaptureEvent) -> Void
  ) {
    self.path = path
    twin = secrecy == .clearTwin ? LiveTwin(epoch: epoch) : nil
    keepsSecrets = secrecy != .removed
    self.host = host
    self.tell = tell
    file = CaptureFile(
      ByteOutput(live: path, keepsOpen: keepsOpen), interface: host, epoch: epoch,
      options: CaptureOptions(writesSecrets: secrecy == .kept, origin: .live), comment: comment,
      redactor: secrecy == .removed ? KeyMasking() : nil)
  }

  var byteCount: Int { file.byteCount }
  var unwritten: Int { file.unwritten }

  func append(_ passage: Passage) {
    guard keepsSecrets || !passage.isDecrypted else { return }
    isDirty = true
    var passage = passage
    if let twin, passage.isDecrypted { passage.packet = twin.message(passage.packet) }
    guard case .tcp(let segment) = passage.packet.carrier, !passage.keepsNumbers else { return writeDatagram(passage.packet) }
    let ends = ConnectionEnds(passage.packet.direction, from: passage.packet.source, to: passage.packet.destination)
    let largest = passage.isDecrypted ? Self.decryptedSegment : Self.segment
    let interface = passage.isDecrypted ? decryptedInterface() : 0
    var narration = narrations[ends] ?? StreamNarration()
    for packet in narration.segments(of: passage.packet, segment.flags, largest: largest) { write(packet, interface) }
    narrations[ends] = narration.isOver ? nil : narration
  }

  private func writeDatagram(_ packet: PacketRecord) {
    guard let twin, case .udp = packet.carrier else { return write(packet) }
    let (clear, remark) = twin.datagram(packet)
    write(clear, remark: remark)
  }

  private func write(_ packet: PacketRecord, _ interface: Int = 0, remark: StaticString? = nil) {
    file.append(packet, interface: interface, remark: remark)
    frames &+= 1
    places.add(packet, frames)
  }

  /// The frame of the file that a packet of the host is; nil where that is not known any more.
  func frame(of packet: UInt32) -> UInt32? { unwritten == 0 ? places[packet] : nil }

  func append(note text: String, at now: Instant) {
    isDirty = true
    file.append(note: text, at: now)
  }

  func append(_ secret: KeyLogLine) {
    twin?.take(secret)
    isDirty = true
    file.append(secret)
  }

  private func decryptedInterface() -> Int {
    if let decrypted { return decrypted }
    let made = file.addInterface(
      named: host + CaptureInterface.decryptedSuffix,
      description: "What TLS carried, in TCP segments of its own; the ciphertext is in connection-*")
    decrypted = made
    return made
  }

  func flush() {
    guard isDirty else { return }
    isDirty = false
    file.flush()
    tellFailure()
  }

  func close(at now: Instant) {
    file.close(at: now)
    tellFailure()
    if file.unwritten > 0 { tell(.incomplete(path: path, packets: file.unwritten)) }
  }

  /// What could not be written is tried again with the next flush.
  private func tellFailure() {
    if file.output.pending > 0 { isDirty = true }
    guard let failure = file.failure, !isFailureTold else { return }
    isFailureTold = true
    tell(.failed(failure))
  }
}
