import Capture
import SansIO
import WireReader

/// One call of a live host in clear, packet by packet as they come: what ``ClearTwin`` makes of a whole file.
///
/// It reads the SIP of the call with its keys, and opens its media by them.
public final class LiveTwin {
  private let clearText = ClearText()
  private let reader: PassiveReader
  private let epoch: Epoch
  /// What was read of each direction, for numbers of its own (RFC 9293 §3.4).
  private var sequences: [Flow: UInt32] = [:]
  private let masking = KeyMasking()

  private struct Flow: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  public init(epoch: Epoch) {
    self.epoch = epoch
    reader = PassiveReader(path: "", keeps: .live, clearText: clearText)
  }

  /// Takes a line that the host logs while it deals with a packet of the call.
  public func take(_ secret: KeyLogLine) { _ = reader.takeSecrets(secret) }

  /// A message, or a part of one, that TLS carried: without its keys.
  public func message(_ packet: PacketRecord) -> PacketRecord {
    var numbered = packet
    let flow = Flow(source: packet.source, destination: packet.destination)
    let segment = TCPSegment(sequence: sequences[flow] ?? 1, acknowledgement: 0, flags: .psh)
    numbered.carrier = .tcp(segment)
    sequences[flow] = segment.sequence &+ UInt32(truncatingIfNeeded: packet.payload.count)
    _ = reader.take(numbered, epoch: epoch)
    let masked = masking.segment(packet.payload, segment, from: packet.source, to: packet.destination)
    var clear = packet
    // Of a message that is not whole Content-Length has left already: what is in it keeps its length.
    clear.payload = Self.isWhole(packet.payload) ? ClearMessage.edited(packet.payload) ?? packet.payload : masked ?? packet.payload
    return clear
  }

  private static func isWhole(_ message: Bytes) -> Bool {
    ClearMessage.bodyStart(message).map { $0 + (ClearMessage.declaredLength(message[0..<$0]) ?? 0) == message.count } ?? false
  }

  /// A datagram of the call's media, and what is to be said of one without plaintext.
  public func datagram(_ packet: PacketRecord) -> (packet: PacketRecord, remark: StaticString?) {
    _ = reader.take(packet, epoch: epoch)
    var clear = packet
    switch clearText.passage {
    case .clear: return (packet, nil)
    case .opened(let inside):
      clear.payload = inside.compacted()
      return (clear, nil)
    case .closed:
      clear.payload = Bytes()
      return (clear, "empty here: SRTP that was not opened")
    case .handshake:
      clear.payload = Bytes()
      return (clear, "empty here: DTLS")
    }
  }
}
