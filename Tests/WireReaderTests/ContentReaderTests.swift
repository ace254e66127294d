import Capture
import LabBench
import SIPMessage
import SansIO
import Testing

@testable import WireReader

/// SIP in WebSocket, in SCTP and in what capture agents pass on.
@Suite struct ContentReaderTests {
  private let talk = Talk()
  private let ends = (TransportAddress(alice, port: 5_060), TransportAddress(bob, port: 5_062))

  /// Messages with their transport and their source's port, as they come by each packet.
  private func read(_ captured: [CapturedPacket]) -> [[String]] {
    let reader = PassiveReader(path: "test")
    func words(_ observed: [Observed]) -> [String] {
      observed.compactMap {
        if case .message(let message, _, _) = $0 { "\(message.title) \(message.transport) \(message.source.port)" } else { nil }
      }
    }
    return captured.map { words(reader.take($0)) } + [words(reader.finish(problem: nil))]
  }

  private func read(_ packets: Packets) throws -> [String] { read(try packets.captured).flatMap(\.self) }

  private func raw(_ frames: [[UInt8]], _ link: LinkType = .rawIP) -> [CapturedPacket] {
    frames.enumerated().map {
      CapturedPacket(timestamp: Int64($0) * 20_000_000 + 1, linkType: link, originalLength: $1.count, bytes: Bytes($1))
    }
  }

  // MARK: - Capture agents

  @Test func `what an agent passes on has its own addresses, and TCP is not called UDP`() throws {
    var packets = Packets()
    packets.udp(alice, 40_000, to: bob, 9_060, RelayedFrames.hep(ends.0, to: ends.1, talk.request("INVITE", cseq: 1)))
    packets.udp(
      alice, 40_000, to: bob, 9_060,
      RelayedFrames.hep(ends.0, to: ends.1, carrier: 6, Talk(callID: "2", transport: "TCP").request("BYE", cseq: 1)))
    packets.udp(
      alice, 40_000, to: bob, 9_060,
      RelayedFrames.hep(ends.0, to: ends.1, carrier: 6, Talk(callID: "3", transport: "TLS").request("BYE", cseq: 1)))
    packets.udp(alice, 40_000, to: bob, 9_060, RelayedFrames.hep(ends.0, to: ends.1, kind: 100, "a log"))
    #expect(try read(packets) == ["INVITE udp 5060", "BYE tcp 5060", "BYE tls 5060"])
  }

