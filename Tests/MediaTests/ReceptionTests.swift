import Codecs
import RTP
import SDP
import SansIO
import Testing

@testable import Media

@Suite struct ReceptionTests {
  private let here = TransportAddress(IPAddress(v4: 1), port: 20_000)
  private let there = TransportAddress(IPAddress(v4: 2), port: 30_000)

  private func stream(_ reception: ReceptionSettings, seed: UInt64 = 9) -> MediaStream {
    let agreement = AudioAgreement(
      codec: .pcmu, local: here, remote: there, remoteControl: .init(there.address, port: 30_001), direction: .sendrecv,
      sendPayloadType: 0, receivePayloadType: 0, packetTime: 20)
    var configuration = MediaStream.Configuration(
      cname: "lab", rtpPort: PortID(1), rtcpPort: PortID(2), dialog: 1, epoch: .virtual)
    configuration.reception = reception
    var stream = MediaStream(configuration, agreement: agreement, entropy: Entropy(seed: seed))
    stream.handle(.start, at: .zero)
    return stream
  }

  private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

  private func tone(_ count: Int) -> [RTPPacket] {
    var generator = ToneSource(Tone(frequency: 440), sampleRate: 8000)
    return (0..<count).map { number in
      RTPPacket(
        payloadType: 0, marker: number == 0, sequenceNumber: UInt16(number), timestamp: UInt32(number) * 160, ssrc: 5,
        payload: Bytes((0..<160).map { _ in G711.encode(generator.next(), .mu) }))
    }
  }

  /// Packets as they come, and a wake each packet time.
  private func run(_ stream: inout MediaStream, _ arrivals: [(at: Int64, packet: RTPPacket)]) -> Outbox {
    var out = Outbox()
    var clock: Int64 = 0
    for (at, packet) in arrivals.sorted(by: { $0.at < $1.at }) {
      while clock < at {
        clock += 20
        stream.wake(at: milliseconds(clock), &out)
      }
      stream.receive(.datagram(PortID(1), from: there, packet.serialized()), at: milliseconds(at), &out)
    }
    for _ in 0..<20 {
      clock += 20
      stream.wake(at: milliseconds(clock), &out)
    }
    return out
  }

  @Test func `each pair of packets comes swapped: without a buffer half of them are not heard, with one all are`() throws {
    let packets = tone(200)
    let arrivals = packets.indices.map { (at: Int64($0 ^ 1) * 20, packet: packets[$0]) }
    var plain = stream(ReceptionSettings(keepsFigures: true))
    _ = run(&plain, arrivals)
    let without = try #require(plain.report.quality)
    #expect(without.buffer == nil && without.figures.loss.discarded == 99 && without.figures.reordered == 99)
    var buffered = stream(ReceptionSettings(jitterBuffer: .fixed(.milliseconds(60))))
    _ = run(&buffered, arrivals)
    let with = try #require(buffered.report.quality)
    #expect(with.buffer?.played == 200 && with.buffer?.reordered == 100 && with.figures.loss.discarded == 0)
    #expect(buffered.report.tones.count == 1)
    // What is not heard is a loss to the listener, whatever came.
    let scores = [without.score.score?.meanOpinionScore, with.score.score?.meanOpinionScore].compactMap(\.self)
    #expect(scores.count == 2 && scores[0] < 1.2 && scores[1] > 4.4)
  }

  @Test func `a stream that nobody asks for figures has none, and its report says so`() {
    var stream = stream(ReceptionSettings())
    _ = run(&stream, tone(100).enumerated().map { (at: Int64($0.offset) * 20, packet: $0.element) })
    #expect(stream.report.quality == nil && stream.report.packetsReceived == 100)
  }

