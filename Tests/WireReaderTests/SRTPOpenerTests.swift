import LabBench
import RTP
import SRTP
import SansIO
import Testing

@testable import WireReader

/// SRTP that the reader opens by the keys of SDES (RFC 3711, RFC 4568).
@Suite struct SRTPOpenerTests {
  private let talk = Talk(callID: "secure")

  private func key(_ seed: UInt64, _ suite: SRTPSuite = .aesCM128HMACSHA1_80) -> SRTPKey {
    var entropy = Entropy(seed: seed)
    return SRTPKey(for: suite, entropy: &entropy)
  }

  private func line(_ key: SRTPKey, tag: UInt32 = 1, _ suite: SRTPSuite = .aesCM128HMACSHA1_80) -> String {
    "a=crypto:\(CryptoAttribute(tag: tag, suite: suite, keys: [key]).serialized().text)\r\n"
  }

  /// A call whose offer and answer have these lines.
  private func call(_ offer: String, _ answer: String, profile: String = "RTP/SAVP") -> Packets {
    var packets = Packets()
    func sdp(_ host: IPAddress, _ port: UInt16, _ lines: String) -> String {
      Talk.sdp(host, port, extra: lines).replacing("RTP/AVP", with: profile)
    }
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, offer)))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, answer)))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    return packets
  }

  /// RTP of Alice from port 10000 to Bob's 20000, or from another address.
  private func speak(
    _ packets: inout Packets, _ sender: SRTPSender?, _ numbers: ClosedRange<Int>, from: IPAddress = alice, _ port: UInt16 = 10_000
  ) throws {
    for number in numbers {
      var bytes = RTPPacket(
        payloadType: 0, marker: number == 1, sequenceNumber: UInt16(truncatingIfNeeded: number), timestamp: UInt32(number) * 160, ssrc: 7,
        payload: Bytes([UInt8](repeating: 0xD5, count: 160))
      ).serialized().array
      try sender?.protect(&bytes, .rtp)
      packets.wait(20)
      packets.udp(from, port, to: bob, 20_000, Bytes(bytes))
    }
  }

  private func stream(_ packets: Packets) throws -> RTPStream {
    let reader = PassiveReader(path: "test")
    for packet in try packets.captured { _ = reader.take(packet) }
    return try #require(reader.streams.credible.first)
  }

  private func sender(_ key: SRTPKey, _ suite: SRTPSuite = .aesCM128HMACSHA1_80) throws -> SRTPSender {
    try SRTPSender(try SRTPKeys(suite, key))
  }

  @Test(arguments: SRTPSuite.preference) func `a stream is opened by its sender's key, whichever suite the answer chose`(suite: SRTPSuite)
    throws
  {
    let offered = SRTPSuite.preference.enumerated().map { line(key(UInt64($0), $1), tag: UInt32($0 + 1), $1) }.joined()
    let place = try #require(SRTPSuite.preference.firstIndex(of: suite))
    var packets = call(offered, line(key(99, suite), tag: UInt32(place + 1), suite))
    try speak(&packets, try sender(key(UInt64(place), suite), suite), 1...30)
    let stream = try stream(packets)
    #expect(stream.protection == .opened && stream.openedPackets == 30)
    #expect(stream.octets == 30 * 160 && stream.lost == 0)
  }

  @Test func `RTP/AVP with keys on both sides is SRTP, and with keys on one side alone it is clear (RFC 8643)`() throws {
    var secure = call(line(key(1)), line(key(2)), profile: "RTP/AVP")
    try speak(&secure, try sender(key(1)), 1...30)
    #expect(try stream(secure).protection == .opened)
    var clear = call(line(key(1)), "", profile: "RTP/AVP")
    try speak(&clear, nil, 1...30)
    #expect(try stream(clear).protection == .clear)
  }

  @Test func `without a key that fits a stream stays closed, and is counted by its header`() throws {
    for (offer, answer) in [(line(key(3)), line(key(2))), ("", "")] {
      var packets = call(offer, answer)
      try speak(&packets, try sender(key(1)), 1...30)
      let stream = try stream(packets)
      #expect(stream.protection == .closed && stream.openedPackets == 0 && stream.statistics.packets == 30)
    }
  }

  @Test func `behind a NAT the key is that of the other side of the receiver's dialog`() throws {
    var packets = call(line(key(1)), line(key(2)))
    try speak(&packets, try sender(key(1)), 1...30, from: IPAddress(v4: 0xCB00_7107), 61_000)
    #expect(try stream(packets).openedPackets == 30)
  }

  @Test func `a capture that begins after the sequence numbers have wrapped is opened with the ROC that verifies (RFC 3711 §3.3.1)`() throws
  {
    let sender = try sender(key(1))
    var before = Packets()
    try speak(&before, sender, 65_000...65_700)
    var packets = call(line(key(1)), line(key(2)))
    try speak(&packets, sender, 65_701...65_730)
    #expect(try stream(packets).openedPackets == 30)
  }

  @Test func `after a re-INVITE with another key both are read, the old one for what was on its way (RFC 4568 §7.1.4)`() throws {
    var packets = call(line(key(1)), line(key(2)))
    let old = try sender(key(1))
    try speak(&packets, old, 1...10)
    packets.udp(
      alice, to: bob,
      talk.request(
        "INVITE", cseq: 2, inDialog: true, sdp: Talk.sdp(alice, 10_000, extra: line(key(5))).replacing("RTP/AVP", with: "RTP/SAVP")))
    try speak(&packets, old, 11...11)
    var late = Packets()
    try speak(&late, old, 12...12)
    try speak(&packets, try sender(key(5)), 13...30)
    packets.udp(alice, 10_000, to: bob, 20_000, try #require(late.records.first).payload)
    #expect(try stream(packets).openedPackets == 30)
  }
}
