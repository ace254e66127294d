import SansIO
import Testing

@testable import SRTP

@Suite struct BadPacketTests {
  @Test(arguments: SRTPSuite.allCases, [nil, [1, 2, 3, 4]] as [[UInt8]?])
  func `every length is survived, and what has no room for its fields is malformed (RFC 3711 §3.1, §3.4)`(
    suite: SRTPSuite, identifier: [UInt8]?
  ) throws {
    let keys = try Sample.keys(suite, identifier: identifier)
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    for kind in SRTPPacketKind.allCases {
      let whole = try sender.protected(kind == .rtp ? Sample.rtp(1) : Sample.rtcp(), kind)
      let least = (kind == .rtp ? 12 : 8) + keys.overhead(kind)
      for count in 0..<whole.count {
        let cause = receiver.drop(whole[0..<count], kind)
        #expect((cause == .malformed) == (count < least), "\(kind) of \(count) bytes: \(String(describing: cause))")
      }
    }
  }

  @Test(
    arguments: [
      (0x00, "version 0"), (0x40, "version 1"), (0xC0, "version 3"), (0x8F, "15 contributing sources that are not there"),
      (0x90, "an extension that is longer than the packet"),
    ] as [(UInt8, String)])
  func `a header that is not RTP's is malformed (RFC 3550 §5.1)`(first: UInt8, what: String) throws {
    let keys = try Sample.keys(.aesCM128HMACSHA1_80)
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    var packet = [first] + Sample.rtp(1).dropFirst()
    let before = packet
    #expect(throws: SRTPSendFailure.malformed) { try sender.protect(&packet, .rtp) }
    #expect(packet == before)
    #expect(receiver.drop(Bytes(packet)) == .malformed)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `SRTCP that a sender authenticates without encrypting it has a clear E flag and is refused (RFC 3711 §3.4)`(suite: SRTPSuite) throws
  {
    let keys = try Sample.keys(suite)
    let (sender, receiver) = (try SRTPSender(keys, encryptsControl: false), try SRTPReceiver(keys))
    let sent = try sender.protected(Sample.rtcp(), .rtcp)
    #expect(sent.array.starts(with: Sample.rtcp()), "it is in clear")
    #expect(receiver.drop(sent, .rtcp) == .unencrypted)
    #expect(receiver.drops[.unencrypted] == 1 && receiver.drops.total == 1)
    let other = try SRTPSender(keys)
    #expect(receiver.drop(try other.protected(Sample.rtcp(), .rtcp), .rtcp) == nil, "its index is free")
  }

  @Test(arguments: SRTPSuite.allCases)
  func `SRTCP in clear is refused, whatever its tag (RFC 3711 §3.4, RFC 7714 §9.3)`(suite: SRTPSuite) throws {
    let keys = try Sample.keys(suite)
    let receiver = try SRTPReceiver(keys)
    let reference = ReferenceTransform(suite, Sample.keyAndSalt(suite), .rtcp)
    var packet = Sample.rtcp()
    if suite.isAEAD {
      packet += reference.tagOfClearRTCP(packet, index: 1) + [0, 0, 0, 1]
    } else {
      packet += [0, 0, 0, 1] + [UInt8](repeating: 7, count: 10)
    }
    #expect(receiver.drop(Bytes(packet), .rtcp) == .unencrypted)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a sequence number is used once, and the packet that repeats it stays as it is (RFC 3711 §9.1)`(suite: SRTPSuite) throws {
    let sender = try SRTPSender(Sample.keys(suite))
    for number in [1, 5, 3, 400] { _ = try sender.protected(Sample.rtp(number)) }
    for number in [5, 3, 1, 400, 200] {
      var packet = Sample.rtp(number)
      #expect(throws: SRTPSendFailure.indexReused) { try sender.protect(&packet, .rtp) }
      #expect(packet == Sample.rtp(number))
    }
    _ = try sender.protected(Sample.rtp(399))
  }

  @Test func `what does not fit into a datagram is not sent`() throws {
    let sender = try SRTPSender(Sample.keys(.aesCM128HMACSHA1_80))
    _ = try sender.protected(Sample.rtp(1, payload: [UInt8](repeating: 0, count: 65_535 - 12 - 10)))
    #expect(throws: SRTPSendFailure.malformed) {
      try sender.protected(Sample.rtp(2, payload: [UInt8](repeating: 0, count: 65_535 - 12 - 9)))
    }
  }

  @Test(arguments: SRTPSuite.allCases, [nil, [1, 2, 3, 4]] as [[UInt8]?])
  func `noise and changed packets never verify and never crash`(suite: SRTPSuite, identifier: [UInt8]?) throws {
    let keys = try Sample.keys(suite, identifier: identifier)
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    var noise = Entropy(seed: 3)
    for round in 0..<1_000 {
      let kind: SRTPPacketKind = round % 2 == 0 ? .rtp : .rtcp
      var bytes = noise.bytes(Int(noise.next() % 120))
      if round % 3 != 0, !bytes.isEmpty { bytes[0] = bytes[0] & 0x3F | 0x80 }
      if round % 5 == 0 {
        bytes = try sender.protected(kind == .rtp ? Sample.rtp(round + 1) : Sample.rtcp(), kind).array
        for _ in 0...noise.next() % 4 {
          bytes[Int(noise.next() % UInt64(bytes.count))] ^= UInt8(truncatingIfNeeded: 1 + noise.next() % 255)
        }
        // Changes may undo each other.
        guard noise.next() % 2 == 0 || bytes.count < 30 else { continue }
        bytes.removeLast(1)
      }
      #expect(receiver.drop(Bytes(bytes), kind) != nil)
    }
    #expect(receiver.verifiedCount == 0)
    #expect(receiver.drops[.library] == 0)
  }
}
