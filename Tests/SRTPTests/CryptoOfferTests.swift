import SansIO
import Testing

@testable import SRTP

/// Several lines of an offer, and the one of an answer (RFC 4568 §5.1).
@Suite struct CryptoOfferTests {
  private func line(_ tag: Int, _ suite: SRTPSuite, name: String? = nil, seed: UInt64 = 1, _ more: String = "") -> Bytes {
    let key = SRTPKey(Sample.keyAndSalt(suite, seed: seed))
    return Bytes("\(tag) \(name ?? suite.name) inline:\(key.revealBase64())\(more)")
  }

  @Test func `the first line that can be used is taken, in the order of the offer (RFC 4568 §5.1.2, contract 8.5)`() throws {
    let offer = CryptoOffer(parsing: [
      Bytes("1 AEAD_AES_256_GCM_8 inline:x"), line(2, .aeadAES256GCM, " UNENCRYPTED_SRTCP"), line(3, .aes256CMHMACSHA1_32),
      line(4, .aesCM128HMACSHA1_32), line(5, .aeadAES256GCM),
    ])
    #expect(offer.chosen()?.tag == 4)
    #expect(offer.chosen(from: [.aeadAES256GCM, .aesCM128HMACSHA1_80])?.tag == 5)
    #expect(offer.chosen(from: [.aeadAES128GCM]) == nil)
    let refusals = offer.refusals()
    #expect(refusals.map(\.line) == [0, 1, 2])
    #expect(refusals.map(\.refusal) == [.suite("AEAD_AES_256_GCM_8"), .unencryptedSRTCP, .suite("AES_256_CM_HMAC_SHA1_32")])
  }

  @Test func `the second line with one tag is refused (RFC 4568 §4.1)`() throws {
    let offer = CryptoOffer(parsing: [
      line(1, .aesCM128HMACSHA1_32), line(1, .aeadAES256GCM), line(2, .aeadAES128GCM), line(2, .aesCM128HMACSHA1_32),
    ])
    #expect(offer.chosen()?.suite == .aesCM128HMACSHA1_32)
    #expect(offer.chosen(from: [.aeadAES256GCM]) == nil)
    #expect(offer.refusals().map(\.refusal) == [.repeatedTag(1), .repeatedTag(2)])
    #expect(offer.refusals()[0].refusal.description == "the tag 1 appears more than once (RFC 4568 §4.1)")
  }

  @Test func `an answer repeats tag and spelling and has a key of its own (RFC 4568 §5.1.2)`() throws {
    let offer = CryptoOffer(parsing: [line(7, .aes256CMHMACSHA1_80, name: "AES_CM_256_HMAC_SHA1_80", "|2^31|1:1 WSH=128")])
    let answer = try #require(offer.chosen()).answer(with: SRTPKey(Sample.keyAndSalt(.aes256CMHMACSHA1_80, seed: 2)))
    #expect(answer.serialized() == line(7, .aes256CMHMACSHA1_80, name: "AES_CM_256_HMAC_SHA1_80", seed: 2))
  }

  @Test func `our offer has the suites of the contract in their order, tags from 1, a key each (RFC 4568 §5.1.1, contract 8.5)`() {
    var entropy = Entropy(seed: 1)
    let offer = CryptoAttribute.offer(entropy: &entropy)
    #expect(offer.map(\.tag) == [1, 2, 3, 4, 5])
    #expect(
      offer.map(\.suiteName) == [
        "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
      ])
    #expect(Set(offer.flatMap(\.keys)).count == 5)
    var again = Entropy(seed: 1)
    #expect(CryptoAttribute.offer(entropy: &again) == offer)
  }

  @Test(arguments: SRTPSuite.preference)
  func `offer and answer key both directions (RFC 4568 §5.1.3)`(suite: SRTPSuite) throws {
    var (entropy, theirs) = (Entropy(seed: 1), Entropy(seed: 2))
    let offer = CryptoAttribute.offer(entropy: &entropy)
    let taken = try #require(CryptoOffer(parsing: offer.map { $0.serialized() }).chosen(from: [suite]))
    let answer = taken.answer(with: SRTPKey(for: suite, entropy: &theirs))
    let agreed = try CryptoOffer(offer).accept(answer: [answer.serialized()])
    #expect(agreed.theirs == answer)
    for (sending, receiving) in [(agreed.ours, taken), (answer, agreed.theirs)] {
      let (sender, receiver) = (try SRTPSender(sending.keying()), try SRTPReceiver(receiving.keying()))
      #expect(try receiver.unprotect(try sender.protected(Sample.rtp(1)), .rtp).array == Sample.rtp(1))
    }
  }

  @Test func `an answer that does not fit the offer is refused by name (RFC 4568 §5.1.3)`() throws {
    let ours = [line(1, .aeadAES256GCM), line(2, .aesCM128HMACSHA1_80)]
    let offer = CryptoOffer(try ours.map { try CryptoAttribute.parse($0) })
    let table: [([Bytes], CryptoAnswerFailure, String)] = [
      ([], .noLine, "RFC 4568 §5.1.3"),
      ([line(1, .aeadAES256GCM, seed: 3), line(2, .aesCM128HMACSHA1_80, seed: 3)], .severalLines(2), "RFC 4568 §5.1.3"),
      ([line(3, .aeadAES256GCM, seed: 3)], .unknownTag(3), "RFC 4568 §5.1.3"),
      (
        [line(2, .aeadAES256GCM, seed: 3)], .otherSuite(offered: "AES_CM_128_HMAC_SHA1_80", answered: "AEAD_AES_256_GCM"),
        "RFC 4568 §5.1.3"
      ),
      ([line(2, .aesCM128HMACSHA1_80, seed: 3, " UNENCRYPTED_SRTP")], .unusable(.unencryptedSRTP), "RFC 4568 §6.3.2"),
      ([line(2, .aesCM128HMACSHA1_80)], .ourKey, "RFC 3711 §9.1"),
    ]
    for (answer, failure, section) in table {
      #expect(throws: failure) { try offer.accept(answer: answer) }
      #expect(failure.description.hasSuffix("(\(section))"))
    }
    #expect(try offer.accept(answer: [line(2, .aesCM128HMACSHA1_80, seed: 3)]).ours.tag == 2)
  }

  @Test func `an answer may spell the suite as it likes`() throws {
    var entropy = Entropy(seed: 1)
    let offer = CryptoOffer(CryptoAttribute.offer(entropy: &entropy))
    let agreed = try offer.accept(answer: [line(3, .aes256CMHMACSHA1_80, name: "AES_CM_256_HMAC_SHA1_80", seed: 9)])
    #expect(agreed.ours.suiteName == "AES_256_CM_HMAC_SHA1_80")
  }
}
