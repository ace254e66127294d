import Capture
import SansIO

/// Writes a capture again without its secrets: no Decryption Secrets Blocks, and keys of SDES that crossed in clear overwritten.
public struct SecretsRemoval {
  private let source: CaptureSource

  public init(_ source: CaptureSource) { self.source = source }

  /// Writes the copy, and closes `output`.
  /// - Returns: how many packets had keys overwritten, and how many blocks of secrets stayed behind.
  /// - Throws: when the source is not a capture or cannot be opened. One that breaks off gives what it has, and says so.
  public func write(to output: ByteOutput) throws(CaptureReadError) -> (packets: Int, blocks: Int, problem: String?) {
    var copy = CaptureCopy(output, origin: .copy, comment: "without secrets")
    let masking = KeyMasking()
    var (packets, blocks, problem) = (0, 0, String?.none)
    var reader = try source.open()
    do {
      while let item = try reader.next() {
        switch item {
        case .interface(let interface): copy.add(interface)
        case .secrets: blocks += 1
        case .statistics(let time): copy.watched(until: time)
        case .other: if item.isNumberedRecord { copy.addRecord() }
        case .packet(let packet):
          let masked = Self.masked(packet, masking)
          if masked != nil { packets += 1 }
          copy.write(masked ?? packet)
        }
      }
    } catch { problem = error.description }
    copy.finish()
    return (packets, blocks, problem)
  }

  private static func masked(_ packet: CapturedPacket, _ masking: KeyMasking) -> CapturedPacket? {
    var packet = packet
    switch PacketDecoder.decode(packet) {
    case .transport(let found):
      let payload = packet.bytes[found.payload]
      let masked: Bytes?
      switch found.carrier {
      case .udp: masked = masking.datagram(payload)
      case .tcp(let segment): masked = masking.segment(payload, segment, from: found.source, to: found.destination)
      }
      guard let masked else { return nil }
      packet.bytes = FrameEditing.replacing(payloadOf: packet, found, with: masked)
    case .fragment(let fragment):
      // A key may be cut by the fragments' ends.
      guard let masked = masking.fragment(packet.bytes[fragment.payload], isFirst: fragment.offset == 0) else { return nil }
      packet.bytes = Bytes(packet.bytes[0..<fragment.payload.lowerBound].array + masked.array)
    case .relayed, .sctp, .unreachable:
      // Addresses and chunks are no text; a checksum of SCTP or ICMP no longer fits.
      guard let masked = masking.text(packet.bytes) else { return nil }
      packet.bytes = masked
    case .otherProtocol, .notIP, .malformed: return nil
    }
    packet.comments.append("\(masking.remark)")
    return packet
  }
}
