import CAllocationCount
import SansIO
import Testing

@testable import Codecs

@Suite struct LossTests {
  private static let codecs: [Codec] = [.g711(.mu), .g711(.a), .g722]

  @Test(arguments: codecs)
  func `one lost packet of a steady voice is hardly heard, six leave silence (G.711 Appendix I §I.2.7)`(codec: Codec) {
    let rate = codec.sampleRate
    let tone = Signal.tone(200, sampleRate: rate, milliseconds: 400)
    var (encoder, decoder, frame) = (codec.encoder, codec.decoder, AudioFrame(sampleRate: rate))
    let size = codec.samples(milliseconds: 20)
    var payloads: [Bytes] = []
    for start in stride(from: 0, to: tone.count, by: size) {
      var payload: [UInt8] = []
      encoder.encode(AudioFrame(samples: Array(tone[start..<start + size]), sampleRate: rate), into: &payload)
      payloads.append(Bytes(payload))
    }
    for payload in payloads[..<10] { decoder.decode(payload, into: &frame) }
    let before = frame.samples
    var levels: [Double] = []
    for _ in 0..<6 {
      decoder.conceal(milliseconds: 20, into: &frame)
      #expect(frame.samples.count == size && frame.sampleRate == rate)
      levels.append(power(frame.samples) / power(before))
      if levels.count == 1 { #expect(quality(frame.samples.prefix(size / 2), of: before) > 20, "the wave goes on where it was") }
    }
    #expect(levels[0] > 0.7 && levels[0] <= 1.05)
    #expect(levels == levels.sorted(by: >=), "it fades")
    #expect(levels[3] == 0 && levels[5] == 0)
    decoder.decode(payloads[16], into: &frame)
    #expect(power(frame.samples) / power(before) > 0.8)
  }

  @Test(arguments: codecs) func `the second loss has all of 35 ms to go by, and a copy of a decoder its own`(codec: Codec) {
    var (signal, encoder, decoder) = (Signal(sampleRate: codec.sampleRate), codec.encoder, codec.decoder)
    var frame = AudioFrame(sampleRate: codec.sampleRate)
    for index in 0..<20 {
      var payload: [UInt8] = []
      encoder.encode(signal.frame(milliseconds: 20), into: &payload)
      if index % 9 == 5 { decoder.conceal(milliseconds: 20, into: &frame) } else { decoder.decode(Bytes(payload), into: &frame) }
    }
    var (copy, other) = (decoder, frame)
    decoder.conceal(milliseconds: 20, into: &frame)
    #expect(power(frame.samples) > 0)
    copy.conceal(milliseconds: 20, into: &other)
    #expect(frame.samples == other.samples, "neither knows of the other's loss")
  }

  @Test(arguments: codecs + [.opus(OpusParameters())]) func `a loss before anything came is silence`(codec: Codec) {
    var (decoder, frame) = (codec.decoder, AudioFrame(sampleRate: 1))
    for milliseconds in [20, 0, -5, 1, 3, 500] {
      decoder.conceal(milliseconds: milliseconds, into: &frame)
      #expect(frame.samples.count == codec.samples(milliseconds: min(max(milliseconds, 0), 120)))
      #expect(frame.sampleRate == codec.sampleRate && power(frame.samples) == 0)
    }
    decoder.recover(Bytes([]), milliseconds: 20, into: &frame)
    #expect(frame.samples.count == codec.samples(milliseconds: 20))
  }

  @Test func `a tick too short for a voice's period is made up as well`() {
    var (decoder, frame) = (Codec.g711(.a).decoder, AudioFrame(sampleRate: 8_000))
    for size in [1, 2, 39, 79, 80, 81] {
      decoder.decode(Bytes([UInt8](repeating: 0x12, count: size)), into: &frame)
      decoder.conceal(milliseconds: 10, into: &frame)
      #expect(frame.samples.count == 80)
    }
  }

  @Test(arguments: codecs + [.opus(OpusParameters())]) func `no frame allocates, neither out nor in nor lost`(codec: Codec) {
    var (signal, encoder, decoder) = (Signal(sampleRate: codec.sampleRate), codec.encoder, codec.decoder)
    let frames = (0..<8).map { _ in signal.frame(milliseconds: 20) }
    var payload: [UInt8] = []
    payload.reserveCapacity(2_000)
    var bytes = frames.map { frame in
      encoder.encode(frame, into: &payload)
      defer { payload.removeAll(keepingCapacity: true) }
      return Bytes(payload)
    }
    bytes.append(bytes[0])
    var frame = AudioFrame(sampleRate: codec.sampleRate)
    func turn() {
      for index in frames.indices {
        payload.removeAll(keepingCapacity: true)
        encoder.encode(frames[index], into: &payload)
        if index == 3 { decoder.recover(bytes[4], milliseconds: 20, into: &frame) } else { decoder.decode(bytes[index], into: &frame) }
        if index == 6 { decoder.conceal(milliseconds: 20, into: &frame) }
      }
    }
    turn()
    let before = allocation_count()
    turn()
    #expect(allocation_count() == before)
  }
}

@Suite struct ResamplerTests {
  @Test(arguments: [8_000, 16_000, 48_000], [8_000, 16_000, 48_000])
  func `a tone keeps pitch, level and length from rate to rate`(from: Int, to: Int) {
    var (resampler, output) = (Resampler(from: from, to: to), [Int16]())
    let tone = Signal.tone(1_000, sampleRate: from, milliseconds: 1_000)
    for start in stride(from: 0, to: tone.count, by: from / 50) { resampler.append(Array(tone[start..<start + from / 50]), to: &output) }
    #expect(abs(output.count - to) <= to / 100)
    let steady = Array(output[(to / 10)...])
    #expect(abs(frequency(steady, sampleRate: to) - 1_000) < 1)
    #expect((0.97...1.03).contains(power(steady) / power(tone)))
    #expect(resampler.delay <= to / 100)
  }

  @Test func `the same input gives the same samples, and a copy shares nothing`() {
    let tone = Signal.tone(440, sampleRate: 8_000, milliseconds: 100)
    var (one, first, second) = (Resampler(from: 8_000, to: 48_000), [Int16](), [Int16]())
    one.append(tone, to: &first)
    var (copy, other) = (one, Resampler(from: 8_000, to: 48_000))
    (first, second) = ([], [])
    other.append(tone, to: &second)
    copy.append(tone, to: &first)
    #expect(first == second, "the one that is used first begins anew")
    (first, second) = ([], [])
    one.append(tone, to: &first)
    other.append(tone, to: &second)
    #expect(first == second, "the other goes on")
  }

  @Test func `no frame allocates`() {
    let tone = Signal.tone(440, sampleRate: 8_000, milliseconds: 20)
    var (resampler, output) = (Resampler(from: 8_000, to: 48_000), [Int16]())
    output.reserveCapacity(2_000)
    resampler.append(tone, to: &output)
    output.removeAll(keepingCapacity: true)
    let before = allocation_count()
    for _ in 0..<10 {
      resampler.append(tone, to: &output)
      output.removeAll(keepingCapacity: true)
    }
    #expect(allocation_count() == before)
  }
}
