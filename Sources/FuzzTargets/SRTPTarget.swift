import SRTP
import SansIO

/// Foreign bytes as SRTP and SRTCP: dropped with a cause, and nothing changes for them. The first byte chooses suite, MKI and kind.
enum SRTPTarget {
  static func run(_ input: [UInt8]) {
    guard let choice = input.first else { return }
    let suite = SRTPSuite.allCases[Int(choice & 7) % SRTPSuite.allCases.count]
    let kind: SRTPPacketKind = choice & 0x40 == 0 ? .rtp : .rtcp
    let identifier = choice & 0x80 == 0 ? nil : MasterKeyIdentifier([0, 1])
    var entropy = Entropy(seed: UInt64(choice))
    var key = SRTPKey(for: suite, entropy: &entropy)
    key.identifier = identifier
    guard let keys = try? SRTPKeys(suite, key), let sender = try? SRTPSender(keys), let receiver = try? SRTPReceiver(keys) else {
      return hold(false, "a drawn key makes a sender and a receiver")
    }
    let foreign = Array(input.dropFirst())
    _ = try? receiver.unprotect(Bytes(foreign), kind)
    hold(receiver.verifiedCount == 0, "nobody makes a tag by chance")
    hold(receiver.drops.total == 1 && receiver.drops[.library] == 0, "a drop has a cause")
    _ = receiver.rolloverCounter(verifying: Bytes(foreign), among: 0...2)
    // As a packet of ours: protected and opened again, or refused unchanged.
    var packet = foreign
    guard (try? sender.protect(&packet, kind)) != nil else { return hold(packet == foreign, "what is refused stays as it is") }
    hold(packet.count == foreign.count + keys.overhead(kind), "protection adds what it says")
    hold((try? receiver.unprotect(Bytes(packet), kind))?.array == foreign, "what was protected is opened")
    hold((try? receiver.unprotect(Bytes(packet), kind)) == nil, "once")
    hold(receiver.drops[.replayed] == 1, "and then it is a replay")
  }
}
