import LabBench
import RTP
import SRTP
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// SRTP that comes before the reader has its key: before the answer, before a handshake's end, before the secrets of a capture.
@Suite struct EarlySRTPTests {
  private static let fingerprint = "a=fingerprint:sha-256 \(Array(repeating: "AB", count: 32).joined(separator: ":"))\r\n"
  private let suite = SRTPSuite.aesCM128HMACSHA1_80
  private let talk = Talk()

  private func key(_ seed: UInt64) -> SRTPKey {
    var entropy = Entropy(seed: seed)
    return SRTPKey(for: suite, entropy: &entropy)
  }

  private func sender(_ seed: UInt64) throws -> SRTPSender { try SRTPSender(try SRTPKeys(suite, key(seed))) }

  private func sdp(_ host: IPAddress, _ port: UInt16, _ seed: UInt64) -> String {
    let line = CryptoAttribute(tag: 1, suite: suite, keys: [key(seed)]).serialized().text
    return Talk.sdp(host, port, extra: "a=crypto:\(line)\r\n").replacing("RTP/AVP", with: "RTP/SAVP")
  }

  /// Bob speaks to Alice.
  private func speak(_ packets: inout Packets, _ sender: SRTPSender, _ numbers: ClosedRange<Int>) throws {
    for number in numbers {
      var bytes = rtpPacket(0, UInt16(number), UInt32(number) * 160, 8).array
      try sender.protect(&bytes, .rtp)
      packets.udp(bob, 20_000, to: alice, 10_000, Bytes(bytes))
      packets.wait(20)
    }
  }

  private func report(_ packets: Packets) throws -> InspectionReport { try Inspector().inspect(packets.file) }

