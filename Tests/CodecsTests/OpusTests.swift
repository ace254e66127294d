import SansIO
import Testing

@testable import Codecs

@Suite struct OpusTests {
  private func packets(_ parameters: OpusParameters = OpusParameters(), milliseconds: Int = 20, count: Int = 50) -> [[UInt8]] {
    var (signal, encoder) = (Signal(sampleRate: 48_000), Codec.opus(parameters).encoder)
    return (0..<count).map { _ in
      var payload: [UInt8] = []
      encoder.encode(signal.frame(milliseconds: milliseconds), into: &payload)
      return payload
    }
  }

  private func parameters(_ change: (inout OpusParameters) -> Void) -> OpusParameters {
    var parameters = OpusParameters()
    change(&parameters)
    return parameters
  }

  @Test(arguments: [10, 20, 40, 60])
  func `a packet of any time that Opus has comes back as long as it was, at its level (RFC 7587 §4)`(milliseconds: Int) {
    let codec = Codec.opus(OpusParameters())
    #expect(codec.clockRate == 48_000 && codec.ticks(milliseconds: milliseconds) == UInt32(48 * milliseconds))
    var (signal, decoder, frame) = (Signal(sampleRate: 48_000), codec.decoder, AudioFrame(sampleRate: 8_000))
    var (heard, said): ([Int16], [Int16]) = ([], [])
    for packet in packets(milliseconds: milliseconds) {
      #expect(decoder.decode(Bytes(packet), into: &frame) == nil)
      #expect(frame.samples.count == 48 * milliseconds && frame.sampleRate == 48_000)
      heard += frame.samples
      said += signal.frame(milliseconds: milliseconds).samples
    }
    #expect((0.75...1.25).contains(power(heard) / power(said)))
  }

  @Test func `the same input gives the same bytes, and a copy goes on by itself`() {
    #expect(packets() == packets())
    var (signal, encoder) = (Signal(sampleRate: 48_000), Codec.opus(OpusParameters()).encoder)
    var payload: [UInt8] = []
    encoder.encode(signal.frame(milliseconds: 20), into: &payload)
    var copy = encoder
    let frame = signal.frame(milliseconds: 20)
    var (one, other): ([UInt8], [UInt8]) = ([], [])
    encoder.encode(frame, into: &one)
    copy.encode(frame, into: &other)
    #expect(one == other && !one.isEmpty)
    copy.encode(signal.frame(milliseconds: 20), into: &other)
    (one, other) = ([], [])
    let next = signal.frame(milliseconds: 20)
    encoder.encode(next, into: &one)
    copy.encode(next, into: &other)
    #expect(one != other, "a shared state would have heard all frames")
  }

  /// The configuration numbers of RFC 6716 Table 2, by audio bandwidth: SILK, hybrid, CELT.
  private static let bandwidths: [(Int32, [ClosedRange<UInt8>])] = [
    (8_000, [0...3, 16...19]), (12_000, [0...7, 16...19]), (16_000, [0...11, 16...23]), (24_000, [0...13, 16...27]),
  ]

  @Test(arguments: bandwidths)
  func `nothing is sent above what the receiver can play (RFC 7587 §6.1 maxplaybackrate)`(rate: Int32, allowed: [ClosedRange<UInt8>]) {
    for packet in packets(parameters { ($0.maximumPlaybackRate, $0.averageBitrate) = (rate, 64_000) }) {
      #expect(allowed.contains { $0.contains(packet[0] >> 3) }, "configuration \(packet[0] >> 3)")
    }
  }

  @Test(arguments: [12_000, 24_000, 64_000] as [Int32])
  func `the mean rate stays at what the receiver asks for (RFC 7587 §6.1 maxaveragebitrate)`(rate: Int32) {
    let octets = packets(parameters { $0.averageBitrate = rate }, count: 200).reduce(0) { $0 + $1.count }
    #expect(octets * 8 / 4 <= Int(rate) * 11 / 10)
    #expect(octets * 8 / 4 >= Int(rate) / 2)
  }

  @Test func `cbr makes packets of one size (RFC 7587 §6.1)`() {
    #expect(Set(packets(parameters { $0.isConstantBitrate = true }).map(\.count)).count == 1)
    #expect(Set(packets().map(\.count)).count > 1)
  }

