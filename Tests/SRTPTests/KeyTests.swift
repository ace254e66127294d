import SansIO
import Testing

@testable import SRTP

@Suite struct KeyTests {
  @Test func `no description, dump or reflection shows a key`() throws {
    let secret = Sample.keyAndSalt(.aesCM128HMACSHA1_80)
    let key = SRTPKey(secret, identifier: MasterKeyIdentifier([0, 0, 0, 1]), lifetime: .power(31))
    let attribute = CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key])
    let offer = CryptoOffer([attribute])
    var dumped = "\(key) \(key.debugDescription) \(attribute) \(attribute.debugDescription) \(offer)"
    dump(key, to: &dumped)
    dump(attribute, to: &dumped)
    dump(try attribute.keying(), to: &dumped)
    dump(offer, to: &dumped)
    #expect(dumped.contains("(secret)|2^31|1:4"))
    #expect(!dumped.contains(key.revealBase64()))
    #expect(!dumped.contains(secret.map(String.init).joined(separator: ", ")))
    #expect(!dumped.contains("\(secret[0])\n"))
  }

  @Test func `keys are equal by their bytes and what is said beside them`() {
    let bytes = Sample.keyAndSalt(.aeadAES256GCM)
    let key = SRTPKey(bytes)
    #expect(key == SRTPKey(bytes))
    #expect(key.hashValue == SRTPKey(bytes).hashValue)
    #expect(key != SRTPKey(bytes.dropLast()))
    #expect(key != SRTPKey(bytes.dropLast() + [bytes[43] ^ 1]))
    #expect(key != SRTPKey(bytes, lifetime: .power(20)))
    #expect(key.isSameKey(as: SRTPKey(bytes, lifetime: .power(20))))
    #expect(key.reveal() == bytes)
  }

  @Test func `a seed draws one key`() {
    var (first, second, other) = (Entropy(seed: 4), Entropy(seed: 4), Entropy(seed: 5))
    let key = SRTPKey(for: .aeadAES128GCM, entropy: &first)
    #expect(key.count == 28)
    #expect(key == SRTPKey(for: .aeadAES128GCM, entropy: &second))
    #expect(key != SRTPKey(for: .aeadAES128GCM, entropy: &other))
  }

  @Test(arguments: [
    (SRTPSuite.aeadAES256GCM, 44), (.aeadAES128GCM, 28), (.aes256CMHMACSHA1_80, 46), (.aesCM128HMACSHA1_80, 30),
    (.aesCM128HMACSHA1_32, 30), (.aes256CMHMACSHA1_32, 46),
  ])
  func `a key of another length is refused (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2)`(suite: SRTPSuite, length: Int) throws {
    for count in 0...64 {
      let key = SRTPKey([UInt8](repeating: 1, count: count))
      if count == length {
        #expect(try SRTPKeys(suite, key).suite == suite)
      } else {
        #expect(throws: SRTPKeyError.length(expected: length, found: count)) { try SRTPKeys(suite, key) }
      }
    }
  }

  @Test func `several keys need MKIs that differ and have one length (RFC 4568 §6.1)`() {
    func keys(_ identifiers: [[UInt8]?]) -> [SRTPKey] {
      identifiers.enumerated().map {
        SRTPKey(Sample.keyAndSalt(.aeadAES128GCM, seed: UInt64($0.offset)), identifier: $0.element.flatMap { MasterKeyIdentifier($0) })
      }
    }
    #expect(throws: SRTPKeyError.noKey) { try SRTPKeys(.aeadAES128GCM, []) }
    #expect(throws: SRTPKeyError.identifierMissing) { try SRTPKeys(.aeadAES128GCM, keys([[1], nil])) }
    #expect(throws: SRTPKeyError.identifierLengths) { try SRTPKeys(.aeadAES128GCM, keys([[1], [0, 2]])) }
    #expect(throws: SRTPKeyError.identifierRepeated) { try SRTPKeys(.aeadAES128GCM, keys([[1], [2], [1]])) }
    #expect((try? SRTPKeys(.aeadAES128GCM, keys([[1], [2]])).identifierLength) == 1)
    #expect((try? SRTPKeys(.aeadAES128GCM, keys([nil])).identifierLength) == 0)
  }

  @Test func `DTLS exports the keys of both ends before both salts (RFC 5764 §4.2)`() throws {
    let material = (0..<60).map { UInt8($0) }
    let pair = try #require(SRTPKey.pair(exported: material, suite: .aesCM128HMACSHA1_80))
    #expect(pair.client.reveal() == Array(0..<16) + Array(32..<46))
    #expect(pair.server.reveal() == Array(16..<32) + Array(46..<60))
    #expect(SRTPKey.pair(exported: material, suite: .aeadAES128GCM) == nil)
    #expect(SRTPSuite.allCases.compactMap(\.protectionProfile).sorted() == [1, 2, 7, 8])
    #expect(SRTPSuite(protectionProfile: 7) == .aeadAES128GCM)
    #expect(SRTPSuite(protectionProfile: 5) == nil)
  }

  // MARK: - Lifetime and MKI

  @Test(arguments: SRTPPacketKind.allCases)
  func `a key protects and opens as many packets as its lifetime says (RFC 3711 §9.2, RFC 4568 §6.1)`(kind: SRTPPacketKind) throws {
    let keys = try Sample.keys(.aeadAES256GCM, lifetime: .power(4))
    let (sender, receiver) = (try SRTPSender(keys), try SRTPReceiver(keys))
    // Who ignores the lifetime it was told.
    let careless = try SRTPSender(Sample.keys(.aeadAES256GCM))
    for number in 1...16 {
      let packet = try careless.protected(kind == .rtp ? Sample.rtp(number) : Sample.rtcp(), kind)
      #expect(try sender.protected(kind == .rtp ? Sample.rtp(number) : Sample.rtcp(), kind) == packet)
      #expect(receiver.drop(packet.flipped(at: 30), kind) == .authenticationFailed)
      #expect(receiver.drop(packet, kind) == nil)
    }
    var packet = kind == .rtp ? Sample.rtp(17) : Sample.rtcp()
    #expect(throws: SRTPSendFailure.keyExpired) { try sender.protect(&packet, kind) }
    #expect(receiver.drop(try careless.protected(packet, kind), kind) == .keyExpired)
    let other = kind == .rtp ? SRTPPacketKind.rtcp : .rtp
    #expect(receiver.drop(try sender.protected(other == .rtp ? Sample.rtp(18) : Sample.rtcp(), other), other) == nil)
    let next = try Sample.keys(.aeadAES256GCM, seed: 2, lifetime: .power(4))
    try sender.rekey(next, isNewAddress: false, reading: .keepROC)
    try receiver.rekey(next, isNewAddress: false, reading: .keepROC)
    #expect(receiver.drop(try sender.protected(packet, kind), kind) == nil)
  }

  @Test(arguments: SRTPSuite.allCases)
  func `the MKI chooses among several keys, which share one ROC (RFC 3711 §3.1, §3.3.1)`(suite: SRTPSuite) throws {
    let secrets = [1, 2, 3].map { SRTPKey(Sample.keyAndSalt(suite, seed: $0), identifier: MasterKeyIdentifier([0, UInt8($0)])) }
    let receiver = try SRTPReceiver(SRTPKeys(suite, secrets))
    // One sender that changes its master key in mid-stream, without an offer.
    let sender = try SRTPSender(SRTPKeys(suite, secrets[0]))
    for (step, index) in stride(from: 60_000, to: 4 * 65_536, by: 7_001).enumerated() {
      try sender.rekey(SRTPKeys(suite, secrets[step / 2 % 3]), isNewAddress: false, reading: .keepROC)
      let packet = try sender.protected(Sample.rtp(index))
      #expect(receiver.drop(packet.flipped(at: 20)) == .authenticationFailed, "index \(index)")
      #expect(receiver.drop(packet) == nil, "index \(index)")
      #expect(receiver.drop(packet) == .replayed, "index \(index)")
      #expect(receiver.drop(try sender.protected(Sample.rtcp(), .rtcp), .rtcp) == nil)
    }
    #expect(receiver.rolloverCounter(of: 0xCAFE_0001) == 3)
    try sender.rekey(Sample.keys(suite, seed: 1, identifier: [0, 4]), isNewAddress: false, reading: .keepROC)
    #expect(receiver.drop(try sender.protected(Sample.rtp(70))) == .unknownIdentifier)
    #expect(receiver.drop(try sender.protected(Sample.rtcp(), .rtcp), .rtcp) == .unknownIdentifier)
  }

  @Test(
    arguments: [
      ("1:1", [1]), ("1:4", [0, 0, 0, 1]), ("255:1", [255]), ("66051:3", [1, 2, 3]), ("0:2", [0, 0]),
      ("18446744073709551616:9", [1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] as [(String, [UInt8])])
  func `an MKI is a decimal number of any size in so many bytes (RFC 4568 §6.1)`(text: String, bytes: [UInt8]) throws {
    let identifier = try #require(MasterKeyIdentifier(text[...]))
    #expect(identifier.bytes == bytes)
    #expect(identifier.description == text)
  }

  @Test func `an MKI may have 128 bytes`() throws {
    let largest = [UInt8](repeating: 255, count: 128)
    let text = try #require(MasterKeyIdentifier(largest)).description
    #expect(MasterKeyIdentifier(text[...])?.bytes == largest)
    #expect(MasterKeyIdentifier(largest + [1]) == nil)
    #expect(MasterKeyIdentifier([UInt8]()) == nil)
  }
}
