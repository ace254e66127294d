import Codecs
import SansIO
import Testing

@testable import Mark

@Suite struct VoiceTests {
  @Test func `every machine makes the same samples`() {
    var sum: UInt64 = 14_695_981_039_346_656_037
    for rate in [8_000, 16_000, 48_000] {
      var frame = AudioFrame(samples: Array(repeating: 0, count: rate * 2), sampleRate: rate)
      MarkVoice(.three).fill(&frame, from: Instant(nanoseconds: 23_000_000_000))
      for sample in frame.samples { sum = (sum ^ UInt64(UInt16(bitPattern: sample))) &* 1_099_511_628_211 }
    }
    #expect(sum == 17_654_379_800_799_302_496)
  }

  @Test func `what is spoken does not hang on how it is cut into frames`() {
    var whole = AudioFrame(samples: Array(repeating: 0, count: 1_600), sampleRate: 8_000)
    let start = Instant(nanoseconds: 24_500_000_000)
    MarkVoice(.three).fill(&whole, from: start)
    var parts: [Int16] = []
    for part in 0..<10 {
      var frame = AudioFrame(samples: Array(repeating: 0, count: 160), sampleRate: 8_000)
      MarkVoice(.three).fill(&frame, from: start.adding(nanoseconds: Int64(part) * 20_000_000))
      parts += frame.samples
    }
    #expect(parts == whole.samples)
  }

  @Test func `sixteen symbols in a row name speaker and clock`() {
    let index = MarkCode.index
    // No place of the code fits another one's sixteen symbols: four of them lead to few places, and twelve more to one.
    for place in stride(from: 16, to: MarkCode.speakers * MarkCode.symbols, by: 97) where place % MarkCode.symbols >= 16 && place % 8 >= 4 {
      let tones = (place - 15...place).map { MarkCode.sequences[$0] }
      let key = tones.suffix(4).reduce(0) { $0 << 4 | Int($1) }
      let fitting = index.places[Int(index.starts[key])..<Int(index.starts[key + 1])].filter { other in
        let end = Int(other)
        return end >= 15 && (end - 15...end).map { MarkCode.sequences[$0] } == tones
      }
      #expect(fitting.map(Int.init) == [place])
    }
  }

  @Test func `there are 64 speakers`() {
    #expect(MarkSpeaker(63) != nil && MarkSpeaker(64) == nil && MarkSpeaker(-1) == nil)
  }
}
