import Foundation
import Kallglot
import CallControl
import LabBench
import SIPUserAgent
import SansIO
import Testing

@testable import Serving

/// What a driver tells its captures, as a test writes it.
private final class Desk {
  static let us = TransportAddress(IPAddress(v4: 0xC000_0201), port: 5_060)
  static let them = TransportAddress(IPAddress(v4: 0xC000_0202), port: 5_060)
  static let media = TransportAddress(IPAddress(v4: 0xC000_0201), port: 20_000)
  static let audio = TransportAddress(IPAddress(v4: 0xC000_0202), port: 30_000)

  let folder: String
  let captures: CallCaptures
  var events: [CaptureEvent] = []
  private(set) var now = Instant.zero

  init(makesFolder: Bool = true, rotation: Int = 16 << 20) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("captures-\(UUID().uuidString)").path
    if makesFolder { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    captures = CallCaptures(folder: folder, host: "kallglot", epoch: .virtual, rotation: rotation)
    captures.onEvent = { [unowned self] in events.append($0) }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var reading: CaptureReading { get throws { try CaptureReading(folder) } }

  func pass(_ duration: Duration) {
    now = now.advanced(by: duration)
    captures.tick(at: now)
  }

  func finish() { captures.finish(at: now) }

  private func packet(_ direction: PacketRecord.Direction, _ carrier: PacketRecord.Carrier, _ bytes: Bytes, media: Bool = false) {
    now = now.adding(nanoseconds: 1_000)
    let (local, remote) = media ? (Self.media, Self.audio) : (Self.us, Self.them)
    captures.packet(
      PacketRecord(
        at: now, host: HostID(0), frame: 1, direction: direction, carrier: carrier, source: direction == .sent ? local : remote,
        destination: direction == .sent ? remote : local, payload: bytes, label: .none))
  }

  func received(_ bytes: Bytes) { packet(.received, .udp, bytes) }
  func sent(_ bytes: Bytes) { packet(.sent, .udp, bytes) }
  func heard(_ sequence: UInt8) { packet(.received, .udp, Dialogue.packet(sequence, ssrc: 1), media: true) }
  func segment(_ direction: PacketRecord.Direction, _ flags: TCPSegment.Flags, _ bytes: Bytes = Bytes()) {
    packet(direction, .tcp(TCPSegment(sequence: 0, acknowledgement: 0, flags: flags)), bytes)
  }

  func record(_ body: JournalRecord.Body) { captures.record(JournalRecord(at: now, host: HostID(0), body)) }
  func tell(_ event: CallAgentEvent) { record(.event(EndpointEvent.party(event))) }

  func facts(_ callID: String, _ direction: LegFacts.Direction = .incoming) -> LegFacts {
    LegFacts(direction: direction, callID: callID, from: "sip:a@b", to: "sip:c@d", transport: .udp, peer: Self.them, name: nil)
  }

  func message(_ line: String, _ callID: String, method: String = "INVITE") -> Bytes {
    Bytes(SIPText.message(line, ["Call-ID: \(callID)", "CSeq: 1 \(method)"]))
  }

  /// An INVITE becomes a call: its leg begins and its media port is opened.
  func admit(_ leg: LegID, _ callID: String) {
    received(message("INVITE sip:x SIP/2.0", callID))
    tell(.started(leg, facts(callID)))
    tell(.mediaPorts(leg, rtp: Self.media))
    record(.bound(Self.media, .datagram))
  }

  func plaintext(_ direction: PacketRecord.Direction, _ bytes: Bytes) {
    let (source, destination) = direction == .sent ? (Self.us, Self.them) : (Self.them, Self.us)
    record(.plaintext(PlaintextRecord(ConnectionID(1), direction, from: source, to: destination, bytes, .none)))
  }
}

@Suite struct CallCapturesTests {
  private let leg = LegID(1)

  @Test(arguments: [401, 403, 415, 420, 486]) func `an INVITE that becomes no call makes no file of its own`(status: Int) throws {
    let desk = try Desk()
    desk.received(desk.message("INVITE sip:x SIP/2.0", "a"))
    desk.tell(.started(leg, desk.facts("a")))
    desk.sent(desk.message("SIP/2.0 \(status) No", "a"))
    desk.tell(.ended(leg, .refused(status: status), nil))
    desk.received(desk.message("ACK sip:x SIP/2.0", "a", method: "ACK"))
    desk.pass(.seconds(1))
    #expect(try desk.reading.files.map(\.name) == ["other-00001.pcapng"])
    #expect(try desk.reading.files[0].packets.count == 3)
    #expect(desk.events == [] && desk.captures.capture(of: leg) == nil)
  }

