import Codecs
import RTP
import SDP
import SansIO
import Testing

@testable import Media

@Suite struct PacketProtectionTests {
  @Test func `without protection a packet is on the wire as it was made, and as long (RTP/AVP, RFC 3551)`() throws {
    let here = TransportAddress(.loopbackV4, port: 4_000)
    let protection = PacketProtection(
      AudioAgreement(
        codec: .pcmu, local: here, remote: here, remoteControl: here, direction: .sendrecv, sendPayloadType: 0, receivePayloadType: 0,
        packetTime: 20), reading: .keepROC)
    var packet: [UInt8] = [0x80, 0, 1]
    let leaves = protection.protect(&packet, .rtp)
    #expect(leaves && packet == [0x80, 0, 1] && protection.overhead == 0)
    #expect(try protection.unprotect(Bytes(packet), .rtcp) == Bytes(packet))
  }
}

@Suite struct SilenceClockTests {
  private func seconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000_000) }

  @Test func `each sign of life begins the time anew; before start and after stop none counts`() {
    var clock = SilenceClock()
    clock.heard(at: seconds(1))
    #expect(clock.deadline == nil)
    clock.start(limit: .seconds(5), at: seconds(2))
    #expect(clock.deadline == seconds(7))
    clock.heard(at: seconds(4))
    #expect(clock.deadline == seconds(9))
    clock.stop()
    clock.heard(at: seconds(5))
    #expect(clock.deadline == nil)
  }

  @Test func `without a limit it never ends`() {
    var clock = SilenceClock()
    clock.start(limit: nil, at: .zero)
    #expect(clock.deadline == nil)
  }
}

@Suite struct SilentStreamTests {
  private let there = TransportAddress(IPAddress(v4: 2), port: 30_000)

  private func agreement(_ direction: MediaDirection) -> AudioAgreement {
    AudioAgreement(
      codec: .pcma, local: TransportAddress(IPAddress(v4: 1), port: 20_000), remote: there,
      remoteControl: TransportAddress(there.address, port: 30_001), direction: direction, sendPayloadType: 8, receivePayloadType: 8,
      packetTime: 20)
  }

  private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

  /// Wakes until then; when silence was reported, in milliseconds.
  private func silences(_ stream: inout MediaStream, until end: Int64) -> [Int64] {
    var (found, out): ([Int64], Outbox) = ([], Outbox())
    while let due = stream.nextDeadline, due <= milliseconds(end) {
      stream.wake(at: due, &out)
      if stream.takeEvents().contains(.silent) { found.append(due.nanoseconds / 1_000_000) }
    }
    return found
  }

  @Test func `silence is reported once, after its time (contract 8.3)`() {
    var stream = MediaStream.running(agreement(.sendrecv))
    stream.handle(.watchSilence(.seconds(3)), at: .zero)
    #expect(silences(&stream, until: 10_000) == [3_000])
  }

  @Test func `nothing is missed while the agreement lets nothing come, and the time begins with the one that does (RFC 3264 §8.4)`() {
    var stream = MediaStream.running(agreement(.sendonly))
    stream.handle(.watchSilence(.seconds(3)), at: .zero)
    #expect(silences(&stream, until: 8_000) == [])
    stream.handle(.renegotiate(agreement(.sendrecv), isKnown: true), at: milliseconds(8_000))
    #expect(silences(&stream, until: 20_000) == [11_000])
  }

  @Test func `while our answer may still be on its way silence proves nothing; the ACK begins the time (RFC 3264 §5.1)`() {
    var stream = MediaStream.running(agreement(.sendonly))
    stream.handle(.watchSilence(.seconds(3)), at: .zero)
    stream.handle(.renegotiate(agreement(.sendrecv), isKnown: false), at: milliseconds(1_000))
    #expect(silences(&stream, until: 6_000) == [])
    stream.handle(.confirm, at: milliseconds(6_000))
    #expect(silences(&stream, until: 20_000) == [9_000])
  }

  @Test func `a stream that has ended says so with its figures, and again with those of packets that came late`() {
    var stream = MediaStream.running(agreement(.sendrecv))
    stream.handle(.stop, at: .zero)
    let packet = RTPPacket(payloadType: 8, marker: false, sequenceNumber: 1, timestamp: 0, ssrc: 5, payload: Bytes([1, 2, 3]))
    stream.receive(.datagram(PortID(1), from: there, packet.serialized()), at: milliseconds(1))
    stream.handle(.stop, at: milliseconds(2))
    let counts = stream.takeEvents().compactMap { if case .stopped(let report) = $0 { report.packetsReceived } else { nil } }
    #expect(counts == [0, 1])
    #expect(stream.nextDeadline == nil)
  }

  @Test func `media that an agreement moves to another address does not leave here, neither RTP nor RTCP`() {
    var stream = MediaStream.running(agreement(.sendrecv))
    var direct = agreement(.sendrecv)
    direct.local = TransportAddress(IPAddress(v4: 77), port: 4_000)
    stream.handle(.renegotiate(direct, isKnown: true), at: .zero)
    var out = Outbox()
    stream.wake(at: milliseconds(10_000), &out)
    #expect(out.departures.isEmpty)
    stream.handle(.renegotiate(agreement(.sendrecv), isKnown: true), at: milliseconds(10_000))
    stream.wake(at: milliseconds(10_100), &out)
    #expect(out.departures.count == 5)
  }
}

@Suite struct ToneDetectorSinkTests {
  @Test func `a frame of another rate begins anew, and ends the tone that was heard`() {
    var (sink, events): (any AudioSink, [MediaEvent]) = (ToneDetector(sampleRate: 8_000), [])
    func frame(_ rate: Int, _ source: inout ToneSource) -> AudioFrame {
      var frame = AudioFrame(samples: [Int16](repeating: 0, count: rate / 50), sampleRate: rate)
      source.fill(&frame)
      return frame
    }
    var narrow = ToneSource(Tone(frequency: 440), sampleRate: 8_000)
    for _ in 0..<20 { sink.take(frame(8_000, &narrow), &events) }
    var wide = ToneSource(Tone(frequency: 1_000), sampleRate: 16_000)
    for _ in 0..<20 { sink.take(frame(16_000, &wide), &events) }
    #expect(events == [.toneHeard(440), .toneEnded, .toneHeard(1_000)])
  }
}
