import RTP
import Rules
import SDP
import SRTP
import SansIO
import Testing

@testable import Media

/// A stream whose packets go through SRTP.
@Suite struct ProtectedStreamTests {
  private let here = TransportAddress(IPAddress(v4: 0xC000_0201), port: 4_000)
  private let there = TransportAddress(IPAddress(v4: 0xC000_0202), port: 5_000)

  private func keys(_ seed: UInt64, _ suite: SRTPSuite = .aesCM128HMACSHA1_80) throws -> AgreedKeys {
    var entropy = Entropy(seed: seed)
    return AgreedKeys(
      send: try SRTPKeys(suite, SRTPKey(for: suite, entropy: &entropy)),
      receive: try SRTPKeys(suite, SRTPKey(for: suite, entropy: &entropy)))
  }

  private func agreement(_ keys: AgreedKeys?, local: TransportAddress? = nil, remote: TransportAddress? = nil) -> AudioAgreement {
    let remote = remote ?? there
    var agreement = AudioAgreement(
      codec: .pcmu, local: local ?? here, remote: remote, remoteControl: TransportAddress(remote.address, port: remote.port + 1),
      direction: .sendrecv, sendPayloadType: 0, receivePayloadType: 0, packetTime: 20)
    if let keys { agreement.protection = .sdes(keys) }
    return agreement
  }

  /// The peer's packet, protected.
  private func packet(_ sender: SRTPSender, _ sequence: UInt16) throws -> Bytes {
    var bytes = RTPPacket(
      payloadType: 0, marker: sequence == 1, sequenceNumber: sequence, timestamp: UInt32(sequence) * 160, ssrc: 7,
      payload: Bytes([UInt8](repeating: 0xFF, count: 160))
    ).serialized().array
    try sender.protect(&bytes, .rtp)
    return Bytes(bytes)
  }

  private func rtp(_ out: Outbox) -> [(to: TransportAddress, bytes: Bytes)] {
    out.departures.compactMap { if case .datagram(PortID(1), to: let to, let bytes, _) = $0 { (to, bytes) } else { nil } }
  }

  private func arrival(_ bytes: Bytes, from source: TransportAddress? = nil) -> Arrival {
    .datagram(PortID(1), from: source ?? there, bytes)
  }

  @Test(arguments: SRTPSuite.preference)
  func `what leaves is protected with our key, and what comes is opened with the peer's (RFC 3711 §3.3)`(suite: SRTPSuite) throws {
    let keys = try keys(1, suite)
    var stream = MediaStream.running(agreement(keys))
    var out = Outbox()
    stream.wake(at: Instant(nanoseconds: 20_000_000), &out)
    let sent = try #require(rtp(out).first)
    let opened = try SRTPReceiver(keys.send).unprotect(sent.bytes, .rtp)
    #expect(try RTPPacket.parse(opened).payload.count == 160 && sent.bytes.count > opened.count)
    let sender = try SRTPSender(keys.receive)
    for sequence in 1...3 as ClosedRange<UInt16> {
      let isTaken = stream.takes(arrival(try packet(sender, sequence)), at: .zero)
      #expect(isTaken)
    }
    let rules = stream.rules()
    #expect(stream.report.packetsReceived == 3 && rules.isEmpty)
  }

  @Test func `a packet in clear, of another key or changed is no sign of life, is counted nowhere and named once (RFC 3711 §3.3)`() throws {
    let keys = try keys(1)
    var stream = MediaStream.running(agreement(keys))
    let plain = RTPPacket(
      payloadType: 0, marker: false, sequenceNumber: 1, timestamp: 0, ssrc: 7, payload: Bytes([UInt8](repeating: 0, count: 160)))
    let taken1 = stream.takes(arrival(plain.serialized()), at: .zero)
    #expect(!taken1)
    let taken2 = stream.takes(arrival(try packet(try SRTPSender(try self.keys(2).receive), 1)), at: .zero)
    #expect(!taken2)
    var changed = try packet(try SRTPSender(keys.receive), 1).array
    changed[20] ^= 1
    let taken3 = stream.takes(arrival(Bytes(changed)), at: .zero)
    #expect(!taken3)
    #expect(stream.report.packetsReceived == 0)
    let rules = stream.rules()
    #expect(rules == [.srtpUnverified])
  }