  @Test func `what the callee sends before its answer is opened when the answer brings the key (RFC 4568 §6)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, 1)))
    let sender = try sender(2)
    try speak(&packets, sender, 1...30)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, 2)))
    try speak(&packets, sender, 31...60)
    let stream = try #require(try report(packets).streams.first)
    #expect(stream.openedPackets == 60 && stream.closedPackets == 0 && stream.uncertainPackets == 30)
    #expect(stream.octets == 60 * 160)
  }

  @Test func `it is opened also where nothing more comes after the answer, and without an offer before it`() throws {
    for hasOffer in [true, false] {
      var packets = Packets()
      if hasOffer { packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, 1))) }
      try speak(&packets, try sender(2), 1...30)
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, 2)))
      let stream = try #require(try report(packets).streams.first)
      #expect(stream.openedPackets == 30 && stream.closedPackets == 0 && stream.clear.count == 0, "offer: \(hasOffer)")
    }
  }

  @Test func `a new key is used before the answer of its re-INVITE comes: each packet is opened by its own (RFC 4568 §6)`() throws {
    var packets = Packets()
    packets.establish(offer: sdp(alice, 10_000, 1), answer: sdp(bob, 20_000, 2))
    try speak(&packets, try sender(2), 1...20)
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: sdp(alice, 10_000, 3)))
    try speak(&packets, try sender(4), 21...40)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "INVITE", sdp: sdp(bob, 20_000, 4)))
    try speak(&packets, try sender(4), 41...45)
    try speak(&packets, try sender(2), 46...47)
    let stream = try #require(try report(packets).streams.first)
    #expect(stream.openedPackets == 47 && stream.closedPackets == 0)
    #expect(stream.uncertainPackets == 22, "20 that came before their key, and two late ones under the old one")
  }

  @Test func `so many wait as 5 s of audio have, and the rest stays closed`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, 1)))
    try speak(&packets, try sender(2), 1...400)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, 2)))
    let stream = try #require(try report(packets).streams.first)
    #expect(stream.openedPackets == 256 && stream.closedPackets == 144)
  }

  @Test func `a damaged packet before the others keeps none of them closed`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, 1)))
    packets.udp(bob, 20_000, to: alice, 10_000, Bytes(rtpPacket(0, 1, 160, 8).array + [UInt8](repeating: 7, count: 10)))
    try speak(&packets, try sender(2), 2...20)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, 2)))
    let stream = try #require(try report(packets).streams.first)
    #expect(stream.openedPackets == 19 && stream.closedPackets == 1)
  }

  @Test func `what nobody finds a key for stays closed, and says why`() throws {
    var packets = Packets()
    packets.establish(offer: sdp(alice, 10_000, 1), answer: sdp(bob, 20_000, 2))
    try speak(&packets, try sender(9), 1...30)
    let report = try report(packets)
    let stream = try #require(report.streams.first)
    #expect(stream.openedPackets == 0 && stream.closedPackets == 30)
    #expect(report.protection(of: stream)?.obstacle?.name == "not-verified")
  }

  // MARK: - DTLS

  private func keyed(_ server: (IPAddress, UInt16) = (bob, 20_000)) throws -> (packets: Packets, peers: DTLSPeers) {
    let peers = try DTLSPeers(profiles: "SRTP_AES128_CM_SHA1_80", suite: suite)
    var packets = Packets()
    let (offer, answer) = (Talk.sdp(alice, 10_000, extra: Self.fingerprint), Talk.sdp(bob, 20_000, extra: Self.fingerprint))
    packets.establish(
      offer: offer.replacing("RTP/AVP", with: "UDP/TLS/RTP/SAVP"), answer: answer.replacing("RTP/AVP", with: "UDP/TLS/RTP/SAVP"))
    for datagram in peers.datagrams {
      if datagram.fromClient {
        packets.udp(alice, 10_000, to: bob, 20_000, datagram.bytes)
      } else {
        packets.udp(server.0, server.1, to: alice, 10_000, datagram.bytes)
      }
      packets.wait(1)
    }
    return (packets, peers)
  }

  @Test func `a secret that the capture has behind the packets opens them all the same`() throws {
    var (packets, peers) = try keyed()
    try speak(&packets, try peers.senders(suite).server, 1...30)
    let reader = PassiveReader(path: "test")
    for packet in try packets.captured { _ = reader.take(packet) }
    #expect(reader.streams.credible.first?.openedPackets == 0)
    _ = reader.takeSecrets(KeyLogLine(peers.keyLog))
    _ = reader.finish(problem: nil)
    let stream = try #require(reader.streams.credible.first)
    #expect(stream.openedPackets == 30 && stream.closedPackets == 0)
    #expect(reader.streams.obstacle(of: stream) { _ in false } == nil)
  }

  @Test func `a handshake that is answered from another place than was asked gives the keys of both ways (RFC 5764 §4.2)`() throws {
    let elsewhere = IPAddress(v4: 0xCB00_7107)
    var (packets, peers) = try keyed((elsewhere, 20_000))
    let senders = try peers.senders(suite)
    for number in 1...20 {
      for (sender, isClient) in [(senders.client, true), (senders.server, false)] {
        var bytes = rtpPacket(0, UInt16(number), UInt32(number) * 160, isClient ? 7 : 8).array
        try sender.protect(&bytes, .rtp)
        if isClient {
          // The first one goes where the description says, the others where the peer is.
          packets.udp(alice, 10_000, to: number == 1 ? bob : elsewhere, 20_000, Bytes(bytes))
        } else {
          packets.udp(elsewhere, 20_000, to: alice, 10_000, Bytes(bytes))
        }
      }
      packets.wait(20)
    }
    let report = try Inspector(secrets: [Bytes(peers.keyLog)]).inspect(packets.file)
    #expect(report.streams.map(\.openedPackets).sorted() == [1, 19, 20])
    #expect(report.streams.allSatisfy { report.protection(of: $0)?.source == .dtls && $0.closedPackets == 0 })
  }

  // MARK: - Loss

  /// Alice says how many packets of Bob she lacks.
  private func reported(lost: Int) throws -> [InspectionFinding] {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, 1)))
    let sender = try sender(2)
    try speak(&packets, sender, 1...40)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, 2)))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    try speak(&packets, sender, 41...200)
    let block = ReceptionReport(
      ssrc: 8, fractionLost: 0, cumulativeLost: Int32(lost), extendedHighestSequence: 200, jitter: 0, lastSenderReport: 0,
      delaySinceLastSenderReport: 0)
    var bytes = RTCPPacket.serialized([.receiverReport(ssrc: 7, [block]), .cname(ssrc: 7, "alice")]).array
    try self.sender(1).protect(&bytes, .rtcp)
    packets.udp(alice, 10_001, to: bob, 20_001, Bytes(bytes))
    packets.hangUp()
    return try report(packets.seen(by: alice)).findings.filter { $0.check == "reported-loss" }
  }

  @Test(arguments: [(0, false), (40, false), (60, true)])
  func `whether a receiver counts what came before its key is its own business, and no more than that (RFC 3550 §6.4.1)`(
    lost: Int, isWrong: Bool
  ) throws {
    #expect(try reported(lost: lost).isEmpty != isWrong)
  }
}
