import SansIO
import Testing

@testable import SRTP

/// A new key by re-INVITE: RFC 3711 §3.3.1 lets the ROC go on, RFC 4568 §7.1.4 begins a new context where the address changes.
@Suite struct RekeyTests {
  private let ssrc: UInt32 = 0xCAFE_0001

  /// Both ends with one key, the source at ROC 1.
  private func pair(_ suite: SRTPSuite) throws -> (sender: SRTPSender, receiver: SRTPReceiver) {
    let keys = try Sample.keys(suite)
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    for index in [65_500, 65_535, 65_536, 65_540] { #expect(receiver.drop(try sender.protected(Sample.rtp(index))) == nil) }
    return (sender, receiver)
  }

  @Test(
    arguments: [
      (RolloverReading.keepROC, false, RekeyOutcome.goesOn, 1), (.keepROC, true, .goesOn, 1), (.restartROC, false, .goesOn, 1),
      (.restartROC, true, .restarted, 0),
    ], SRTPSuite.allCases)
  func `both readings of a new key, with the same and with another address (RFC 3711 §3.3.1, RFC 4568 §7.1.4)`(
    row: (reading: RolloverReading, isNewAddress: Bool, outcome: RekeyOutcome, counter: UInt32), suite: SRTPSuite
  ) throws {
    let (sender, receiver) = try pair(suite)
    let keys = try Sample.keys(suite, seed: 2)
    #expect(try sender.rekey(keys, isNewAddress: row.isNewAddress, reading: row.reading) == row.outcome)
    #expect(try receiver.rekey(keys, isNewAddress: row.isNewAddress, reading: row.reading) == row.outcome)
    let packet = Sample.rtp(70_000)
    let sent = try sender.protected(packet)
    let reference = ReferenceTransform(suite, Sample.keyAndSalt(suite, seed: 2), .rtp)
    let index = UInt64(row.counter) << 16 | 70_000 & 0xFFFF
    #expect(sent.array == reference.protectedRTP(packet, header: 12, index: index))
    #expect(receiver.drop(sent.flipped(at: -1)) == .authenticationFailed)
    #expect(try receiver.unprotect(sent, .rtp).array == packet)
    #expect(receiver.drop(sent) == .replayed)
    #expect(receiver.rolloverCounter(of: ssrc) == row.counter)
    for step in 1...6 { #expect(receiver.drop(try sender.protected(Sample.rtp(70_000 + step * 30_000))) == nil, "step \(step)") }
  }

  @Test(arguments: SRTPSuite.allCases)
  func `the SRTCP index goes on as well, and begins anew with a new context (RFC 3711 §3.2.1)`(suite: SRTPSuite) throws {
    let reference = ReferenceTransform(suite, Sample.keyAndSalt(suite, seed: 2), .rtcp)
    for (isNewAddress, index) in [(false, 3), (true, 1)] as [(Bool, UInt32)] {
      let (sender, receiver) = try pair(suite)
      for _ in 1...2 { #expect(receiver.drop(try sender.protected(Sample.rtcp(), .rtcp), .rtcp) == nil) }
      let keys = try Sample.keys(suite, seed: 2)
      try sender.rekey(keys, isNewAddress: isNewAddress, reading: .restartROC)
      try receiver.rekey(keys, isNewAddress: isNewAddress, reading: .restartROC)
      let sent = try sender.protected(Sample.rtcp(), .rtcp)
      #expect(sent.array == reference.protectedRTCP(Sample.rtcp(), index: index))
      #expect(receiver.drop(sent, .rtcp) == nil)
    }
  }

  @Test func `the same key again changes nothing, and with another address goes on (RFC 4568 §7.1.4)`() throws {
    let (sender, receiver) = try pair(.aesCM128HMACSHA1_80)
    for (isNewAddress, outcome) in [(false, RekeyOutcome.unchanged), (true, .addressAlone)] {
      let sent = try sender.protected(Sample.rtp(65_600 + (isNewAddress ? 1 : 0)))
      #expect(receiver.drop(sent) == nil)
      #expect(try sender.rekey(sender.keys, isNewAddress: isNewAddress, reading: .restartROC) == outcome)
      #expect(try receiver.rekey(receiver.keys, isNewAddress: isNewAddress, reading: .restartROC) == outcome)
      #expect(receiver.drop(sent) == .replayed)
      #expect(!receiver.hasPreviousKeys)
    }
    #expect(sender.rolloverCounter(of: ssrc) == 1)
    #expect(receiver.drop(try sender.protected(Sample.rtp(65_700))) == nil)
  }

  @Test func `the same key with an MKI, a lifetime or another tag length never begins its keystream anew (RFC 3711 §9.1)`() throws {
    let (sender, receiver) = try pair(.aesCM128HMACSHA1_80)
    let named = try Sample.keys(.aesCM128HMACSHA1_80, identifier: [4], lifetime: .power(31))
    let short = try Sample.keys(.aesCM128HMACSHA1_32, identifier: [4])
    for (step, keys) in [named, short].enumerated() {
      let before = try sender.protected(Sample.rtp(65_600 + step))
      #expect(receiver.drop(before) == nil)
      #expect(try sender.rekey(keys, isNewAddress: true, reading: .restartROC) == .addressAlone)
      #expect(try receiver.rekey(keys, isNewAddress: true, reading: .restartROC) == .addressAlone)
      #expect(sender.rolloverCounter(of: ssrc) == 1)
      #expect(throws: SRTPSendFailure.indexReused) { try sender.protected(Sample.rtp(65_600 + step)) }
      let after = try sender.protected(Sample.rtp(65_650 + step))
      #expect(after.count == 52 + keys.overhead(.rtp))
      #expect(receiver.drop(after) == nil)
    }
  }

  @Test(arguments: [RolloverReading.keepROC, .restartROC], SRTPSuite.allCases)
  func `packets under the old key are read until it is retired, and a ROC that turned meanwhile is known (RFC 4568 §7.1.4)`(
    reading: RolloverReading, suite: SRTPSuite
  ) throws {
    let (sender, receiver) = try pair(suite)
    let onTheirWay = try [65_541, 65_542, 98_000, 130_000, 131_071, 131_072, 131_080].map { try sender.protected(Sample.rtp($0)) }
    let keys = try Sample.keys(suite, seed: 2)
    try sender.rekey(keys, isNewAddress: false, reading: reading)
    let fresh = try sender.protected(Sample.rtp(131_090))
    try receiver.rekey(keys, isNewAddress: false, reading: reading)
    #expect(receiver.hasPreviousKeys)
    for packet in onTheirWay[0...4] { #expect(receiver.drop(packet) == nil) }
    #expect(receiver.drop(onTheirWay[0]) != nil)
    #expect(receiver.drop(fresh) == nil)
    #expect(receiver.drop(onTheirWay[5]) == nil, "overtaken by the new key")
    receiver.retirePreviousKeys()
    #expect(receiver.drop(onTheirWay[6]) == .authenticationFailed)
    #expect(receiver.rolloverCounter(of: ssrc) == 2)
    #expect(receiver.drop(try sender.protected(Sample.rtp(131_091))) == nil)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `what the old keys knew of a source is kept when they are retired before its first packet`(suite: SRTPSuite) throws {
    let (sender, receiver) = try pair(suite)
    for seed in [2, 3, 4] as [UInt64] {
      let keys = try Sample.keys(suite, seed: seed)
      try sender.rekey(keys, isNewAddress: false, reading: .keepROC)
      try receiver.rekey(keys, isNewAddress: false, reading: .keepROC)
    }
    receiver.retirePreviousKeys()
    #expect(receiver.rolloverCounter(of: ssrc) == 1)
    #expect(receiver.drop(try sender.protected(Sample.rtp(65_541))) == nil)
    #expect(receiver.drop(try sender.protected(Sample.rtp(65_542))) == nil)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `ends of different readings do not hear each other, and the ROC that would verify says why`(suite: SRTPSuite) throws {
    let keys = try Sample.keys(suite, seed: 2)
    for (ours, theirs, counter) in [(RolloverReading.keepROC, RolloverReading.restartROC, 0), (.restartROC, .keepROC, 1)] {
      let (sender, receiver) = try pair(suite)
      try sender.rekey(keys, isNewAddress: true, reading: theirs)
      try receiver.rekey(keys, isNewAddress: true, reading: ours)
      let sent = try sender.protected(Sample.rtp(65_541))
      #expect(receiver.drop(sent) == .authenticationFailed)
      #expect(receiver.rolloverCounter(verifying: sent, among: 0...2) == UInt32(counter))
    }
  }

  @Test(arguments: SRTPSuite.allCases)
  func `a key that stays among several goes on with its windows, whatever the address (RFC 3711 §9.1)`(suite: SRTPSuite) throws {
    let secrets = [1, 2, 3].map { SRTPKey(Sample.keyAndSalt(suite, seed: $0), identifier: MasterKeyIdentifier([UInt8($0)])) }
    let (first, second) = (try SRTPKeys(suite, [secrets[0], secrets[1]]), try SRTPKeys(suite, [secrets[0], secrets[2]]))
    let (sender, receiver) = (try SRTPSender(first), try SRTPReceiver(first))
    let packets = try [65_500, 65_535, 65_536, 65_540].map { try sender.protected(Sample.rtp($0)) }
    for packet in packets { #expect(receiver.drop(packet) == nil) }
    for (isNewAddress, outcome) in [(true, RekeyOutcome.addressAlone), (false, .goesOn)] {
      let keys = isNewAddress ? second : first
      #expect(try sender.rekey(keys, isNewAddress: isNewAddress, reading: .restartROC) == outcome)
      #expect(try receiver.rekey(keys, isNewAddress: isNewAddress, reading: .restartROC) == outcome)
      for packet in packets { #expect(receiver.drop(packet) == .replayed) }
      #expect(throws: SRTPSendFailure.indexReused) { try sender.protected(Sample.rtp(65_540)) }
      #expect(receiver.drop(try sender.protected(Sample.rtp(isNewAddress ? 65_541 : 65_542))) == nil)
    }
    #expect(receiver.rolloverCounter(of: ssrc) == 1)
  }

  @Test func `a new suite comes with a new key`() throws {
    let (sender, receiver) = try pair(.aesCM128HMACSHA1_80)
    for (step, suite) in [SRTPSuite.aeadAES256GCM, .aesCM128HMACSHA1_32, .aes256CMHMACSHA1_80].enumerated() {
      let late = try sender.protected(Sample.rtp(65_600 + 2 * step))
      let keys = try Sample.keys(suite, seed: 30)
      #expect(try sender.rekey(keys, isNewAddress: false, reading: .restartROC) == .goesOn)
      #expect(try receiver.rekey(keys, isNewAddress: false, reading: .restartROC) == .goesOn)
      #expect(receiver.drop(try sender.protected(Sample.rtp(65_601 + 2 * step))) == nil)
      #expect(receiver.drop(late) == nil)
    }
    #expect(receiver.rolloverCounter(of: ssrc) == 1)
  }
}