  @Test func `a challenge is part of the call whose next INVITE has credentials`() throws {
    let desk = try Desk()
    desk.received(desk.message("INVITE sip:x SIP/2.0", "a"))
    desk.sent(desk.message("SIP/2.0 401 Unauthorized", "a"))
    desk.received(desk.message("OPTIONS sip:x SIP/2.0", "o", method: "OPTIONS"))
    desk.admit(leg, "a")
    #expect(try desk.reading.file(holding: "-a")?.packets.count == 3)
    #expect(try desk.reading.others.map(\.callIDs) == [["o"]])
  }

  @Test func `each message is on the disk as soon as it has crossed, media and streams within a second`() throws {
    let desk = try Desk()
    desk.admit(leg, "a")
    #expect(try desk.reading.file(holding: "-a")?.packets.count == 1)
    desk.sent(desk.message("SIP/2.0 200 OK", "a"))
    #expect(try desk.reading.file(holding: "-a")?.packets.count == 2)
    desk.heard(1)
    desk.pass(.milliseconds(500))
    #expect(try desk.reading.file(holding: "-a")?.packets.count == 3)
    desk.segment(.received, [.ack], "OPTIONS sip:x SIP/2.0\r\nCall-ID: half")
    desk.pass(.milliseconds(500))
    desk.pass(.milliseconds(500))
    #expect(try desk.reading.others.map(\.text).joined().contains("half"))
    desk.segment(.received, [.ack], "-a-message\r\nContent-Length: 0\r\n\r\n")
    #expect(try desk.reading.others.map(\.text).joined().contains("-a-message"))
  }

  @Test func `a call's file is closed 64·T1 after its end, although no packet comes any more`() throws {
    let desk = try Desk()
    desk.admit(leg, "a")
    let path = try #require(desk.captures.capture(of: leg))
    #expect(desk.events == [.callOpened(leg, callID: "a", path: path)])
    desk.tell(.ended(leg, .hungUpByPeer, nil))
    desk.pass(.seconds(31))
    desk.heard(9)
    #expect(desk.captures.capture(of: leg) == path)
    desk.pass(.seconds(2))
    #expect(desk.captures.capture(of: leg) == nil)
    // What comes later, and the next call with this Call-ID, are elsewhere.
    desk.heard(10)
    desk.admit(LegID(2), "a")
    #expect(try desk.reading.files.map(\.packets.count) == [2, 1, 1])
    #expect(try desk.reading.files.map(\.name) == ["call-00001-a.pcapng", "call-00002-a.pcapng", "other-00001.pcapng"])
  }

  @Test func `media goes to the call whose leg has the port, also before the 200 and for a call that we place`() throws {
    let desk = try Desk()
    desk.tell(.mediaPorts(leg, rtp: Desk.media))
    desk.record(.bound(Desk.media, .datagram))
    desk.sent(desk.message("INVITE sip:x SIP/2.0", "ours"))
    desk.tell(.started(leg, desk.facts("ours", .outgoing)))
    desk.heard(1)
    desk.tell(.ended(leg, .cancelledByPeer, nil))
    desk.record(.unbound(Desk.media, .datagram))
    desk.admit(LegID(2), "next")
    desk.heard(2)
    desk.finish()
    #expect(try desk.reading.file(holding: "ours")?.packets.count == 2)
    #expect(try desk.reading.file(holding: "next")?.packets.count == 2)
    #expect(try desk.reading.others.isEmpty)
  }

  @Test func `a leg whose media ports cannot be opened has no file`() throws {
    let desk = try Desk()
    desk.received(desk.message("INVITE sip:x SIP/2.0", "a"))
    desk.tell(.started(leg, desk.facts("a")))
    desk.tell(.mediaPorts(leg, rtp: Desk.media))
    desk.record(.bindFailed(Desk.media, .other("too many open files")))
    desk.tell(.portsMissing(leg, reason: "none"))
    desk.sent(desk.message("SIP/2.0 503 Service Unavailable", "a"))
    desk.tell(.ended(leg, .refused(status: 503), nil))
    #expect(try desk.reading.files.map(\.name) == ["other-00001.pcapng"])
  }

  @Test func `a call that we place and that sends nothing leaves no file`() throws {
    let desk = try Desk()
    desk.tell(.started(leg, desk.facts("a", .outgoing)))
    desk.tell(.ended(leg, .transportFailed, nil))
    desk.pass(.seconds(33))
    desk.finish()
    #expect(try desk.reading.files.isEmpty && desk.events.isEmpty)
  }