  @Test func `usedtx leaves silence out, and an update comes now and then (RFC 7587 §3.1.3)`() {
    var (encoder, payload) = (Codec.opus(parameters { $0.usesDTX = true }).encoder, [UInt8]())
    let silence = AudioFrame(samples: [Int16](repeating: 0, count: 960), sampleRate: 48_000)
    let sent = (0..<200).filter { _ in encoder.encode(silence, into: &payload) }
    #expect((2...60).contains(sent.count) && (sent.last ?? 0) > 150)
    var always = Codec.opus(OpusParameters()).encoder
    #expect((0..<200).allSatisfy { _ in always.encode(silence, into: &payload) })
  }

  @Test func `a lost packet comes back from the next one's FEC, better than it is made up (RFC 6716 §2.1.7)`() {
    let packets = packets(parameters { $0.usesFEC = true }, count: 100)
    let codec = Codec.opus(OpusParameters())
    var (whole, conceals, recovers) = (codec.decoder, codec.decoder, codec.decoder)
    var frame = AudioFrame(sampleRate: 48_000)
    var (said, concealed, recovered): ([Int16], [Int16], [Int16]) = ([], [], [])
    for (index, packet) in packets.enumerated() {
      let isLost = index % 10 == 5
      whole.decode(Bytes(packet), into: &frame)
      if isLost { said += frame.samples }
      if isLost { conceals.conceal(milliseconds: 20, into: &frame) } else { conceals.decode(Bytes(packet), into: &frame) }
      if isLost { concealed += frame.samples }
      #expect(frame.samples.count == 960)
      if isLost {
        recovers.recover(Bytes(packets[index + 1]), milliseconds: 20, into: &frame)
        recovered += frame.samples
      } else {
        recovers.decode(Bytes(packet), into: &frame)
      }
    }
    #expect(quality(recovered, of: said) > quality(concealed, of: said) + 3)
  }

  @Test func `a packet without FEC conceals, and so does one that is none`() {
    let packets = packets()
    for next in [packets[3], [], [0xFF, 0xFF]] {
      var (one, other) = (Codec.opus(OpusParameters()).decoder, Codec.opus(OpusParameters()).decoder)
      var (frame, second) = (AudioFrame(sampleRate: 48_000), AudioFrame(sampleRate: 48_000))
      for packet in packets[0..<2] {
        one.decode(Bytes(packet), into: &frame)
        other.decode(Bytes(packet), into: &second)
      }
      one.conceal(milliseconds: 20, into: &frame)
      other.recover(Bytes(next), milliseconds: 20, into: &second)
      #expect(frame.samples == second.samples && power(frame.samples) > 0)
    }
  }

  @Test(
    arguments: [
      ([], .empty), ([0xFF], .malformed), ([0x79], nil), ([0x7A, 0xFE], .malformed), ([0x7B, 0xC1, 0x01], .malformed),
      ([0x1B, 0x03, 0, 0, 0, 0], .tooLong), ([0x7B, 0x07, 0, 0, 0, 0, 0, 0, 0], .tooLong), ([0x7B, 0x00], .malformed),
    ] as [([UInt8], PayloadFault?)])
  func `what is no packet of Opus is named, and audio goes on behind it (RFC 6716 §3.4)`(payload: [UInt8], fault: PayloadFault?) {
    var (decoder, frame) = (Codec.opus(OpusParameters()).decoder, AudioFrame(sampleRate: 48_000))
    #expect(decoder.decode(Bytes(payload), into: &frame) == fault)
    #expect(frame.samples.isEmpty == (fault != nil))
    #expect(decoder.decode(Bytes(packets()[0]), into: &frame) == nil && frame.samples.count == 960)
  }

  @Test func `a packet that is cut anywhere does no harm`() {
    var (decoder, frame) = (Codec.opus(OpusParameters()).decoder, AudioFrame(sampleRate: 48_000))
    for packet in packets(parameters { $0.usesFEC = true }, milliseconds: 60, count: 3) {
      for end in 0...packet.count {
        decoder.decode(Bytes(Array(packet[..<end])), into: &frame)
        #expect(frame.samples.count <= 5_760)
      }
    }
  }
}
