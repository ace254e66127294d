import LabBench
import RTP
import SRTP
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// SRTP that is read by the secret of a DTLS handshake and by a key log, and what is said of what stays closed.
@Suite struct SRTPReadingTests {
  private static let fingerprint = "a=fingerprint:sha-256 \(Array(repeating: "AB", count: 32).joined(separator: ":"))\r\n"

  private func sdp(_ host: IPAddress, _ port: UInt16, _ extra: String, _ profile: String = "UDP/TLS/RTP/SAVP") -> String {
    Talk.sdp(host, port, extra: extra).replacing("RTP/AVP", with: profile)
  }

  private func call(_ extra: String = fingerprint, _ profile: String = "UDP/TLS/RTP/SAVP") -> Packets {
    var packets = Packets()
    packets.establish(offer: sdp(alice, 10_000, extra, profile), answer: sdp(bob, 20_000, extra, profile))
    return packets
  }

  /// Alice is the client.
  private func shake(_ peers: DTLSPeers, _ packets: inout Packets, reversed: Bool = false) {
    for datagram in reversed ? peers.datagrams.reversed() : peers.datagrams {
      let ends = datagram.fromClient ? (alice, UInt16(10_000), bob, UInt16(20_000)) : (bob, 20_000, alice, 10_000)
      packets.udp(ends.0, ends.1, to: ends.2, ends.3, datagram.bytes)
      packets.wait(1)
    }
  }

  private func speak(_ packets: inout Packets, _ sender: SRTPSender, _ numbers: ClosedRange<Int>, fromBob: Bool = false) throws {
    for number in numbers {
      var bytes = rtpPacket(0, UInt16(number), UInt32(number) * 160, fromBob ? 8 : 7).array
      try sender.protect(&bytes, .rtp)
      if fromBob {
        packets.udp(bob, 20_000, to: alice, 10_000, Bytes(bytes))
      } else {
        packets.udp(alice, 10_000, to: bob, 20_000, Bytes(bytes))
      }
      packets.wait(20)
    }
  }

  private func report(_ packets: Packets, _ secrets: String...) throws -> InspectionReport {
    try Inspector(secrets: secrets.map { Bytes($0) }).inspect(packets.file)
  }

  private func key(_ seed: UInt64) -> SRTPKey {
    var entropy = Entropy(seed: seed)
    return SRTPKey(for: .aesCM128HMACSHA1_80, entropy: &entropy)
  }

  @Test(
    arguments: [
      ("SRTP_AES128_CM_SHA1_80", .aesCM128HMACSHA1_80, "ECDHE+AES128+AESGCM", 1_200),
      ("SRTP_AES128_CM_SHA1_32", .aesCM128HMACSHA1_32, "ECDHE+AES256+AESGCM", 1_200),
      ("SRTP_AEAD_AES_128_GCM", .aeadAES128GCM, "ECDHE+CHACHA20", 1_200),
      ("SRTP_AEAD_AES_256_GCM", .aeadAES256GCM, "ECDHE+AES128+AESGCM", 256),
    ] as [(String, SRTPSuite, String, Int)])
  func `both directions are opened by the secret of their DTLS handshake, whose hellos may come in fragments (RFC 5764 §4.2)`(
    profile: String, suite: SRTPSuite, ciphers: String, largest: Int
  ) throws {
    let peers = try DTLSPeers(profiles: profile, suite: suite, ciphers: ciphers, largest: largest)
    var packets = call()
    shake(peers, &packets)
    let senders = try peers.senders(suite)
    try speak(&packets, senders.client, 1...20)
    try speak(&packets, senders.server, 1...20, fromBob: true)
    let report = try report(packets, peers.keyLog)
    #expect(report.streams.map(\.openedPackets) == [20, 20] && report.streams.allSatisfy { $0.octets == 20 * 160 })
    #expect(report.streams.allSatisfy { report.protection(of: $0)?.source == .dtls && report.protection(of: $0)?.obstacle == nil })
    #expect(report.text().contains { $0.contains("SRTP, opened with a key of the capture (DTLS)") })
  }

