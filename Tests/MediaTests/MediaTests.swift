import Codecs
import SDP
import SansIO
import Testing

@testable import Media
@testable import RTP

@Suite struct ToneTests {
  private func heard(_ signal: (Int) -> Int16, seconds: Double = 1) -> [ToneDetector.Change] {
    var detector = ToneDetector(sampleRate: 8000)
    return (0..<Int(seconds * 8000)).compactMap { detector.receive(signal($0)) }
  }

  @Test(arguments: [200, 440, 1000, 1400, 3000], [G711.Law.mu, .a])
  func `a tone is heard within two hertz through G.711`(frequency: Int, law: G711.Law) {
    var generator = ToneSource(Tone(frequency: frequency), sampleRate: 8000)
    let changes = heard { _ in G711.decode(G711.encode(generator.next(), law), law) }
    guard changes.count == 1, case .began(let found) = changes[0] else {
      Issue.record("\(changes)")
      return
    }
    #expect(abs(found - frequency) <= 2)
  }

  @Test func `silence, noise and two tones at once are no tone`() {
    #expect(heard { _ in 0 } == [])
    var noise = SeededGenerator(seed: 3)
    #expect(heard { _ in Int16.random(in: -8000...8000, using: &noise) } == [])
    var first = ToneSource(Tone(frequency: 697), sampleRate: 8000)
    var second = ToneSource(Tone(frequency: 1209), sampleRate: 8000)
    #expect(heard { _ in first.next() + second.next() } == [])
  }

  @Test func `one lost packet does not end a tone, 200 ms of silence do`() {
    var generator = ToneSource(Tone(frequency: 440), sampleRate: 8000)
    let changes = heard({ index in (4000..<4160).contains(index) || index > 12_000 ? 0 : generator.next() }, seconds: 2)
    #expect(changes.map { if case .ended = $0 { "ended" } else { "began" } } == ["began", "ended"])
  }
}

@Suite struct MediaStreamTests {
  private let here = TransportAddress(IPAddress(v4: 1), port: 20_000)
  private let there = TransportAddress(IPAddress(v4: 2), port: 30_000)

  private func stream(_ change: (inout AudioAgreement) -> Void = { _ in }) -> MediaStream {
    var agreement = AudioAgreement(
      codec: .pcmu, local: here, remote: there, remoteControl: .init(there.address, port: 30_001), direction: .sendrecv,
      sendPayloadType: 0, receivePayloadType: 0, packetTime: 20)
    change(&agreement)
    return .running(agreement)
  }

  private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

  private func rtp(_ out: Outbox) throws -> [RTPPacket] {
    try out.departures.compactMap { departure in
      guard case .datagram(PortID(1), to: _, let bytes, _) = departure else { return nil }
      return try RTPPacket.parse(bytes)
    }
  }

  private func packet(_ sequence: UInt16, type: UInt8 = 0, from source: TransportAddress? = nil) -> Arrival {
    let packet = RTPPacket(
      payloadType: type, marker: false, sequenceNumber: sequence, timestamp: UInt32(sequence) * 160, ssrc: 5,
      payload: Bytes([UInt8](repeating: 0xFF, count: 160)))
    return .datagram(PortID(1), from: source ?? there, packet.serialized())
  }

  @Test func `a tone is heard although every packet comes twice and each pair is swapped with its neighbour's`() {
    var stream = stream()
    var generator = ToneSource(Tone(frequency: 440), sampleRate: 8000)
    let packets = (0..<20).map { sequence in
      let payload = (0..<160).map { _ in G711.encode(generator.next(), .mu) }
      let packet = RTPPacket(
        payloadType: 0, marker: false, sequenceNumber: UInt16(sequence), timestamp: UInt32(sequence) * 160, ssrc: 5, payload: Bytes(payload)
      )
      return Arrival.datagram(PortID(1), from: there, packet.serialized())
    }
    for index in packets.indices {
      stream.receive(packets[index], at: milliseconds(Int64(index) * 20))
      stream.receive(packets[max(0, index - 1)], at: milliseconds(Int64(index) * 20))
      stream.receive(packets[index], at: milliseconds(Int64(index) * 20))
    }
    #expect(stream.report.tones.count == 1)
    #expect(stream.report.tones.allSatisfy { (435...445).contains($0) })
  }

