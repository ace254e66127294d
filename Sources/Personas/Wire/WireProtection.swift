import SRTP
import SansIO

/// What a wire member does to a packet of media before it leaves.
public enum PacketTreatment: Hashable, Sendable {
  /// SRTP with its key.
  case protect
  /// Nothing: in the clear, though there are keys.
  case clear
  /// SRTP whose tag was changed.
  case wrongTag
  /// SRTP with a key that nobody knows.
  case otherKey
  /// SRTP as if the sequence number had never turned (RFC 3711 §3.3.1).
  case oldRollover
  /// The packet of this sequence number once more, as it left before.
  case replay
}

/// The SRTP of a wire member: what it sends with, what it opens with, and what it has sent.
struct WireProtection {
  private let keys: SRTPKeys
  private let sender: SRTPSender
  private let receiver: SRTPReceiver?
  /// The newest packets, as they left, for replays.
  private var sent: [(ssrc: UInt32, sequenceNumber: UInt16, packet: Bytes)] = []

  private static let memory = 1_000

  /// - Parameter receive: the peer's keys; nil = what comes is shown as it is.
  init(send: SRTPKeys, receive: SRTPKeys?) throws(SRTPLibraryError) {
    keys = send
    sender = try SRTPSender(send)
    receiver = if let receive { try SRTPReceiver(receive) } else { nil }
  }

  /// Why a packet cannot leave so.
  struct Refusal: Error { var reason: String }

  /// The RTP packet as it leaves.
  mutating func treat(_ packet: Bytes, _ treatment: PacketTreatment) throws(Refusal) -> Bytes {
    guard packet.count >= 12 else { return packet }
    let sequenceNumber = UInt16(packet[2]) << 8 | UInt16(packet[3])
    let ssrc = packet[8..<12].reduce(0) { $0 << 8 | UInt32($1) }
    if treatment == .clear { return packet }
    if treatment == .replay {
      if let old = sent.last(where: { $0.ssrc == ssrc && $0.sequenceNumber == sequenceNumber }) { return old.packet }
      throw Refusal(reason: "no packet with the sequence number \(sequenceNumber) has left that could leave once more")
    }
    var bytes = packet.array
    do throws(SRTPSendFailure) { try protect(&bytes, treatment) } catch {
      throw Refusal(reason: "the packet with the sequence number \(sequenceNumber) cannot be protected: \(error)")
    }
    if treatment == .protect {
      sent.append((ssrc, sequenceNumber, Bytes(bytes)))
      if sent.count > Self.memory { sent.removeFirst() }
    }
    return Bytes(bytes)
  }

  private func protect(_ bytes: inout [UInt8], _ treatment: PacketTreatment) throws(SRTPSendFailure) {
    switch treatment {
    case .clear, .replay: break
    case .protect: try sender.protect(&bytes, .rtp)
    case .wrongTag:
      try sender.protect(&bytes, .rtp)
      bytes[bytes.count - 1] ^= 0xFF
    case .otherKey: try Self.other(keys)?.protect(&bytes, .rtp)
    case .oldRollover: try Self.fresh(keys)?.protect(&bytes, .rtp)
    }
  }

  /// The same suite with another key.
  private static func other(_ keys: SRTPKeys) -> SRTPSender? {
    let key = SRTPKey(keys.keys[0].reveal().map { $0 ^ 0x5A }, identifier: keys.keys[0].identifier)
    do { return fresh(try SRTPKeys(keys.suite, key)) } catch { return nil }
  }

  /// A sender that has sent nothing.
  private static func fresh(_ keys: SRTPKeys) -> SRTPSender? {
    do { return try SRTPSender(keys) } catch { return nil }
  }

  /// What came, opened.
  func open(_ packet: Bytes, isControl: Bool) -> WireHost.Opening {
    guard let receiver else { return .unopened }
    do throws(SRTPDrop) { return .opened(try receiver.unprotect(packet, isControl ? .rtcp : .rtp)) } catch { return .failed(error) }
  }
}

extension WireHost {
  /// What became of a packet that came to a media port.
  public enum Opening: Hashable, Sendable {
    /// There are no keys for it.
    case unopened
    case opened(Bytes)
    case failed(SRTPDrop)
  }
}
