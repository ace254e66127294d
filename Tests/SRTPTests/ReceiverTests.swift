import SansIO
import Testing

@testable import SRTP

/// Verify, then commit: what is dropped leaves the receiver as it was.
@Suite struct ReceiverTests {
  private func pair(_ suite: SRTPSuite, identifier: [UInt8]? = nil) throws -> (sender: SRTPSender, receiver: SRTPReceiver) {
    let keys = try Sample.keys(suite, identifier: identifier)
    return (try SRTPSender(keys), try SRTPReceiver(keys))
  }

  @Test(arguments: SRTPSuite.allCases, [nil, [9, 9]] as [[UInt8]?])
  func `a bit changed anywhere is found, and the packet itself is still taken (RFC 3711 §3.3)`(
    suite: SRTPSuite, identifier: [UInt8]?
  ) throws {
    let (sender, receiver) = try pair(suite, identifier: identifier)
    for kind in SRTPPacketKind.allCases {
      let packet = try sender.protected(kind == .rtp ? Sample.rtp(7) : Sample.rtcp(), kind)
      for place in 0..<packet.count { #expect(receiver.drop(packet.flipped(at: place), kind) != nil, "\(kind), byte \(place)") }
      #expect(receiver.drop(packet, kind) == nil)
    }
    #expect(receiver.verifiedCount == 2)
    #expect(receiver.drops[.replayed] == 0)
    #expect(receiver.drops[.library] == 0)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a wrong tag is a failed authentication, and makes no source (RFC 3711 §3.3)`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    let packet = try sender.protected(Sample.rtp(7, ssrc: 42))
    #expect(receiver.drop(packet.flipped(at: -1)) == .authenticationFailed)
    #expect(receiver.rolloverCounter(of: 42) == nil)
    #expect(receiver.drop(packet) == nil)
    #expect(receiver.rolloverCounter(of: 42) == 0)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a packet counts once, in any order within the window (RFC 3711 §3.3.2)`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    let packets = try (1...130).map { try sender.protected(Sample.rtp($0)) }
    for packet in [packets[9], packets[3], packets[7], packets[129]] {
      #expect(receiver.drop(packet) == nil)
      #expect(receiver.drop(packet) == .replayed)
    }
    #expect(receiver.drop(packets[3]) == .replayed)
    #expect(receiver.drop(packets[2]) == nil, "127 before the highest")
    #expect(receiver.drop(packets[1]) == .tooOld, "128 before the highest")
    #expect(receiver.drops.causes.map(\.cause) == [.replayed, .tooOld])
    #expect(receiver.drops[.replayed] == 5)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `an SRTCP index counts once, in any order within the window (RFC 3711 §3.4)`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    let packets = try (1...200).map { _ in try sender.protected(Sample.rtcp(), .rtcp) }
    #expect(receiver.drop(packets[5], .rtcp) == nil)
    #expect(receiver.drop(packets[5], .rtcp) == .replayed)
    #expect(receiver.drop(packets[0], .rtcp) == nil)
    #expect(receiver.drop(packets[199], .rtcp) == nil)
    #expect(receiver.drop(packets[4], .rtcp) == .tooOld)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a flood of wrong packets changes no window and no counter (RFC 3711 §3.3)`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    let foreign = try SRTPSender(Sample.keys(suite, seed: 77))
    for number in 1...3 { #expect(receiver.drop(try sender.protected(Sample.rtp(number))) == nil) }
    // Were one of them believed, the window would move away, or the ROC would turn.
    for number in stride(from: 10, to: 65_536, by: 997) {
      #expect(receiver.drop(try foreign.protected(Sample.rtp(number))) == .authenticationFailed)
    }
    #expect(receiver.rolloverCounter(of: 0xCAFE_0001) == 0)
    #expect(receiver.drop(try sender.protected(Sample.rtp(4))) == nil)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a packet that is kept does not change with the next ones`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    let sizes = [10, 40, 0, 900, 3_000, 5, 160, 160, 160, 64_000, 1]
    let packets = sizes.enumerated().map { Sample.rtp($0.offset + 1, payload: [UInt8](repeating: UInt8($0.offset), count: $0.element)) }
    let kept = try packets.map { try receiver.unprotect(try sender.protected($0), .rtp) }
    _ = receiver.drop(Bytes([UInt8](repeating: 0x80, count: 200)))
    #expect(kept.map(\.array) == packets)
  }

  // MARK: - The rollover counter

  @Test(arguments: SRTPSuite.allCases)
  func `the ROC goes on over wraps with packets lost, late and repeated (RFC 3711 §3.3.1)`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    var late: Bytes?
    for index in stride(from: 65_500, to: 2 * 65_536 + 40, by: 1)
    where index < 65_600 || index > 2 * 65_536 - 40 || index % 20_000 == 0 || index == 90_000 {
      let packet = try sender.protected(Sample.rtp(index))
      if index % 7 == 0 { continue }
      if index % 5 == 0, index < 65_590 || index > 131_000, late == nil {
        late = packet
        continue
      }
      #expect(receiver.drop(packet) == nil, "index \(index)")
      #expect(receiver.drop(packet) == .replayed, "index \(index)")
      if let packet = late {
        #expect(receiver.drop(packet) == nil, "before index \(index)")
        late = nil
      }
    }
    #expect(receiver.rolloverCounter(of: 0xCAFE_0001) == 2)
    #expect(receiver.drops.causes.map(\.cause) == [.replayed])
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a packet of the ROC before is not taken again, and one under it with a new number neither (RFC 3711 §3.3.1)`(
    suite: SRTPSuite
  ) throws {
    let (sender, receiver) = try pair(suite)
    let old = try (65_000...65_535).map { try sender.protected(Sample.rtp($0)) }
    for packet in old { #expect(receiver.drop(packet) == nil) }
    for number in 0..<300 { #expect(receiver.drop(try sender.protected(Sample.rtp(number))) == nil) }
    #expect(receiver.rolloverCounter(of: 0xCAFE_0001) == 1)
    #expect(receiver.drop(old[0]) == .tooOld)
    // Another sender with the same key that never turned its ROC.
    let second = try SRTPSender(sender.keys)
    let packet = try second.protected(Sample.rtp(400))
    #expect(receiver.drop(packet) == .authenticationFailed)
    #expect(receiver.rolloverCounter(verifying: packet, among: 0...3) == 0)
    #expect(receiver.drop(packet) == .authenticationFailed, "asking changes nothing")
    #expect(receiver.drop(try sender.protected(Sample.rtp(400))) == nil)
    #expect(receiver.drops[.tooOld] == 1)
    #expect(receiver.drops[.authenticationFailed] == 2)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `who joins late takes the ROC it was told, and is deaf without (RFC 3711 §3.3.1)`(suite: SRTPSuite) throws {
    let (sender, deaf) = try pair(suite)
    for index in stride(from: 0, through: 5 * 65_536 + 9, by: 30_000) { _ = try sender.protected(Sample.rtp(index)) }
    let told = try SRTPReceiver(sender.keys)
    told.expect(rolloverCounter: 5, of: 0xCAFE_0001)
    #expect(told.rolloverCounter(of: 0xCAFE_0001) == 5)
    for number in [20, 21, 22, 23] {
      let packet = try sender.protected(Sample.rtp(5 * 65_536 + number))
      #expect(deaf.drop(packet) == .authenticationFailed)
      #expect(deaf.rolloverCounter(verifying: packet, among: 0...9) == 5)
      #expect(told.drop(packet.flipped(at: 20)) == .authenticationFailed)
      #expect(told.drop(packet) == nil)
      #expect(told.drop(packet) == .replayed)
    }
    for index in stride(from: 5 * 65_536 + 30_000, to: 7 * 65_536, by: 9_000) {
      #expect(told.drop(try sender.protected(Sample.rtp(index))) == nil, "index \(index)")
    }
    #expect(told.rolloverCounter(of: 0xCAFE_0001) == 6)
  }

  // MARK: - Sources

  @Test(arguments: SRTPSuite.allCases)
  func `each source has a ROC and windows of its own, also one that takes the place of another (RFC 3711 §3.2.3)`(
    suite: SRTPSuite
  ) throws {
    let (sender, receiver) = try pair(suite)
    for index in [65_530, 65_535, 65_536, 65_540] { #expect(receiver.drop(try sender.protected(Sample.rtp(index, ssrc: 1))) == nil) }
    for index in [65_530, 65_531] { #expect(receiver.drop(try sender.protected(Sample.rtp(index, ssrc: 2))) == nil) }
    #expect(receiver.drop(try sender.protected(Sample.rtp(65_541, ssrc: 1))) == nil)
    #expect(receiver.drop(try sender.protected(Sample.rtcp(ssrc: 3), .rtcp)) == .authenticationFailed, "RTCP taken for RTP")
    #expect(receiver.drop(try sender.protected(Sample.rtcp(ssrc: 3), .rtcp), .rtcp) == nil)
    #expect([1, 2, 3].map { receiver.rolloverCounter(of: $0) } == [1, 0, nil])
  }

  @Test func `a key is kept for so many sources, and one more is named`() throws {
    let (_, receiver) = try pair(.aeadAES128GCM)
    for ssrc in 1...UInt32(SRTPReceiver.sourceLimit) + 2 {
      // A sender each, which has the same limit.
      let packet = try SRTPSender(receiver.keys).protected(Sample.rtp(1, ssrc: ssrc))
      #expect(receiver.drop(packet) == (ssrc <= UInt32(SRTPReceiver.sourceLimit) ? nil : .tooManySources))
    }
    let sender = try SRTPSender(receiver.keys)
    for ssrc in 1...UInt32(SRTPReceiver.sourceLimit) { _ = try sender.protected(Sample.rtp(1, ssrc: ssrc)) }
    #expect(throws: SRTPSendFailure.tooManySources) { try sender.protected(Sample.rtp(1, ssrc: 999)) }
  }
}
