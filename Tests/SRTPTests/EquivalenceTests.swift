import SansIO
import Testing

@testable import SRTP

/// What leaves by libsrtp2 is what the RFCs ask for, on random packets.
@Suite struct EquivalenceTests {
  /// A random packet with any number of contributing sources, an extension in half of them; and the length of its header.
  private func randomRTP(_ sequenceNumber: Int, ssrc: UInt32, _ entropy: inout Entropy) -> (packet: [UInt8], header: Int) {
    let sources = Int(entropy.next() % 16)
    let words = Int(entropy.next() % 8)
    let hasExtension = entropy.next() % 2 == 0
    var packet = Sample.rtp(sequenceNumber, ssrc: ssrc, payload: entropy.bytes(sources * 4))
    packet[0] |= UInt8(sources) | (hasExtension ? 0x10 : 0)
    packet[1] = UInt8(truncatingIfNeeded: entropy.next())
    if hasExtension { packet += [0xBE, 0xDE, 0, UInt8(words)] + entropy.bytes(words * 4) }
    return (packet + entropy.bytes(Int(entropy.next() % 300)), packet.count)
  }

  @Test(arguments: SRTPSuite.allCases, [nil, [7], [0, 0, 1, 0]] as [[UInt8]?])
  func `RTP is protected as the reference does it, two wraps of the sequence number included (RFC 3711 §3.3)`(
    suite: SRTPSuite, identifier: [UInt8]?
  ) throws {
    let keys = try Sample.keys(suite, seed: 5, identifier: identifier)
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    let reference = ReferenceTransform(suite, Sample.keyAndSalt(suite, seed: 5), .rtp)
    var entropy = Entropy(seed: 9)
    // From 60,000 over two wraps, with gaps that stay below half the range.
    for index in stride(from: 60_000, to: 3 * 65_536 + 500, by: 1_237) {
      let (packet, header) = randomRTP(index, ssrc: 0xDEAD_BEEF, &entropy)
      var expected = reference.protectedRTP(packet, header: header, index: UInt64(index))
      if let identifier {
        expected.insert(contentsOf: identifier, at: suite.isAEAD ? expected.count : expected.count - reference.tagLength)
      }
      let sent = try sender.protected(packet)
      #expect(sent.array == expected, "index \(index)")
      #expect(try receiver.unprotect(Bytes(expected), .rtp).array == packet, "index \(index)")
    }
    #expect(sender.rolloverCounter(of: 0xDEAD_BEEF) == 3 || sender.rolloverCounter(of: 0xDEAD_BEEF) == 2)
    #expect(receiver.rolloverCounter(of: 0xDEAD_BEEF) == sender.rolloverCounter(of: 0xDEAD_BEEF))
    #expect(receiver.drops.total == 0)
  }

  @Test(arguments: SRTPSuite.allCases, [nil, [7], [0, 0, 1, 0]] as [[UInt8]?])
  func `RTCP is protected as the reference does it, with an index that counts from 1 (RFC 3711 §3.4)`(
    suite: SRTPSuite, identifier: [UInt8]?
  ) throws {
    let keys = try Sample.keys(suite, seed: 6, identifier: identifier)
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    let reference = ReferenceTransform(suite, Sample.keyAndSalt(suite, seed: 6), .rtcp)
    var entropy = Entropy(seed: 10)
    for index in 1...200 {
      let packet = Sample.rtcp() + entropy.bytes(Int(entropy.next() % 64) * 4)
      var expected = reference.protectedRTCP(packet, index: UInt32(index))
      if let identifier {
        expected.insert(contentsOf: identifier, at: suite.isAEAD ? expected.count : expected.count - reference.tagLength)
      }
      #expect(try sender.protected(packet, .rtcp).array == expected)
      #expect(try receiver.unprotect(Bytes(expected), .rtcp).array == packet)
    }
    #expect(receiver.verifiedCount == 200)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `protection adds what it says`(suite: SRTPSuite) throws {
    let keys = try Sample.keys(suite, identifier: [1, 2, 3])
    let sender = try SRTPSender(keys)
    #expect(try sender.protected(Sample.rtp(1)).count == Sample.rtp(1).count + keys.overhead(.rtp))
    #expect(try sender.protected(Sample.rtcp(), .rtcp).count == Sample.rtcp().count + keys.overhead(.rtcp))
  }
}