  @Test func `a replayed packet is dropped and is nobody's mistake: networks double packets (RFC 3711 §3.3.2)`() throws {
    let keys = try keys(1)
    var stream = MediaStream.running(agreement(keys))
    let first = try packet(try SRTPSender(keys.receive), 1)
    let taken4 = stream.takes(arrival(first), at: .zero)
    #expect(taken4)
    let taken5 = stream.takes(arrival(first), at: .zero)
    #expect(!taken5)
    let rules = stream.rules()
    #expect(stream.report.packetsReceived == 1 && rules.isEmpty)
  }

  @Test func `media goes to where the first verified packet came from; a stranger's do not move it (contract 8.5)`() throws {
    let keys = try keys(1)
    var stream = MediaStream.running(agreement(keys))
    let (nat, stranger) = (TransportAddress(IPAddress(v4: 0xCB00_7107), port: 9), TransportAddress(IPAddress(v4: 0xCB00_7108), port: 9))
    let forged = try SRTPSender(try self.keys(2).receive)
    for sequence in 1...6 as ClosedRange<UInt16> { stream.takes(arrival(try packet(forged, sequence), from: stranger), at: .zero) }
    stream.takes(arrival(try packet(try SRTPSender(keys.receive), 1), from: nat), at: .zero)
    var out = Outbox()
    stream.wake(at: Instant(nanoseconds: 20_000_000), &out)
    #expect(rtp(out).map(\.to) == [nat])
  }

  @Test func `a new key takes over with the agreement, and packets under the one before are still read (RFC 4568 §7.1.4)`() throws {
    let (old, new) = (try keys(1), try keys(2))
    var stream = MediaStream.running(agreement(old))
    let before = try SRTPSender(old.receive)
    stream.takes(arrival(try packet(before, 1)), at: .zero)
    let late = try packet(before, 2)
    stream.handle(.renegotiate(agreement(new), isKnown: true), at: .zero)
    let after = try SRTPSender(old.receive)
    try after.rekey(new.receive, isNewAddress: false, reading: .keepROC)
    let taken6 = stream.takes(arrival(try packet(after, 3)), at: .zero)
    #expect(taken6)
    let taken7 = stream.takes(arrival(late), at: .zero)
    #expect(taken7)
    let rules = stream.rules()
    #expect(stream.report.packetsReceived == 3 && rules.isEmpty)
  }

  @Test func `a stream that turns from SRTP to clear and back follows each agreement`() throws {
    let keys = try keys(1)
    var stream = MediaStream.running(agreement(nil))
    let plain = { (sequence: UInt16) in
      RTPPacket(
        payloadType: 0, marker: false, sequenceNumber: sequence, timestamp: UInt32(sequence) * 160, ssrc: 7,
        payload: Bytes([UInt8](repeating: 0, count: 160))
      )
      .serialized()
    }
    let taken8 = stream.takes(arrival(plain(1)), at: .zero)
    #expect(taken8)
    stream.handle(.renegotiate(agreement(keys), isKnown: true), at: .zero)
    let taken9 = stream.takes(arrival(plain(2)), at: .zero)
    #expect(!taken9)
    let taken10 = stream.takes(arrival(try packet(try SRTPSender(keys.receive), 3)), at: .zero)
    #expect(taken10)
    stream.handle(.renegotiate(agreement(nil), isKnown: true), at: .zero)
    let taken11 = stream.takes(arrival(plain(4)), at: .zero)
    #expect(taken11)
  }
}