  @Test func `a peer's report tells the time to it and back (RFC 3550 §6.4.1)`() throws {
    var stream = stream(.live)
    let out = run(&stream, tone(300).enumerated().map { (at: Int64($0.offset) * 20, packet: $0.element) })
    let sent = out.departures.compactMap { departure -> RTCPPacket? in
      guard case .datagram(PortID(2), to: _, let bytes, _) = departure else { return nil }
      return try? RTCPPacket.parse(bytes).first
    }
    guard case .senderReport(let ssrc, let information, _)? = sent.first else {
      Issue.record("no SR")
      return
    }
    // It came 40 ms later, was answered after 500 ms, and the answer took 60 ms.
    let time = NTPTime.middle(information.ntpTime)
    let block = ReceptionReport(
      ssrc: ssrc, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0, lastSenderReport: time,
      delaySinceLastSenderReport: 32_768)
    let epoch = Epoch.virtual.unixNanoseconds(at: .zero)
    let seconds = Int64(information.ntpTime >> 32) - 2_208_988_800
    let fraction = Int64(((information.ntpTime & 0xFFFF_FFFF) * 1_000_000_000) >> 32)
    let left = seconds * 1_000_000_000 + fraction - Int64(epoch)
    let answer = RTCPPacket.serialized([.receiverReport(ssrc: 5, [block]), .cname(ssrc: 5, "peer")])
    stream.receive(
      .datagram(PortID(2), from: TransportAddress(there.address, port: 30_001), answer), at: Instant(nanoseconds: left + 600_000_000))
    let roundTrip = try #require(stream.report.quality?.roundTrip)
    #expect(abs(roundTrip.wholeNanoseconds - 100_000_000) < 50_000)
  }

  @Test func `reports carry VoIP metrics of what was heard where they are asked for (RFC 3611 §4.7)`() throws {
    var stream = stream(ReceptionSettings(jitterBuffer: .adaptive, sendsVoIPMetrics: true))
    let arrivals = tone(1_000).enumerated().filter { $0.offset % 100 != 50 }.map { (at: Int64($0.offset) * 20, packet: $0.element) }
    let out = run(&stream, arrivals)
    let metrics = out.departures.compactMap { departure -> VoIPMetrics? in
      guard case .datagram(PortID(2), to: _, let bytes, _) = departure, let packets = try? RTCPPacket.parse(bytes) else { return nil }
      for case .extended(_, let blocks) in packets { for case .voipMetrics(let metrics) in blocks { return metrics } }
      return nil
    }
    let last = try #require(metrics.last)
    #expect(last.ssrc == 5 && last.lossRate == 2 && last.discardRate == 0 && last.gapDensity == 2 && last.burstDensity == 0)
    #expect(last.mosListening == 43 && last.rFactor == 90 && last.mosConversational == VoIPMetrics.unavailable)
    #expect(last.configuration == 0b1111_0000 && last.bufferNominal == 40)
  }

  @Test func `RTCP that cannot be read is counted and changes nothing (RFC 3550 §A.2)`() {
    var stream = stream(.live)
    let control = TransportAddress(there.address, port: 30_001)
    for bytes: [UInt8] in [[0x81, 200, 0, 255, 0, 0, 0, 5], [0x80, 201, 0, 1, 0, 0, 0, 5, 0x80, 207, 0, 2, 0, 0, 0, 5, 7, 0, 0, 8]] {
      stream.receive(.datagram(PortID(2), from: control, Bytes(bytes)), at: .zero)
    }
    #expect(stream.report.quality?.malformedControl == 2)
    #expect(stream.rules() == [.rtcpMalformed, .rtcpMalformed] || stream.rules().isEmpty)
  }

  @Test(
    arguments: [
      ([0x08], 960), ([0x18], 2_880), ([0x60], 480), ([0x80], 120), ([0xF8], 960), ([0x09], 1_920), ([0x0B, 0x03], 2_880), ([], 0),
      ([0x0B], 0), ([0x1B, 0x3F], 0),
    ] as [([UInt8], Int)])
  func `an Opus packet tells how long it is (RFC 6716 §3.1)`(payload: [UInt8], ticks: Int) {
    #expect(OpusDuration.ticks(of: Bytes(payload)) == ticks)
  }
}
