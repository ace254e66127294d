import CallControl
import Foundation
import Kallglot
import LabBench
import SIPUserAgent
import SRTP
import SansIO
import Testing

@testable import Inspection
@testable import Serving

/// Calls whose SRTP is keyed by DTLS, in the files of a live host: the secrets are in the call's own file, before their first use.
@Suite struct KeyedCallTests {
  private static let digest = Array(repeating: "AB", count: 32).joined(separator: ":")
  private static let fingerprint = "a=fingerprint:sha-256 \(digest)\r\na=setup:actpass\r\n"
  private static let (us, them) = (TransportAddress(bob, port: 5_060), TransportAddress(alice, port: 5_060))
  private let suite = SRTPSuite.aesCM128HMACSHA1_80

  private final class Desk {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("keyed-\(UUID().uuidString)").path
    let captures: CallCaptures
    private(set) var now = Instant.zero
    private var frame: UInt32 = 0

    init(keepsSecrets: Bool) throws {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      captures = CallCaptures(folder: folder, host: "kallglot", epoch: .virtual, keepsSecrets: keepsSecrets)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func packet(_ payload: Bytes, _ from: TransportAddress, _ to: TransportAddress, _ carrier: PacketRecord.Carrier = .udp) {
      now = now.adding(nanoseconds: 20_000_000)
      frame += 1
      captures.packet(
        PacketRecord(
          at: now, host: HostID(0), frame: frame, direction: from.address == bob ? .sent : .received, carrier: carrier, source: from,
          destination: to, payload: payload, label: .none))
    }

    func tell(_ body: JournalRecord.Body) { captures.record(JournalRecord(at: now, host: HostID(0), body)) }
    func tell(_ event: CallAgentEvent) { tell(.event(EndpointEvent.party(event))) }
  }

  private func sdp(_ host: IPAddress, _ port: UInt16) -> String {
    Talk.sdp(host, port, extra: Self.fingerprint).replacing("RTP/AVP", with: "UDP/TLS/RTP/SAVP")
  }

  /// Alice calls, shakes hands and sends ten packets; a packet of SIP without a call comes between.
  private func call(_ desk: Desk, _ name: String, port: UInt16, leg: LegID, overTLS: Bool, from source: IPAddress = alice) throws -> String
  {
    let peers = try DTLSPeers(profiles: "SRTP_AES128_CM_SHA1_80", suite: suite)
    let (talk, media) = (Talk(callID: name, transport: overTLS ? "TLS" : "UDP"), TransportAddress(bob, port: port))
    func say(_ text: Bytes, fromAlice: Bool) {
      let (from, to) = fromAlice ? (Self.them, Self.us) : (Self.us, Self.them)
      guard overTLS else { return desk.packet(text, from, to) }
      desk.packet(Bytes([22, 3, 3, 0, 4, 1, 2, 3, 4]), from, to, .tcp(TCPSegment(sequence: 1, acknowledgement: 1, flags: .ack)))
      desk.tell(.plaintext(PlaintextRecord(ConnectionID(1), fromAlice ? .received : .sent, from: from, to: to, text, .none)))
    }
    say(talk.request("INVITE", cseq: 1, sdp: sdp(alice, 10_000)), fromAlice: true)
    desk.tell(
      .started(
        leg,
        LegFacts(
          direction: .incoming, callID: name, from: "sip:a@b", to: "sip:c@d", transport: overTLS ? .tls : .udp, peer: Self.them, name: nil))
    )
    desk.tell(.mediaPorts(leg, rtp: media))
    desk.tell(.bound(media, .datagram))
    say(talk.response("200 OK", cseq: 1, "INVITE", sdp: sdp(bob, port)), fromAlice: false)
    say(talk.request("ACK", cseq: 1, branch: "ack", inDialog: true), fromAlice: true)
    let remote = TransportAddress(source, port: 10_000)
    var isTold = false
    for (index, datagram) in peers.datagrams.enumerated() {
      if datagram.fromClient { desk.packet(datagram.bytes, remote, media) } else { desk.packet(datagram.bytes, media, remote) }
      // The host finds it in the client's second flight.
      guard datagram.fromClient, index > 1, !isTold else { continue }
      isTold = true
      desk.tell(.secret(KeyLogLine(peers.keyLog)))
    }
    #expect(isTold)
    desk.packet(Talk(callID: "stranger").request("OPTIONS", cseq: 1), Self.them, Self.us)
    let sender = try peers.senders(suite).client
    for number in 1...10 {
      var bytes = rtpPacket(0, UInt16(number), UInt32(number) * 160, 7).array
      try sender.protect(&bytes, .rtp)
      desk.packet(Bytes(bytes), remote, media)
    }
    return peers.keyLog
  }