  @Test func `numbers go on behind the captures that are there`() throws {
    let desk = try Desk()
    for name in ["call-00016-x.pcapng", "call-00002-y.clear.pcapng", "other-00003.pcapng", "call-me.pcapng", "notes.txt"] {
      try Data().write(to: URL(fileURLWithPath: "\(desk.folder)/\(name)"))
    }
    let later = CallCaptures(folder: desk.folder, host: "kallglot", epoch: .virtual)
    later.record(JournalRecord(at: .zero, host: HostID(0), .event(CallAgentEvent.started(leg, desk.facts("a", .outgoing)))))
    for callID in ["a", "b"] {
      later.packet(
        PacketRecord(
          at: .zero, host: HostID(0), frame: 1, direction: .received, carrier: .udp, source: Desk.them, destination: Desk.us,
          payload: desk.message("BYE sip:x SIP/2.0", callID, method: "BYE"), label: .none))
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: desk.folder)
    #expect(names.contains("call-00017-a.pcapng") && names.contains("other-00004.pcapng"), "\(names)")
  }
}

@Suite struct CaptureFailureTests {
  private let leg = LegID(1)

  @Test func `a file that cannot be written is reported once; what waited is written when it can be`() throws {
    let desk = try Desk(makesFolder: false)
    desk.admit(leg, "a")
    desk.admit(LegID(2), "b")
    desk.received("hello")
    let failures = desk.events.filter { if case .failed = $0 { true } else { false } }
    #expect(failures.count == 1 && desk.captures.failure?.operation == .open)
    #expect(desk.captures.packetsNotWritten == 3)
    try FileManager.default.createDirectory(atPath: desk.folder, withIntermediateDirectories: true)
    desk.pass(.milliseconds(500))
    #expect(desk.captures.packetsNotWritten == 0)
    #expect(try desk.reading.files.map(\.packets.count) == [1, 1, 1])
  }

  @Test func `packets that no file took are counted, and memory for them is bounded`() throws {
    let desk = try Desk(makesFolder: false)
    desk.admit(leg, "a")
    for index in 0..<3_000 { desk.heard(UInt8(truncatingIfNeeded: index)) }
    desk.finish()
    let path = "\(desk.folder)/call-00001-a.pcapng"
    #expect(desk.events.last == .incomplete(path: path, packets: 3_001))
    #expect(desk.captures.packetsNotWritten == 3_001)
  }
}

@Suite struct ConnectionCaptureTests {
  private let leg = LegID(1)

  @Test func `a TLS connection that grows goes on in another file, with its secrets, and the parts are the whole`() throws {
    let desk = try Desk(rotation: 20_000)
    desk.segment(.received, [.syn])
    let record = Bytes([22, 3, 3] + [UInt8](repeating: 7, count: 1_000))
    desk.segment(.received, [.ack], record)
    desk.record(.secret(KeyLogLine("CLIENT_RANDOM 00 11")))
    for _ in 0..<50 { desk.segment(.sent, [.ack], record) }
    desk.plaintext(.received, desk.message("OPTIONS sip:x SIP/2.0", "o", method: "OPTIONS"))
    desk.segment(.received, [.fin, .ack])
    desk.segment(.sent, [.fin, .ack])
    let parts = try desk.reading.files.filter(\.isConnection).sorted { $0.name.count < $1.name.count }
    #expect(parts.map(\.name) == ["", ".part2", ".part3"].map { "connection-00001-192.0.2.2-5060\($0).pcapng" })
    #expect(parts.map(\.secrets) == [1, 1, 1])
    #expect(parts.map(\.packets.isEmpty) == [false, false, false])
    #expect(parts.flatMap(\.packets).filter { !$0.payload.isEmpty }.map(\.payload) == [Bytes](repeating: record, count: 51))
    #expect(try desk.reading.others.map(\.text).joined().contains("OPTIONS"))
  }

  @Test func `what looked like TLS and never was is among the rest, before the connection's end`() throws {
    let desk = try Desk()
    desk.segment(.received, [.syn])
    desk.segment(.received, [.ack], Bytes([22, 9, 9]))
    desk.segment(.received, [.fin, .ack])
    #expect(try desk.reading.files.map(\.name) == ["other-00001.pcapng"])
    #expect(try desk.reading.files[0].packets.map(\.payload.count) == [0, 3, 0])
  }

  @Test func `a call's segments are numbered without a gap, whatever else its connection carried (RFC 9293 §3.4)`() throws {
    let desk = try Desk()
    desk.tell(.started(leg, desk.facts("a", .outgoing)))
    for name in ["a", "other", "a", "a"] { desk.segment(.received, [.ack], desk.message("INFO sip:x SIP/2.0", name, method: "INFO")) }
    desk.segment(.sent, [.ack], desk.message("SIP/2.0 200 OK", "a", method: "INFO"))
    let packets = try #require(try desk.reading.file(holding: "-a")).packets
    let length = UInt32(packets[0].payload.count)
    let segments = packets.compactMap { if case .tcp(let segment) = $0.decoded.carrier { segment } else { nil } }
    #expect(segments.map(\.sequence) == [1, 1 + length, 1 + 2 * length, 1])
    #expect(segments.map(\.acknowledgement) == [1, 1, 1, 1 + 3 * length])
  }
}
