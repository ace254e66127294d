import Codecs
import Mark
import SansIO
import Testing

@testable import Media

@Suite struct SpokenAudioTests {
  private func frames(_ audio: SpokenAudio, _ rate: Int, _ count: Int) -> [Int16] {
    var source = audio.source(sampleRate: rate)
    var samples: [Int16] = []
    for packet in 1...count {
      var frame = AudioFrame(samples: Array(repeating: 9, count: rate / 50), sampleRate: rate)
      frame.time = Instant(nanoseconds: Int64(packet) * 20_000_000)
      source.fill(&frame)
      samples += frame.samples
    }
    return samples
  }

  @Test(arguments: [8_000, 16_000, 48_000])
  func `a sample of a mark is spoken a packet time before its packet leaves`(rate: Int) {
    let speaker = MarkSpeaker(wrapping: 5)
    var spoken = AudioFrame(samples: Array(repeating: 0, count: rate / 5), sampleRate: rate)
    MarkVoice(speaker).fill(&spoken, from: .zero)
    #expect(frames(.mark(speaker), rate, 10) == spoken.samples)
  }

  @Test func `a prompt is played once at the rate of the codec, and silence follows`() {
    let wave = WaveFile(samples: (0..<320).map { Int16($0) }, sampleRate: 16_000)
    let played = frames(.prompt(Prompt(name: "p", audio: wave)), 16_000, 2)
    #expect(Array(played.prefix(320)) == wave.samples && played.dropFirst(320).allSatisfy { $0 == 0 })
    #expect(frames(.prompt(Prompt(name: "p", audio: wave)), 8_000, 2).count == 320)
    #expect(frames(.silence, 8_000, 1).allSatisfy { $0 == 0 })
  }

  @Test func `marks are reported only where somebody listens for them, and to the end`() {
    let tape = AudioTape()
    for listening in [AudioListening.marks, AudioListening(tape: tape)] {
      var receiver = RTPReceiver(codec: .g711(.mu), listening: listening)
      var source = SpokenAudio.mark(MarkSpeaker(wrapping: 5)).source(sampleRate: 8_000)
      var events: [MediaEvent] = []
      for packet in 1...100 {
        var frame = AudioFrame(samples: Array(repeating: 0, count: 160), sampleRate: 8_000)
        frame.time = Instant(nanoseconds: Int64(packet) * 20_000_000)
        source.fill(&frame)
        receiver.hear(frame, &events)
      }
      receiver.finish(&events)
      let began = events.contains { if case .mark(.began(MarkSpeaker(wrapping: 5), at: _)) = $0 { true } else { false } }
      let ended = events.contains { if case .mark(.ended(MarkSpeaker(wrapping: 5), at: _)) = $0 { true } else { false } }
      #expect(listening.hearsMarks || tape.tracks.map(\.audio.samples.count) == [16_000])
      #expect(began == listening.hearsMarks && ended == listening.hearsMarks)
      #expect(listening.hearsMarks != events.isEmpty)
    }
  }
}