  @Test func `packets leave every 20 ms from their due times, even when the wake-up is late (RFC 3551 §4.2)`() throws {
    var stream = stream()
    var out = Outbox()
    #expect(stream.nextDeadline == milliseconds(20))
    stream.wake(at: milliseconds(47), &out)
    #expect(stream.nextDeadline == milliseconds(60))
    let packets = try rtp(out)
    #expect(packets.count == 2)
    #expect(packets[0].marker && !packets[1].marker)
    #expect(packets[1].sequenceNumber == packets[0].sequenceNumber &+ 1)
    #expect(packets[1].timestamp == packets[0].timestamp &+ 160)
    #expect(packets[0].payload.allSatisfy { $0 == 0xFF })
  }

  @Test func `a tone is spoken for its time, then silence follows`() throws {
    var stream = stream()
    var out = Outbox()
    stream.handle(.play(.tone(Tone(frequency: 440)), until: milliseconds(100)), at: .zero)
    stream.wake(at: milliseconds(200), &out)
    let isSilent = try rtp(out).map { $0.payload.allSatisfy { $0 == 0xFF } }
    #expect(isSilent == [false, false, false, false, true, true, true, true, true, true])
  }

  @Test func `what is held or inactive sends nothing (RFC 3264 §8.4)`() throws {
    var stream = stream { $0.direction = .recvonly }
    var out = Outbox()
    stream.wake(at: milliseconds(100), &out)
    #expect(try rtp(out).isEmpty)
  }

  @Test func `the first packet after a hold has the marker, and only that one (RFC 3551 §4.1)`() throws {
    var stream = stream()
    var out = Outbox()
    for tick in 1...5 { stream.wake(at: milliseconds(Int64(tick) * 20), &out) }
    var held = stream.agreement
    held.direction = .recvonly
    stream.handle(.agree(held, remoteTag: ""), at: .zero)
    for tick in 6...10 { stream.wake(at: milliseconds(Int64(tick) * 20), &out) }
    held.direction = .sendrecv
    stream.handle(.agree(held, remoteTag: ""), at: .zero)
    for tick in 11...15 { stream.wake(at: milliseconds(Int64(tick) * 20), &out) }
    let packets = try rtp(out)
    #expect(packets.count == 10)
    #expect(packets.indices.filter { packets[$0].marker } == [0, 5])
  }

  @Test func `nobody is woken for packets while none may leave, and the RTP clock goes on through the hold (RFC 3550 §5.1)`() throws {
    var stream = stream()
    var out = Outbox()
    stream.wake(at: milliseconds(20), &out)
    var held = stream.agreement
    held.direction = .inactive
    stream.handle(.agree(held, remoteTag: ""), at: milliseconds(25))
    var wakes = 0
    while let due = stream.nextDeadline, due < milliseconds(60_000) {
      stream.wake(at: due, &out)
      wakes += 1
    }
    // Reports alone, of which there is one in five seconds, more or less.
    #expect((6...24).contains(wakes))
    held.direction = .sendrecv
    stream.handle(.agree(held, remoteTag: ""), at: milliseconds(60_005))
    #expect(stream.nextDeadline == milliseconds(60_020))
    stream.wake(at: milliseconds(60_020), &out)
    let packets = try rtp(out)
    #expect(packets.count == 2)
    #expect(packets[1].sequenceNumber == packets[0].sequenceNumber &+ 1)
    #expect(packets[1].timestamp == packets[0].timestamp &+ 60_000 * 8)
  }

