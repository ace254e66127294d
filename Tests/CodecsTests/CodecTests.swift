import SansIO
import Testing

@testable import Codecs

@Suite struct CodecTests {
  @Test func `G.711 has 8,000 samples and ticks a second, an octet each (RFC 3551 §4.5.14)`() {
    let codec = Codec.g711(.mu)
    #expect(codec.clockRate == 8_000 && codec.sampleRate == 8_000)
    #expect(codec.samples(milliseconds: 20) == 160 && codec.ticks(milliseconds: 30) == 240)
    #expect(codec.ticks(nanoseconds: 124_999) == 0 && codec.ticks(nanoseconds: -250_000) == -2)
    var (encoder, payload): (AudioEncoder, [UInt8]) = (codec.encoder, [])
    encoder.encode(AudioFrame(samples: [0, 0, 0], sampleRate: 8_000), into: &payload)
    #expect(payload == [0xFF, 0xFF, 0xFF])
  }

  @Test(arguments: [G711.Law.mu, .a])
  func `a whole payload is decoded and encoded as octet by octet, whatever the frame held before (G.711 §3)`(law: G711.Law) {
    let octets = (UInt8.min...UInt8.max).map { $0 }
    for size in [0, 7, 400] {
      var frame = AudioFrame(samples: [Int16](repeating: 77, count: size), sampleRate: 1)
      var decoder = Codec.g711(law).decoder
      decoder.decode(Bytes(octets), into: &frame)
      #expect(frame.samples == octets.map { G711.decode($0, law) })
      #expect(frame.sampleRate == 8_000)
      var (encoder, payload): (AudioEncoder, [UInt8]) = (Codec.g711(law).encoder, [1])
      encoder.encode(frame, into: &payload)
      #expect(payload == [1] + frame.samples.map { G711.encode($0, law) })
    }
  }

  @Test func `a frame that grows is silent where nothing was`() {
    var frame = AudioFrame(samples: [5], sampleRate: 8_000)
    frame.resize(3)
    #expect(frame.samples == [5, 0, 0])
    frame.resize(1)
    #expect(frame.samples == [5])
  }
}
