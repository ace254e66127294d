import Capture
import Inspection
import LabBench
import RTP
import SRTP
import SansIO
import Testing

@testable import Decryption

/// The clear twin of captures made by hand: each frame has what its sender had before it was protected.
@Suite struct TwinTests {
  private static let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"

  private func key(_ seed: UInt64) -> SRTPKey {
    var entropy = Entropy(seed: seed)
    return SRTPKey(for: .aesCM128HMACSHA1_80, entropy: &entropy)
  }

  private func sdp(_ host: IPAddress, _ port: UInt16, _ extra: String, _ profile: String = "RTP/SAVP") -> String {
    Talk.sdp(host, port, extra: extra).replacing("RTP/AVP", with: profile)
  }

  private func crypto(_ key: SRTPKey) -> String {
    "a=crypto:\(CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key]).serialized().text)\r\n"
  }

  /// Its packets as they were before they were protected, by their places in the capture.
  private func speak(_ packets: inout Packets, _ sender: SRTPSender, _ count: Int) throws -> [Int: Bytes] {
    var clear: [Int: Bytes] = [:]
    for number in 1...count {
      let packet = rtpPacket(0, UInt16(number), UInt32(number) * 160, 7)
      var bytes = packet.array
      try sender.protect(&bytes, .rtp)
      packets.udp(alice, 10_000, to: bob, 20_000, Bytes(bytes))
      clear[packets.records.count - 1] = packet
      packets.wait(20)
    }
    return clear
  }

  private func twin(_ file: Bytes, _ keyLog: String = "") throws -> (outcome: ClearTwin.Outcome, file: Bytes, packets: [CapturedPacket]) {
    let output = ByteOutput()
    let outcome = try ClearTwin(.memory(file), keyLogs: [Bytes(keyLog)], origin: .virtual).write(to: output)
    var reader = try CaptureReader(output.bytes)
    var packets: [CapturedPacket] = []
    while let packet = try reader.nextPacket() { packets.append(packet) }
    return (outcome, output.bytes, packets)
  }

  private func payload(_ packet: CapturedPacket) throws -> Bytes {
    guard case .transport(let found) = PacketDecoder.decode(packet) else { throw CaptureReadError(.timestamp, at: 0) }
    return packet.bytes[found.payload]
  }