  @Test func `RTP that was under way when a hold began is nobody's mistake, RTP that goes on is named (RFC 3264 §5.1)`() {
    var stream = stream { $0.direction = .sendonly }
    func violations(_ events: [MediaEvent]) -> Int { events.count { if case .violation = $0 { true } else { false } } }
    for index in 0..<50 { stream.receive(packet(UInt16(index)), at: milliseconds(Int64(index) * 20)) }
    #expect(violations(stream.takeEvents()) == 0)
    for index in 50..<60 { stream.receive(packet(UInt16(index)), at: milliseconds(Int64(index) * 20)) }
    #expect(violations(stream.takeEvents()) == 1)
  }

  @Test func `media goes back to where four packets in a row came from, not before (contract 8.5)`() throws {
    var stream = stream()
    var out = Outbox()
    let nat = TransportAddress(IPAddress(v4: 9), port: 9)
    for sequence in UInt16(1)...4 { stream.receive(packet(sequence, from: nat), at: milliseconds(Int64(sequence) * 20)) }
    #expect(stream.takeEvents() == [.firstPacketReceived, .remoteLatched(nat)])
    stream.wake(at: milliseconds(100), &out)
    guard case .datagram(_, to: nat, _, _)? = out.departures.last else {
      Issue.record("RTP did not follow the peer")
      return
    }
  }

  @Test func `a payload type that was not agreed is named once and not heard`() {
    var stream = stream()
    stream.receive(packet(1, type: 96), at: .zero)
    stream.receive(packet(2, type: 96), at: .zero)
    stream.receive(.datagram(PortID(1), from: there, "garbage that is no RTP"), at: .zero)
    #expect(stream.takeEvents().count == 2)
    #expect(stream.report.packetsReceived == 0)
  }

  @Test func `a packet that did not leave is counted neither here nor in the sender report (RFC 3550 §6.4.1)`() throws {
    var stream = stream()
    stream.handle(.start, at: .zero)
    var out = Outbox()
    stream.wake(at: milliseconds(60), &out)
    let sent: [(Bytes, Label)] = out.departures.compactMap {
      if case .datagram(_, to: _, let bytes, let label) = $0 { (bytes, label) } else { nil }
    }
    let last = try #require(sent.last)
    #expect(sent.count == 3)
    func failed(_ label: Label) -> Arrival { .sendFailed(PortID(1), to: there, last.0, label, .networkUnreachable) }
    stream.receive(failed(last.1), at: milliseconds(60))
    // Another stream's, and a report, are not this stream's packets.
    stream.receive(failed(Label(.rtp(payloadType: 0), stream: stream.sender.ssrc &+ 1)), at: milliseconds(60))
    stream.receive(failed(Label(.rtcp, stream: stream.sender.ssrc)), at: milliseconds(60))
    #expect(stream.report.packetsSent == 2 && stream.report.octetsSent == 320)
    stream.handle(.stop, at: milliseconds(61), &out)
    guard case .datagram(PortID(2), to: _, let bytes, _)? = out.departures.last,
      case .senderReport(_, let information, _)? = try RTCPPacket.parse(bytes).first
    else {
      Issue.record("no SR")
      return
    }
    #expect(information.packetCount == 2 && information.octetCount == 320)
  }

  @Test func `RTCP tells what was lost, and BYE ends the stream (RFC 3550 §6.4, §6.6)`() throws {
    var stream = stream()
    var out = Outbox()
    for sequence: UInt16 in [1, 2, 4] { stream.receive(packet(sequence), at: milliseconds(Int64(sequence) * 20)) }
    stream.wake(at: milliseconds(40), &out)
    out.removeAll()
    stream.handle(.stop, at: milliseconds(50), &out)
    guard case .datagram(PortID(2), to: let target, let bytes, _)? = out.departures.last else {
      Issue.record("no RTCP")
      return
    }
    #expect(target.port == 30_001)
    let packets = try RTCPPacket.parse(bytes)
    guard case .senderReport(_, let information, let blocks) = packets[0] else {
      Issue.record("no SR")
      return
    }
    #expect(information.packetCount == 2)
    #expect(blocks.map(\.cumulativeLost) == [1])
    #expect(packets.last == .bye([stream.sender.ssrc], reason: nil))
    #expect(stream.nextDeadline == nil)
  }
}
