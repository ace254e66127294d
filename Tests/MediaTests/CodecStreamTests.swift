import Codecs
import RTP
import SDP
import SansIO
import Testing

@testable import Media

/// Two streams that hear each other, by an agreement each.
private struct CodecPair {
  var (one, other): (MediaStream, MediaStream)
  /// What `one` sent.
  private(set) var packets: [RTPPacket] = []
  private var now = Instant.zero

  private static let places = (TransportAddress(IPAddress(v4: 1), port: 4_000), TransportAddress(IPAddress(v4: 2), port: 4_000))

  /// - Parameter numbers: what each side calls the codec: `one` takes the first.
  init(
    _ codec: AudioCodec, numbers: (UInt8, UInt8)? = nil, packetTime: Int = 20, others: [AgreedCodec] = [], opus: String = ""
  ) {
    let (first, second) = numbers ?? (codec.offeredPayloadType, codec.offeredPayloadType)
    var agreement = AudioAgreement(
      codec: codec, local: Self.places.0, remote: Self.places.1, remoteControl: Self.places.1, direction: .sendrecv,
      sendPayloadType: second, receivePayloadType: first, packetTime: packetTime)
    (agreement.others, agreement.opus) = (others, OpusFormat(opus))
    one = .running(agreement)
    (agreement.local, agreement.remote, agreement.remoteControl) = (Self.places.1, Self.places.0, Self.places.0)
    (agreement.sendPayloadType, agreement.receivePayloadType) = (first, second)
    agreement.others = others.map { AgreedCodec($0.codec, send: $0.receivePayloadType, receive: $0.sendPayloadType) }
    other = .running(agreement)
  }

  /// Lets time pass; `changed` sees each packet of `one` before the other gets it.
  mutating func run(milliseconds: Int64, _ changed: (inout RTPPacket) -> Void = { _ in }) {
    let end = now.adding(nanoseconds: milliseconds * 1_000_000)
    while let due = [one.nextDeadline, other.nextDeadline].compactMap(\.self).min(), due <= end {
      now = due
      var (first, second) = (Outbox(), Outbox())
      one.wake(at: now, &first)
      other.wake(at: now, &second)
      for case .datagram(_, to: _, let bytes, let label) in first.departures {
        guard case .rtp = label.subject, var packet = try? RTPPacket.parse(bytes) else { continue }
        packets.append(packet)
        changed(&packet)
        other.receive(.datagram(PortID(1), from: Self.places.0, packet.serialized()), at: now)
      }
      for case .datagram(_, to: _, let bytes, let label) in second.departures {
        if case .rtp = label.subject { one.receive(.datagram(PortID(1), from: Self.places.1, bytes), at: now) }
      }
    }
    now = end
  }

  mutating func speak(_ frequency: Int) {
    one.handle(.play(.tone(Tone(frequency: frequency)), until: nil), at: now)
    other.handle(.play(.tone(Tone(frequency: frequency / 2)), until: nil), at: now)
  }
}

@Suite struct CodecStreamTests {
  @Test(arguments: AudioCodec.allCases, [300, 440, 1_000, 3_000])
  func `a tone is heard at its pitch on both sides, in every codec and packet time`(codec: AudioCodec, frequency: Int) {
    for packetTime in [10, 20, 40, 60] {
      var pair = CodecPair(codec, packetTime: packetTime)
      pair.speak(frequency)
      pair.run(milliseconds: 1_000)
      #expect(pair.other.report.tones.map { abs($0 - frequency) <= max(5, frequency / 50) } == [true], "\(pair.other.report.tones)")
      #expect(pair.one.report.tones.map { abs($0 - frequency / 2) <= max(5, frequency / 100) } == [true], "\(pair.one.report.tones)")
      let steps = Set(zip(pair.packets, pair.packets.dropFirst()).map { $1.timestamp &- $0.timestamp })
      #expect(steps == [UInt32(codec.clockRate * packetTime / 1_000)], "G.722 counts at 8 kHz, Opus at 48 (RFC 3551 §4.5.2, RFC 7587 §4.1)")
      #expect(pair.other.report.jitter == .zero && pair.other.report.packetsLost == 0)
    }
  }

  @Test func `each side sends the other's number (RFC 3264 §5.1)`() {
    var pair = CodecPair(.opus, numbers: (96, 111))
    pair.run(milliseconds: 500)
    #expect(Set(pair.packets.map(\.payloadType)) == [111])
    #expect(pair.one.report.packetsReceived == 25 && pair.other.report.packetsReceived == 25)
    #expect(pair.one.rules() == [] && pair.other.rules() == [])
  }

