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
    let fingerprint = "a=fingerprint:sha-256 \(Array(repeating: "00", count: 32).joined(separator: ":"))\r\n"
    for keying in ["a=key-mgmt:mikey AQAF\r\n", fingerprint] { try call(keying, keying).expectNo("crypto-missing") }
  }

  @Test(arguments: [
    ("sha-256 AB:AB", "the length in bytes of a digest of sha-256 is 32, of this one 2"),
    ("sha-256 ABAB", "not pairs of hexadecimal digits"),
    ("sha-256 AG:AB", "not pairs of hexadecimal digits"), ("sha-256", "not a hash function and a digest"),
  ])
  func `a fingerprint follows the grammar, with a digest of its hash function's length (RFC 8122 §5)`(line: String, fault: String) throws {
    let bad = "a=setup:actpass\r\na=fingerprint:\(line)\r\n"
    let good = "a=fingerprint:SHA-256 \(Array(repeating: "ab", count: 32).joined(separator: ":")) \r\n"
    let packets = try call(bad, "a=setup:active\r\n" + good, profile: "UDP/TLS/RTP/SAVP")
    try packets.expect("dtls-fingerprint-missing", frame: 1, by: alice)
    #expect(try packets.report().finding("dtls-fingerprint-missing")?.text.contains(fault) == true)
    // Beside a good one it does no harm, and an unknown hash function may have any length.
    for more in [good, "a=fingerprint:x 01:02\r\n"] {
      try call(bad + more, "a=setup:active\r\n" + good, profile: "UDP/TLS/RTP/SAVP").expectNo("dtls-fingerprint-missing")
    }
  }

  @Test func `an answer takes the part that the offer leaves, where the offer has a fingerprint (RFC 5763 §5)`() throws {
    let line = "a=fingerprint:sha-256 \(Array(repeating: "AB", count: 32).joined(separator: ":"))\r\n"
    func agreed(_ offer: String, _ answer: String) throws -> Packets {
      try call("a=setup:\(offer)\r\n" + line, "a=setup:\(answer)\r\n" + line, profile: "UDP/TLS/RTP/SAVP")
    }
    try agreed("actpass", "actpass").expect("dtls-setup", frame: 3, by: bob)
    try agreed("passive", "passive").expect("dtls-setup", frame: 3, by: bob)
    try agreed("actpass", "active").expectNo("dtls-setup")
    // A role that nobody knows is the offerer's mistake, and an answer to no offer of DTLS means nothing.
    try agreed("ACTPASS", "active").expectNo("dtls-setup")
    try call("", "a=setup:active\r\n" + line, profile: "RTP/AVP").expectNo("dtls-setup")
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

  @Test func `an address that two calls name at once accuses nobody of the other's keys (RFC 4568 §5)`() throws {
    let talk = Talk(callID: "second")
    var packets = Packets()
    packets.establish(
      offer: Talk.sdp(alice, 10_000, extra: line(1, Self.one)), answer: Talk.sdp(bob, 20_000, extra: line(1, Self.other)))
    packets.establish(talk, offer: Talk.sdp(alice, 10_002, extra: line(1, Self.other)), answer: Talk.sdp(bob, 20_000))
    for number in 1...60 as ClosedRange<UInt16> {
      packets.udp(alice, 10_002, to: bob, 20_000, rtpPacket(0, number, UInt32(number) * 160, 9))
      packets.wait(20)
    }
    packets.hangUp(talk)
    packets.hangUp()
    try packets.expectNo("srtp-unverified")
  }
}