  @Test func `what stays closed says why: no secret, no handshake, no profile, a version that is not read`() throws {
    let suite = SRTPSuite.aesCM128HMACSHA1_80
    func closed(_ peers: DTLSPeers?, _ secrets: String = "") throws -> String? {
      var packets = call()
      if let peers { shake(peers, &packets) }
      try speak(&packets, try SRTPSender(try SRTPKeys(suite, key(1))), 1...5)
      let report = try report(packets, secrets)
      return try report.protection(of: #require(report.streams.first))?.obstacle?.description
    }
    let peers = try DTLSPeers(profiles: "SRTP_AES128_CM_SHA1_80", suite: suite)
    #expect(try closed(peers) == "the capture has no secret for its DTLS handshake")
    #expect(try closed(nil) == "its DTLS handshake is not in the capture")
    #expect(
      try closed(DTLSPeers(profiles: nil, suite: suite)) == "its DTLS handshake agreed on no protection profile for SRTP")
    #expect(
      try closed(DTLSPeers(profiles: "SRTP_AES128_CM_SHA1_80", suite: suite, ciphers: "ALL", isOld: true))
        == "its keys come from DTLS 1.0, which is not read here")
    #expect(try closed(peers, peers.keyLog)?.hasPrefix("not verified by its key: the authentication tag is wrong") == true)
  }

  @Test func `a key log gives the key of a place in a comment, as a crypto attribute`() throws {
    var packets = call("", "RTP/SAVP")
    try speak(&packets, try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1))), 1...10)
    let attribute = CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key(1)]).serialized().text
    let report = try report(packets, "# SRTP \(alice):10000 \(attribute)")
    #expect(report.streams.first?.openedPackets == 10)
    #expect(report.text().contains { $0.contains("SRTP, opened with a key of the key log") })
    let closed = try self.report(packets)
    #expect(closed.text().contains { $0.contains("SRTP, closed: its description has no key") })
  }

  @Test func `keys that were overwritten in a capture are no keys, and nobody is accused of them`() throws {
    let line = { (key: SRTPKey) in "a=crypto:\(CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key]).serialized().text)\r\n" }
    let removed = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(String(repeating: "x", count: 40))\r\n"
    var packets = call(removed, "RTP/SAVP")
    try speak(&packets, try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1))), 1...30)
    packets.hangUp()
    let report = try report(packets)
    #expect(report.text().contains { $0.contains("SRTP, closed: its key was overwritten before the capture was handed on") })
    #expect(report.findings.allSatisfy { !$0.check.hasPrefix("crypto") && $0.check != "srtp-unverified" }, "\(report.findings)")
    var wrong = call(line(key(5)), "RTP/SAVP")
    try speak(&wrong, try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1))), 1...30)
    #expect(try self.report(wrong).text().contains { $0.contains("SRTP, closed: not verified by its key") })
  }

  @Test func `SRTP with the key of an earlier description is named a second after the new agreement (RFC 4568 §7.1.4)`() throws {
    func line(_ seed: UInt64) -> String {
      "a=crypto:\(CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key(seed)]).serialized().text)\r\n"
    }
    /// Alice brings the key 2 instead of 1, and sends so many packets before she uses it.
    func remarks(_ late: Int, isAnswered: Bool = true) throws -> [String] {
      var packets = Packets()
      let answer = sdp(bob, 20_000, line(9), "RTP/SAVP")
      packets.establish(offer: sdp(alice, 10_000, line(1), "RTP/SAVP"), answer: answer)
      let sender = try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1)))
      try speak(&packets, sender, 1...20)
      let offer = sdp(alice, 10_000, line(2), "RTP/SAVP")
      if isAnswered {
        packets.reinvite(cseq: 2, offer: offer, answer: answer)
      } else {
        packets.udp(alice, to: bob, Talk().request("INVITE", cseq: 2, inDialog: true, sdp: offer))
        packets.udp(bob, to: alice, Talk().response("488 Not Acceptable Here", cseq: 2, "INVITE"))
      }
      if late > 0 { try speak(&packets, sender, 21...(20 + late)) }
      try sender.rekey(try SRTPKeys(.aesCM128HMACSHA1_80, key(2)), isNewAddress: false, reading: .keepROC)
      if late < 100 { try speak(&packets, sender, (21 + late)...120) }
      return try report(packets).findings.filter { $0.breach == .srtpFormerKey }.map(\.text)
    }
    #expect(try remarks(100).count == 1)
    #expect(try remarks(100).first?.hasPrefix("\(alice):10000 still sends SRTP with a key that its description of frame") == true)
    #expect(try remarks(0) == [], "the new key at once")
    #expect(try remarks(10) == [], "a few packets were on their way")
    #expect(try remarks(100, isAnswered: false) == [], "what a refused offer says never held")
  }

  @Test func `a damaged first packet does not close a stream`() throws {
    let attribute = CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key(1)]).serialized().text
    var packets = call("a=crypto:\(attribute)\r\n", "RTP/SAVP")
    let sender = try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1)))
    var damaged = rtpPacket(0, 1, 160, 7).array
    try sender.protect(&damaged, .rtp)
    damaged[20] ^= 1
    packets.udp(alice, 10_000, to: bob, 20_000, Bytes(damaged))
    try speak(&packets, sender, 2...10)
    let report = try report(packets)
    #expect(report.streams.first?.openedPackets == 9 && report.streams.first?.closedPackets == 1)
    #expect(report.text().contains { $0.contains("(SDES); 1 packet stayed closed: not verified by its key") })
  }

  @Test func `a line of a key log that cannot be read is found, and none of its secret is said (RFC 9850 §2)`() throws {
    let random = String(repeating: "ab", count: 32)
    func mistake(_ text: String) -> String? { KeyLog.mistake(in: Bytes(text)).map { "\($0)" } }
    #expect(mistake("# comment\n\nCLIENT_RANDOM \(random) \(random)\r\nFUTURE_LABEL \(random) 00\n") == nil)
    #expect(
      mistake("CLIENT_RANDOM \(random) \(random)\nCLIENT_RANDOM \(random)") == "2: expected 'LABEL client-random secret', found 2 words")
    #expect(mistake("CLIENT_RANDOM abcd \(random)") == "1: the client random is not 64 hexadecimal digits")
    #expect(mistake("CLIENT_RANDOM \(random) xyz") == "1: the secret is not hexadecimal")
    #expect(mistake("\n# SRTP here 1 AES_CM_128_HMAC_SHA1_80 inline:x")?.hasPrefix("2: '# SRTP' is not followed by an address") == true)
    #expect(mistake("# SRTP 192.0.2.1:4000 1 AES_CM_128_HMAC_SHA1_80 inline:QUJD")?.hasPrefix("1: ") == true)
  }
}