  @Test func `each call over UDP has the secrets of its own handshake, and its file opens itself (RFC 5764 §4.2)`() throws {
    let desk = try Desk(keepsSecrets: true)
    _ = try call(desk, "one", port: 20_000, leg: LegID(1), overTLS: false)
    // Media from another address than its description says, as of a host with two.
    _ = try call(desk, "two", port: 20_002, leg: LegID(2), overTLS: false, from: IPAddress(v4: 0xCB00_7107))
    desk.captures.finish(at: desk.now)
    let reading = try CaptureReading(desk.folder)
    #expect(reading.calls.map(\.secrets) == [1, 1] && reading.others.allSatisfy { $0.secrets == 0 })
    for file in reading.calls {
      let report = try Inspector().inspect(path: "\(desk.folder)/\(file.name)")
      #expect(report.streams.map(\.openedPackets) == [10] && report.streams[0].uncertainPackets == 0, "\(file.name)")
    }
  }

  @Test func `a call over TLS is in clear without them, and no file has what was removed`() throws {
    for (overTLS, keepsSecrets) in [(true, true), (true, false), (false, false)] {
      let desk = try Desk(keepsSecrets: keepsSecrets)
      let secret = try call(desk, "one", port: 20_000, leg: LegID(1), overTLS: overTLS)
      desk.captures.finish(at: desk.now)
      let reading = try CaptureReading(desk.folder)
      #expect(reading.files.allSatisfy { $0.secrets == 0 } && reading.calls.count == 1)
      let clear = (1...10).map { rtpPacket(0, UInt16($0), UInt32($0) * 160, 7) }
      let media = reading.calls[0].packets.map(\.payload).filter { $0.first == 0x80 }
      #expect(media.count == 10 && (media == clear) == (overTLS && keepsSecrets))
      let bytes = try #require(secret.split(separator: " ").last)
      for file in try FileManager.default.contentsOfDirectory(atPath: desk.folder) {
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(desk.folder)/\(file)")).range(of: Data(bytes.utf8)) == nil)
      }
    }
  }

  @Test func `a secret that a message in clear brings about is its call's, and one behind a message of no call is none's`() throws {
    let desk = try Desk(keepsSecrets: true)
    _ = try call(desk, "one", port: 20_000, leg: LegID(1), overTLS: false)
    desk.packet(Talk(callID: "one").request("INFO", cseq: 2, inDialog: true), Self.them, Self.us)
    desk.tell(.secret(KeyLogLine("CLIENT_RANDOM \(String(repeating: "5a", count: 32)) \(String(repeating: "a5", count: 48))")))
    desk.packet(Talk(callID: "stranger").request("OPTIONS", cseq: 2), Self.them, Self.us)
    desk.tell(.secret(KeyLogLine("CLIENT_RANDOM \(String(repeating: "5b", count: 32)) \(String(repeating: "b5", count: 48))")))
    desk.captures.finish(at: desk.now)
    let reading = try CaptureReading(desk.folder)
    #expect(reading.calls.map(\.secrets) == [2] && reading.others.map(\.secrets) == [1])
  }
}