  @Test func `RTP of the twin is byte for byte what its sender had, and frames keep their numbers and times`() throws {
    var packets = Packets()
    packets.establish(offer: sdp(alice, 10_000, crypto(key(1))), answer: sdp(bob, 20_000, crypto(key(2))))
    let clear = try speak(&packets, try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1))), 50)
    packets.hangUp()
    let twin = try twin(packets.file)
    #expect(twin.outcome.openedPackets == 50)
    #expect(try twin.packets.map(\.timestamp) == packets.captured.map(\.timestamp))
    for (place, packet) in clear { #expect(try payload(twin.packets[place]) == packet) }
    #expect(!twin.file.text.contains("inline:") && twin.outcome.closed.isEmpty)
    let report = try Inspector().inspect(twin.file)
    #expect(report.findings.allSatisfy { $0.severity == .note }, "\(report.findings)")
  }

  @Test func `RTP keyed by DTLS is in clear too, and the records of its handshake are empty frames (RFC 5764 §4.2)`() throws {
    let peers = try DTLSPeers(profiles: "SRTP_AEAD_AES_128_GCM", suite: .aeadAES128GCM)
    let line = "a=fingerprint:sha-256 AB\r\na=setup:actpass\r\n"
    var packets = Packets()
    packets.establish(offer: sdp(alice, 10_000, line, "UDP/TLS/RTP/SAVP"), answer: sdp(bob, 20_000, line, "UDP/TLS/RTP/SAVP"))
    let first = packets.records.count
    for datagram in peers.datagrams {
      let ends = datagram.fromClient ? (alice, UInt16(10_000), bob, UInt16(20_000)) : (bob, 20_000, alice, 10_000)
      packets.udp(ends.0, ends.1, to: ends.2, ends.3, datagram.bytes)
    }
    let clear = try speak(&packets, try peers.senders(.aeadAES128GCM).client, 20)
    let twin = try twin(packets.file, peers.keyLog)
    for (place, packet) in clear { #expect(try payload(twin.packets[place]) == packet) }
    for place in first..<first + peers.datagrams.count {
      #expect(try payload(twin.packets[place]).isEmpty)
      #expect(twin.packets[place].comments.last == "empty here: DTLS")
    }
    let closed = try self.twin(packets.file)
    #expect(closed.outcome.closed.contains { $0.hasSuffix("not opened, the capture has no secret for its DTLS handshake") })
    #expect(try closed.packets.suffix(20).allSatisfy { try payload($0).isEmpty })
  }

  @Test(arguments: [1, 7, 100, 2_000]) func `SIP over TCP is one stream again, wherever its segments end (RFC 9293 §3.4)`(size: Int) throws
  {
    let talk = Talk(transport: "TCP")
    let invite = talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, crypto(key(1))))
    let answer = talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, crypto(key(2))))
    var packets = Packets()
    packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 100)
    packets.tcp(bob, 5_060, to: alice, 40_000, [.syn, .ack], at: 900, ack: 101)
    func send(_ bytes: Bytes, fromAlice: Bool, at start: UInt32, ack: UInt32, _ packets: inout Packets) {
      for position in stride(from: 0, to: bytes.count, by: size) {
        let part = bytes[position..<min(position + size, bytes.count)]
        let sequence = start + UInt32(position)
        if fromAlice {
          packets.tcp(alice, 40_000, to: bob, 5_060, at: sequence, ack: ack, part)
          packets.tcp(bob, 5_060, to: alice, 40_000, .ack, at: ack, ack: sequence + UInt32(part.count))
        } else {
          packets.tcp(bob, 5_060, to: alice, 40_000, at: sequence, ack: ack, part)
        }
      }
    }
    let (end, last) = (101 + UInt32(invite.count), 901 + UInt32(answer.count))
    send(invite, fromAlice: true, at: 101, ack: 901, &packets)
    send(answer, fromAlice: false, at: 901, ack: end, &packets)
    packets.tcp(alice, 40_000, to: bob, 5_060, [.fin, .ack], at: end, ack: last)
    packets.tcp(bob, 5_060, to: alice, 40_000, [.fin, .ack], at: last, ack: end + 1)
    packets.tcp(alice, 40_000, to: bob, 5_060, .ack, at: end + 1, ack: last + 1)
    let twin = try twin(packets.file)
    #expect(twin.packets.count == packets.records.count)
    try expectOneStream(twin.packets, [ClearMessage.edited(invite), ClearMessage.edited(answer)])
  }

  /// Numbers without a hole, and acknowledgements of nothing that was not sent.
  private func expectOneStream(_ packets: [CapturedPacket], _ messages: [Bytes?]) throws {
    var streams: [TransportAddress: (bytes: [UInt8], next: UInt32)] = [:]
    for packet in packets {
      guard case .transport(let found) = PacketDecoder.decode(packet), case .tcp(let segment) = found.carrier else { continue }
      var stream = streams[found.source] ?? ([], segment.sequence)
      #expect(segment.sequence == stream.next)
      stream.bytes += packet.bytes[found.payload].array
      stream.next &+= UInt32(found.payload.count) + (segment.flags.contains(.syn) || segment.flags.contains(.fin) ? 1 : 0)
      streams[found.source] = stream
      if segment.flags.contains(.ack), let other = streams[found.destination] { #expect(segment.acknowledgement <= other.next) }
    }
    let ends = [TransportAddress(alice, port: 40_000), TransportAddress(bob, port: 5_060)]
    #expect(ends.map { Bytes(streams[$0]?.bytes ?? []) } == messages.map { $0 ?? Bytes() })
  }

  @Test func `packets that no key opens are empty, say so, and are counted; what came twice is shown twice`() throws {
    var packets = Packets()
    packets.establish(offer: sdp(alice, 10_000, crypto(key(1))), answer: sdp(bob, 20_000, crypto(key(2))))
    let clear = try speak(&packets, try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key(1))), 10)
    packets.udp(alice, 10_000, to: bob, 20_000, try #require(packets.records.last).payload)
    var damaged = try #require(packets.records.last).payload.array
    damaged[30] ^= 1
    packets.udp(alice, 10_000, to: bob, 20_000, Bytes(damaged))
    let twin = try twin(packets.file)
    #expect(try payload(twin.packets[packets.records.count - 2]) == clear[packets.records.count - 3])
    let last = try #require(twin.packets.last)
    #expect(try payload(last).isEmpty)
    #expect(last.comments.last == "empty here: SRTP that was not opened")
    #expect(twin.outcome.closedPackets == 1 && twin.outcome.closed.count == 1)
  }

  @Test func `a capture in clear has a twin that is the same, and is said to be in clear`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 10)
    packets.hangUp()
    let twin = try twin(packets.file)
    #expect(!twin.outcome.isSecured && !twin.outcome.isOpened)
    #expect(try twin.packets.map(\.bytes) == packets.captured.map(\.bytes))
  }

  @Test func `a twin is named by its capture`() {
    #expect(ClearTwin.path(of: "out/pbx.pcapng") == "out/pbx.clear.pcapng" && ClearTwin.path(of: "a.b/x.pcap") == "a.b/x.clear.pcapng")
    #expect(ClearTwin.path(of: "a.b/trace") == "a.b/trace.clear.pcapng" && ClearTwin.path(of: ".pcap") == ".pcap.clear.pcapng")
  }
}
