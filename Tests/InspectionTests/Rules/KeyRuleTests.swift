import LabBench
import SRTP
import SansIO
import Testing

@testable import Inspection

/// What keys of SRTP are held to: a capture that breaks each rule, and one beside it that does not.
@Suite struct KeyRuleTests {
  private static let (one, other) = ("d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw")

  private func line(_ tag: Int, _ key: String, _ suite: String = "AES_CM_128_HMAC_SHA1_80") -> String {
    "a=crypto:\(tag) \(suite) inline:\(key)\r\n"
  }

  /// A call over RTP/SAVP with these lines, its RTP protected with the key of who sends.
  private func call(_ offer: String, _ answer: String, profile: String = "RTP/SAVP", key: String? = nil) throws -> Packets {
    var packets = Packets()
    packets.establish(
      offer: Talk.sdp(alice, 10_000, extra: offer).replacing("RTP/AVP", with: profile),
      answer: Talk.sdp(bob, 20_000, extra: answer).replacing("RTP/AVP", with: profile))
    for (host, port, other, otherPort, own) in [(alice, 10_000, bob, 20_000, Self.one), (bob, 20_000, alice, 10_000, Self.other)] {
      let attribute = try CryptoAttribute.parse(Bytes("1 AES_CM_128_HMAC_SHA1_80 inline:\(key ?? own)"))
      let sender = try SRTPSender(try attribute.keying())
      for number in 1...60 as ClosedRange<UInt16> {
        var bytes = rtpPacket(0, number, UInt32(number) * 160, host == alice ? 7 : 8, marker: number == 1).array
        try sender.protect(&bytes, .rtp)
        packets.udp(host, UInt16(port), to: other, UInt16(otherPort), Bytes(bytes))
        packets.wait(20)
      }
    }
    packets.hangUp()
    return packets
  }

  @Test func `a call over SRTP with keys on both sides breaks no rule, and its packets are opened (RFC 4568, RFC 3711)`() throws {
    let report = try call(line(1, Self.one), line(1, Self.other)).report()
    #expect(report.findings.allSatisfy { $0.severity == .note })
    #expect(report.streams.map(\.openedPackets) == [60, 60])
    #expect(report.finding("keys-in-clear")?.frame == 1)
  }

  @Test func `an attribute follows the grammar, and a refused one is shown without its key (RFC 4568 §9.1)`() throws {
    let packets = try call(line(1, "QUJD") + line(2, Self.one), line(2, Self.other))
    try packets.expect("crypto-attribute", frame: 1, by: alice)
    #expect(try packets.report().findings.allSatisfy { !$0.text.contains("QUJD") && !$0.text.contains(Self.one) })
    // A suite that is not known here breaks nothing.
    try call(line(1, Self.one, "F8_128_HMAC_SHA1_80") + line(2, Self.one), line(2, Self.other)).expectNo("crypto-attribute")
  }

  @Test func `RTP/SAVP has keys, by SDES or another way (RFC 4568 §4, RFC 4567, RFC 5763)`() throws {
    try call("", line(1, Self.other)).expect("crypto-missing", frame: 1, by: alice)
    for keying in ["a=key-mgmt:mikey AQAF\r\n", "a=fingerprint:sha-256 00\r\n"] { try call(keying, keying).expectNo("crypto-missing") }
  }

  @Test func `an answer takes one line of the offer, and brings a key of its own (RFC 4568 §5.1.3)`() throws {
    for answer in [
      line(2, Self.other), line(1, Self.other, "AES_CM_128_HMAC_SHA1_32"), line(1, Self.one), line(1, Self.other) + line(2, Self.other),
    ] {
      try call(line(1, Self.one), answer).expect("crypto-answer", frame: 3, by: bob)
    }
    try call(line(1, Self.one) + line(2, Self.one, "AES_CM_128_HMAC_SHA1_32"), line(1, Self.other)).expectNo("crypto-answer")
    // Who does not know RFC 8643 answers without a key.
    try call(line(1, Self.one), "", profile: "RTP/AVP").expectNo("crypto-answer")
  }

  @Test func `packets of a stream with keys on both sides are verified by one of them (RFC 3711 §3.3)`() throws {
    let strange = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"
    try call(line(1, Self.one), line(1, Self.other), key: strange).expect("srtp-unverified", frame: 5, by: alice, .warning)
    // At the tap of who received them nothing is missing.
    try call(line(1, Self.one), line(1, Self.other), key: strange).seen(by: bob).expect("srtp-unverified", frame: 5, by: alice)
    try call(line(1, Self.one), line(1, Self.other)).expectNo("srtp-unverified")
  }
}