  @Test func `a message that an agent passes on in pieces is put together`() throws {
    let invite = Talk(transport: "TCP").request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000))
    var packets = Packets()
    for part in [invite.prefix(120), invite.dropFirst(120)] {
      packets.udp(alice, 40_000, to: bob, 9_060, RelayedFrames.hep(ends.0, to: ends.1, carrier: 6, part))
    }
    #expect(try read(packets) == ["INVITE tcp 5060"])
  }

  @Test(arguments: [1, 7, 100, 5_000]) func `agents over TCP are read wherever segments cut their packets`(size: Int) throws {
    let stream = [1, 2, 3].flatMap { RelayedFrames.hep(ends.0, to: ends.1, talk.request("OPTIONS", cseq: $0)).array }
    #expect(try read(segments(Bytes(stream), size)) == ["OPTIONS udp 5060", "OPTIONS udp 5060", "OPTIONS udp 5060"])
  }

  @Test func `media that an agent passes on is counted`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    for number in 0..<5 {
      let rtp: [UInt8] = [0x80, 0, 0, UInt8(number), 0, 0, 0, UInt8(number * 10), 0, 0, 0, 9] + [UInt8](repeating: 0xFF, count: 160)
      let way = (TransportAddress(bob, port: 20_000), TransportAddress(alice, port: 10_000))
      packets.udp(alice, 40_000, to: bob, 9_060, RelayedFrames.hep(way.0, to: way.1, kind: 4, Bytes(rtp)))
    }
    let reader = PassiveReader(path: "test")
    for packet in try packets.captured { _ = reader.take(packet) }
    #expect(reader.streams.credible.map(\.statistics.packets) == [5])
  }

  @Test func `an exported PDU is read as what was exported`() {
    let frame = RelayedFrames.exported(ends.0, to: ends.1, "sip", talk.request("INVITE", cseq: 1))
    #expect(read(raw([frame], .exportedPDU)).flatMap(\.self) == ["INVITE udp 5060"])
  }

  // MARK: - WebSocket

  private func segments(_ stream: Bytes, _ size: Int, from port: UInt16 = 40_000, to server: UInt16 = 8_080) -> Packets {
    var packets = Packets()
    packets.tcp(alice, port, to: bob, server, .syn, at: 0)
    var rest = stream
    while !rest.isEmpty {
      packets.tcp(alice, port, to: bob, server, at: UInt32(1 + stream.count - rest.count), rest.prefix(size))
      rest = rest.dropFirst(size)
    }
    return packets
  }

  private static let handshake = Array(
    "GET /ws HTTP/1.1\r\nHost: pbx.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n\r\n".utf8)

  /// A frame as a client sends it: masked (RFC 6455 §5.3).
  private func frame(_ payload: some Collection<UInt8>, opcode: UInt8 = 1, isFinal: Bool = true, reserved: UInt8 = 0) -> [UInt8] {
    let mask: [UInt8] = [0x11, 0x22, 0x33, 0x44]
    let length: [UInt8] =
      payload.count < 126 ? [UInt8(payload.count) | 0x80] : [254, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    return [(isFinal ? 0x80 : 0) | reserved | opcode] + length + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
  }

  @Test(arguments: [1, 33, 5_000]) func `each message of a WebSocket is one of SIP, wherever segments cut it (RFC 7118 §5)`(size: Int)
    throws
  {
    let invite = Talk(transport: "WS").request("INVITE", cseq: 1).array
    let bye = Talk(transport: "WS").request("BYE", cseq: 2).array
    let ping = frame(Array("\r\n\r\n".utf8))
    let stream =
      Self.handshake + frame(invite) + frame([], opcode: 9) + ping + frame(bye[..<100], isFinal: false)
      + frame(bye[100...], opcode: 0)
    #expect(try read(segments(Bytes(stream), size)) == ["INVITE ws 40000", "BYE ws 40000"])
  }

  @Test func `a WebSocket that is older than the capture is known by a frame with SIP`() throws {
    #expect(try read(segments(Bytes(frame(Talk(transport: "WS").request("INVITE", cseq: 1).array)), 5_000)) == ["INVITE ws 40000"])
  }

  @Test func `a compressed message is unpacked, with those before it as its dictionary (RFC 7692 §7.2.2)`() throws {
    let invite = Talk(transport: "WS").request("INVITE", cseq: 1).array
    let count = invite.count
    // A stored block, and the beginning of the empty one whose end is left out.
    let packed = [0, UInt8(count & 255), UInt8(count >> 8), ~UInt8(count & 255), ~UInt8(count >> 8)] + invite + [0]
    let stream = Self.handshake + frame(packed, reserved: 0x40)
    #expect(try read(segments(Bytes(stream), 5_000)) == ["INVITE ws 40000"])
  }

  @Test func `HTTP that becomes no WebSocket is not read`() throws {
    let stream = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8) + frame(talk.request("INVITE", cseq: 1).array)
    #expect(try read(segments(Bytes(stream), 5_000)) == [])
  }

  @Test func `what TLS gave in clear is read the same way, and SIP in it wherever it begins`() {
    var reader = StreamReader()
    let invite = Talk(transport: "WSS").request("INVITE", cseq: 1).array
    var found: [String] = []
    for reading in reader.takeClear(Bytes(Self.handshake + frame(invite))) {
      if case .webSocket(.message(let message)) = reading { found.append("\(message)") }
    }
    #expect(found.count == 1)
    var late = StreamReader()
    _ = late.takeClear("the end of a message that began before\r\n")
    #expect(late.takeClear(talk.request("OPTIONS", cseq: 1)).count == 1)
  }

  // MARK: - SCTP

  @Test func `messages in SCTP are read whole or in chunks, in any order, and once (RFC 4168 §5)`() {
    let invite = Talk(transport: "SCTP").request("INVITE", cseq: 1)
    let bye = Talk(transport: "SCTP").request("BYE", cseq: 2)
    let frames = [
      RelayedFrames.sctp(alice, to: bob, [(1, 3, invite)]), RelayedFrames.sctp(alice, to: bob, [(1, 3, invite)]),
      RelayedFrames.sctp(alice, to: bob, [(2, 2, bye.prefix(90))]), RelayedFrames.sctp(alice, to: bob, [(4, 1, bye.dropFirst(200))]),
      RelayedFrames.sctp(alice, to: bob, [(3, 0, bye[90..<200])]), RelayedFrames.sctp(alice, to: bob, [(5, 3, "M3UA or so")]),
    ]
    #expect(read(raw(frames)) == [["INVITE sctp 5060"], [], [], [], ["BYE sctp 5060"], [], []])
  }
}
