import CallControl
import Foundation
import Kallglot
import LabBench
import SIPUserAgent
import SRTP
import SansIO
import Testing

@testable import Serving

/// A call over TLS with SRTP in the files of a live host.
@Suite struct SealedCallTests {
  private static let (us, them) = (TransportAddress(bob, port: 5_061), TransportAddress(alice, port: 40_000))
  private let keys: [SRTPKey] = ([1, 2] as [UInt64]).map { seed in
    var entropy = Entropy(seed: seed)
    return SRTPKey(for: .aesCM128HMACSHA1_80, entropy: &entropy)
  }

  private func sdp(_ host: IPAddress, _ port: UInt16, _ key: SRTPKey) -> String {
    let line = CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key]).serialized().text
    return Talk.sdp(host, port, extra: "a=crypto:\(line)\r\n").replacing("RTP/AVP", with: "RTP/SAVP")
  }

  /// Alice calls, and sends ten packets.
  private func files(keepsSecrets: Bool) throws -> (reading: CaptureReading, clear: [Bytes], all: Data) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sealed-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let captures = CallCaptures(folder: folder, host: "kallglot", epoch: .virtual, keepsSecrets: keepsSecrets)
    var now = Instant.zero
    func packet(_ carrier: PacketRecord.Carrier, _ payload: Bytes, _ from: TransportAddress, _ to: TransportAddress) {
      now = now.adding(nanoseconds: 20_000_000)
      captures.packet(
        PacketRecord(
          at: now, host: HostID(0), frame: 1, direction: from.address == bob ? .sent : .received, carrier: carrier, source: from,
          destination: to, payload: payload, label: .none))
    }
    func tell(_ body: JournalRecord.Body) { captures.record(JournalRecord(at: now, host: HostID(0), body)) }
    func say(_ text: Bytes, fromAlice: Bool) {
      let (from, to) = fromAlice ? (Self.them, Self.us) : (Self.us, Self.them)
      packet(.tcp(TCPSegment(sequence: 1, acknowledgement: 1, flags: .ack)), Bytes([22, 3, 3, 0, 4, 1, 2, 3, 4]), from, to)
      tell(.plaintext(PlaintextRecord(ConnectionID(1), fromAlice ? .received : .sent, from: from, to: to, text, .none)))
    }
    let talk = Talk(callID: "sealed", transport: "TLS")
    let (leg, media) = (LegID(1), TransportAddress(bob, port: 20_000))
    tell(.secret(KeyLogLine("CLIENT_RANDOM \(String(repeating: "5a", count: 32)) \(String(repeating: "a5", count: 48))")))
    say(talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000, keys[0])), fromAlice: true)
    tell(
      .event(
        EndpointEvent.party(
          CallAgentEvent.started(
            leg,
            LegFacts(
              direction: .incoming, callID: "sealed", from: "sip:a@b", to: "sip:c@d", transport: .tls, peer: Self.them, name: nil)))))
    tell(.event(EndpointEvent.party(CallAgentEvent.mediaPorts(leg, rtp: media))))
    tell(.bound(media, .datagram))
    say(talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, 20_000, keys[1])), fromAlice: false)
    let sender = try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, keys[0]))
    var clear: [Bytes] = []
    for number in 1...10 {
      let whole = rtpPacket(0, UInt16(number), UInt32(number) * 160, 7)
      var bytes = whole.array
      try sender.protect(&bytes, .rtp)
      packet(.udp, Bytes(bytes), TransportAddress(alice, port: 10_000), media)
      clear.append(whole)
    }
    captures.finish(at: now)
    var all = Data()
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      all += try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return (try CaptureReading(folder), clear, all)
  }

  @Test func `the file of a call over TLS is its clear twin: SIP without keys, and RTP as its sender had it`() throws {
    let (reading, clear, _) = try files(keepsSecrets: true)
    let call = try #require(reading.calls.first)
    #expect(call.name.hasSuffix(".clear.pcapng") && call.secrets == 0)
    #expect(call.text.contains("RTP/AVP") && call.text.contains("a=x-lab-removed"))
    #expect(!call.text.contains("inline:") && !call.text.contains("SAVP"))
    #expect(call.packets.filter { $0.decoded.carrier == .udp }.map(\.payload) == clear)
  }

  @Test func `without secrets no file has a key, or what TLS or SRTP carried`() throws {
    let (reading, clear, all) = try files(keepsSecrets: false)
    #expect(reading.calls.map { $0.name.hasSuffix(".clear.pcapng") } == [false] && reading.files.allSatisfy { $0.secrets == 0 })
    for secret in keys.flatMap({ [Data($0.reveal()), Data($0.revealBase64().utf8)] }) { #expect(all.range(of: secret) == nil) }
    #expect(all.range(of: Data("a5a5a5a5".utf8)) == nil && all.range(of: Data("INVITE".utf8)) == nil)
    #expect(clear.allSatisfy { all.range(of: Data($0.array)) == nil })
    #expect(reading.calls[0].packets.count == 10, "media stays as it crossed")
  }
}
