import SRTP
import SansIO

/// What a wire member does to a packet of media before it leaves.
public enum PacketTreatment: Hashable, Sendable {
  /// SRTP or SRTCP with its key.
  case protect
  /// Nothing: in the clear, though there are keys.
  case clear
  /// SRTP or SRTCP whose tag was changed.
  case wrongTag
  /// SRTP or SRTCP with a key that nobody knows.
  case otherKey
  /// SRTP as if the sequence number had never turned (RFC 3711 §3.3.1).
  case oldRollover
  /// The packet of this number once more, as it left before: a sequence number of SRTP, for SRTCP how many left before it.
  case replay(Int)
  /// SRTCP that is authenticated and not encrypted: the E flag is 0 (RFC 3711 §3.4).
  case unencrypted
  /// SRTCP whose index is 1 again.
  case oldIndex
}

/// The SRTP of a wire member: what it sends with, what it opens with, and what it has sent.
struct WireProtection {
  private var keys: SRTPKeys
  private let sender: SRTPSender
  private let receiver: SRTPReceiver?
  /// The newest packets, as they left, for replays.
  private var sent: [Sent] = []
  /// Reports that left as they should, and the SRTCP indices that were used.
  private var reports = 0
  private var indices = 0

  private struct Sent {
    var ssrc: UInt32
    var kind: SRTPPacketKind
    var number: Int
    var packet: Bytes
  }

  private static let memory = 1_000

  /// - Parameter receive: the peer's keys; nil = what comes is shown as it is.
  init(send: SRTPKeys, receive: SRTPKeys?) throws(SRTPLibraryError) {
    keys = send
    sender = try SRTPSender(send)
    receiver = if let receive { try SRTPReceiver(receive) } else { nil }
  }

  /// Takes other keys, whose rollover counters and indices go on from those before (RFC 3711 §3.3.1).
  mutating func goOn(send: SRTPKeys, receive: SRTPKeys?) throws(SRTPLibraryError) {
    try sender.rekey(send, isNewAddress: false, reading: .keepROC)
    if let receive { try receiver?.rekey(receive, isNewAddress: false, reading: .keepROC) }
    keys = send
  }

  /// Why a packet cannot leave so.
  struct Refusal: Error { var reason: String }

  /// The RTP or RTCP packet as it leaves.
  mutating func treat(_ packet: Bytes, _ treatment: PacketTreatment) throws(Refusal) -> Bytes {
    let kind: SRTPPacketKind = packet.isControl ? .rtcp : .rtp
    guard packet.count >= (kind == .rtp ? 12 : 8), treatment != .clear else { return packet }
    let ssrc = packet.dropFirst(kind == .rtp ? 8 : 4).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    let number = kind == .rtp ? Int(packet[2]) << 8 | Int(packet[3]) : reports
    if case .replay(let number) = treatment {
      if let old = sent.last(where: { $0.ssrc == ssrc && $0.kind == kind && $0.number == number }) { return old.packet }
      throw Refusal(reason: "no packet with the number \(number) has left that could leave once more")
    }
    var bytes = packet.array
    do throws(SRTPSendFailure) { try protect(&bytes, kind, treatment) } catch {
      throw Refusal(reason: "the packet with the number \(number) cannot be protected: \(error)")
    }
    if kind == .rtcp, treatment == .protect || treatment == .wrongTag { indices += 1 }
    if treatment == .protect {
      if kind == .rtcp { reports += 1 }
      sent.append(Sent(ssrc: ssrc, kind: kind, number: number, packet: Bytes(bytes)))
      if sent.count > Self.memory { sent.removeFirst() }
    }
    return Bytes(bytes)
  }

  private func protect(_ bytes: inout [UInt8], _ kind: SRTPPacketKind, _ treatment: PacketTreatment) throws(SRTPSendFailure) {
    switch treatment {
    case .clear, .replay: break
    case .protect: try sender.protect(&bytes, kind)
    case .wrongTag:
      try sender.protect(&bytes, kind)
      bytes[bytes.count - 1] ^= 0xFF
    case .otherKey: try protect(&bytes, kind, by: Self.other(keys))
    case .oldRollover, .oldIndex: try Self.fresh(keys)?.protect(&bytes, kind)
    case .unencrypted: try protect(&bytes, kind, by: Self.fresh(keys, encryptsControl: false))
    }
  }

  /// With the next SRTCP index, so that nothing else is wrong with it.
  private func protect(_ bytes: inout [UInt8], _ kind: SRTPPacketKind, by other: SRTPSender?) throws(SRTPSendFailure) {
    for _ in 0..<(kind == .rtcp ? indices : 0) {
      var spent = bytes
      try other?.protect(&spent, kind)
    }
    try other?.protect(&bytes, kind)
  }

  /// The same suite with another key.
  private static func other(_ keys: SRTPKeys) -> SRTPSender? {
    let key = SRTPKey(keys.keys[0].reveal().map { $0 ^ 0x5A }, identifier: keys.keys[0].identifier)
    do { return fresh(try SRTPKeys(keys.suite, key)) } catch { return nil }
  }

  /// A sender that has sent nothing.
  private static func fresh(_ keys: SRTPKeys, encryptsControl: Bool = true) -> SRTPSender? {
    do { return try SRTPSender(keys, encryptsControl: encryptsControl) } catch { return nil }
  }

  /// What came, opened.
  func open(_ packet: Bytes, isControl: Bool) -> WireHost.Opening {
    guard let receiver else { return .unopened }
    do throws(SRTPDrop) { return .opened(try receiver.unprotect(packet, isControl ? .rtcp : .rtp)) } catch { return .failed(error) }
  }
}

extension Bytes {
  /// RTCP, by its packet type (RFC 5761 §4).
  var isControl: Bool { count > 1 && (192...223).contains(self[startIndex + 1]) }
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