  @Test(arguments: [(AudioCodec.pcmu, AudioCodec.opus), (.opus, .g722), (.g722, .pcma)])
  func
    `the codec changes within the agreement, in one direction alone, and the jitter goes by the right clock (RFC 3264 §5.1, RFC 7160 §4.1)`(
      from: AudioCodec, to: AudioCodec
    )
  {
    let other = AgreedCodec(to, send: to.offeredPayloadType, receive: to.offeredPayloadType)
    var pair = CodecPair(from, others: [other])
    pair.speak(1_000)
    pair.run(milliseconds: 500)
    pair.one.handle(.send(to), at: .zero)
    pair.run(milliseconds: 1_000)
    #expect(Set(pair.packets.suffix(40).map(\.payloadType)) == [to.offeredPayloadType])
    #expect(pair.other.report.tones.allSatisfy { abs($0 - 1_000) <= 20 } && pair.other.report.tones.count >= 1)
    #expect(pair.other.report.jitter == .zero && pair.other.rules() == [])
    #expect(pair.one.report.packetsReceived == pair.other.report.packetsReceived)
    // Back, and to one that nobody agreed on.
    pair.one.handle(.send(from), at: .zero)
    pair.one.handle(.send(from == .pcma || to == .pcma ? .pcmu : .pcma), at: .zero)
    pair.run(milliseconds: 100)
    #expect(pair.packets.last?.payloadType == from.offeredPayloadType)
  }

  @Test func `payloads that nobody named, that are cut or too long are counted, and the stream goes on (RFC 3264 §5.1, RFC 6716 §3.4)`() {
    var pair = CodecPair(.opus)
    pair.speak(1_000)
    var count = 0
    pair.run(milliseconds: 2_000) { packet in
      count += 1
      switch count {
      case 10: packet.payloadType = 77
      case 20: packet.payload = Bytes([])
      case 30: packet.payload = Bytes([0xFF])
      case 40: packet.payload = Bytes([0x7B, 0x07, 0, 0, 0, 0, 0, 0, 0])
      default: break
      }
    }
    let report = pair.other.report
    #expect(report.faults.unknownTypes == 1 && report.faults.empty == 1 && report.faults.malformed == 1 && report.faults.tooLong == 1)
    #expect(report.faults.total == 4)
    #expect(report.packetsReceived == 100 && report.packetsLost == 0)
    #expect(report.tones.map { abs($0 - 1_000) <= 20 } == [true])
    #expect(pair.other.rules() == [.rtpPayloadType])
  }

  @Test func `a peer that asks for DTX gets no silence, and no loss is seen (RFC 7587 §3.1.3)`() {
    var pair = CodecPair(.opus, opus: "usedtx=1")
    pair.run(milliseconds: 4_000)
    #expect(pair.one.report.packetsSent < 50)
    #expect(pair.other.report.packetsLost == 0)
    let (sent, last) = (pair.one.report.packetsSent, pair.packets.last)
    pair.speak(1_000)
    pair.run(milliseconds: 1_000)
    #expect(pair.one.report.packetsSent == sent + 50)
    #expect(pair.packets[Int(sent)].marker, "a talkspurt begins (RFC 3551 §4.1)")
    #expect(pair.packets[Int(sent)].sequenceNumber == (last?.sequenceNumber ?? 0) &+ 1)
    #expect(pair.other.report.tones.map { abs($0 - 1_000) <= 20 } == [true])
  }

  @Test(arguments: [("cbr=1;maxaveragebitrate=16000", 40), ("cbr=1", 80), ("cbr=1;maxaveragebitrate=510000", 80)])
  func `the peer's fmtp says how large packets are (RFC 7587 §6.1)`(parameters: String, octets: Int) {
    var pair = CodecPair(.opus, opus: parameters)
    pair.speak(440)
    pair.run(milliseconds: 500)
    #expect(Set(pair.packets.map(\.payload.count)) == [octets])
  }

  @Test(arguments: AudioCodec.allCases) func `an echo comes back at its pitch and level, one packet and a moment later`(codec: AudioCodec) {
    var pair = CodecPair(codec)
    pair.other.handle(.bridge(.echo), at: .zero)
    pair.one.handle(.play(.tone(Tone(frequency: 700)), until: nil), at: .zero)
    pair.run(milliseconds: 1_000)
    #expect(pair.one.report.tones.map { abs($0 - 700) <= 14 } == [true])
    pair.other.handle(.bridge(nil), at: .zero)
    pair.run(milliseconds: 1_000)
    #expect(pair.one.takeEvents().contains(.toneEnded))
  }

  @Test(arguments: AudioCodec.allCases, AudioCodec.allCases)
  func `what one leg hears is sent by the other in its own codec and packet time, with pitch and level`(from: AudioCodec, to: AudioCodec) {
    var (first, second) = (CodecPair(from, packetTime: 20), CodecPair(to, packetTime: 60))
    first.other.handle(.bridge(.other), at: .zero)
    first.one.handle(.play(.tone(Tone(frequency: 1_000)), until: nil), at: .zero)
    var heard = AudioFrame(sampleRate: 1)
    for _ in 0..<100 {
      first.run(milliseconds: 20)
      if first.other.takeHeard(into: &heard) { second.one.hear(heard) }
      second.run(milliseconds: 20)
    }
    #expect(second.other.report.tones.map { abs($0 - 1_000) <= 20 } == [true], "\(second.other.report.tones)")
    let isMore = first.other.takeHeard(into: &heard)
    #expect(!isMore)
  }
}
