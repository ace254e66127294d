import SansIO

@testable import SRTP

/// Packets and keys for the tests of this module.
enum Sample {
  static func keyAndSalt(_ suite: SRTPSuite, seed: UInt64 = 1) -> [UInt8] {
    var entropy = Entropy(seed: seed)
    return entropy.bytes(suite.keyAndSaltLength)
  }

  static func keys(
    _ suite: SRTPSuite, seed: UInt64 = 1, identifier: [UInt8]? = nil, lifetime: KeyLifetime? = nil
  ) throws -> SRTPKeys {
    try SRTPKeys(
      suite,
      SRTPKey(keyAndSalt(suite, seed: seed), identifier: identifier.flatMap { MasterKeyIdentifier($0) }, lifetime: lifetime))
  }

  static func rtp(_ sequenceNumber: Int, ssrc: UInt32 = 0xCAFE_0001, payload: [UInt8] = Array(1...40)) -> [UInt8] {
    [0x80, 0] + big(UInt32(sequenceNumber & 0xFFFF), 2) + [0, 0, 0, 160] + big(ssrc, 4) + payload
  }

  /// A receiver report without blocks, and a BYE.
  static func rtcp(ssrc: UInt32 = 0xCAFE_0001) -> [UInt8] {
    [0x80, 201, 0, 1] + big(ssrc, 4) + [0x81, 203, 0, 1] + big(ssrc, 4)
  }

  static func big(_ value: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * (count - 1 - $0))) }
  }

  static func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue).map { UInt8($0) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

extension SRTPSender {
  func protected(_ packet: [UInt8], _ kind: SRTPPacketKind = .rtp) throws(SRTPSendFailure) -> Bytes {
    var packet = packet
    try protect(&packet, kind)
    return Bytes(packet)
  }
}

extension SRTPReceiver {
  /// The cause of a drop; nil where the packet is taken.
  func drop(_ packet: Bytes, _ kind: SRTPPacketKind = .rtp) -> SRTPDrop? {
    do throws(SRTPDrop) {
      _ = try unprotect(packet, kind)
      return nil
    } catch {
      return error
    }
  }
}

extension Bytes {
  func flipped(at place: Int) -> Bytes {
    var bytes = array
    bytes[place < 0 ? bytes.count + place : place] ^= 1
    return Bytes(bytes)
  }
}
