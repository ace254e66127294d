import Codecs
import SansIO
import Testing

@testable import Mark

/// What goes wrong on a line, and what it is called.
@Suite struct MistakeTests {
  @Test(arguments: [(Hop.mu, 16_000), (.mu, 48_000), (.a, 16_000), (.g722, 8_000), (.g722, 48_000), (.opus, 8_000), (.opus, 16_000)])
  func `samples of another rate are found, and which`(hop: Hop, made: Int) {
    let taken = hop.codec.sampleRate
    // Samples that were made for `made` a second are sent as if they were of the codec's rate.
    var line = Line([hop])
    var next = Int64(0)
    line.edit = { _, samples in
      var frame = AudioFrame(samples: samples, sampleRate: made)
      MarkVoice(.three).fill(&frame, from: Instant(nanoseconds: 5_000_000_000 + next))
      next += Int64(samples.count) * 1_000_000_000 / Int64(made)
      return frame.samples
    }
    let findings = line.listen(6)
    let divisor = max(1, min(taken, made) / 8_000 * 8_000)
    #expect(findings.speeds == [Speed(taken / divisor, made / divisor).reduced], "\(hop.name) with \(made) Hz: \(findings.speeds)")
    #expect(findings.begins.isEmpty && !findings.sounds.contains { if case .mark = $0 { true } else { false } })
  }

  @Test(arguments: [Hop.mu, .a, .g722, .opus, .thinOpus])
  func `a mark that is cut at the top is found; a loud one is not`(hop: Hop) {
    for (gain, isClipped) in [(1, false), (4, false), (8, true)] {
      var line = Line([hop])
      line.edit = { $1.map { Int16(clamping: Int($0) * gain) } }
      let findings = line.listen(4)
      #expect((findings.clippings > 0) == isClipped, "\(hop.name), \(gain) times as loud: \(findings.clippings)")
      #expect(findings.begins.map(\.speaker) == [3])
    }
  }

  @Test(arguments: [Hop.mu, .g722, .opus, .thinOpus])
  func `the own mark is found 12 dB below another one, with its delay, and only where it is`(hop: Hop) {
    for isThere in [true, false] {
      var line = Line([hop])
      line.edit = { packet, samples in
        guard isThere else { return samples }
        var echo = AudioFrame(samples: samples, sampleRate: hop.codec.sampleRate)
        let mouth = Line.start.adding(nanoseconds: Int64(packet) * 20_000_000 - 180_000_000)
        MarkVoice(.zero, amplitude: 2_000).fill(&echo, from: mouth)
        return zip(samples, echo.samples).map { $0 &+ $1 }
      }
      let echoes = line.listen(6, own: .zero).echoes
      #expect(echoes.isEmpty == !isThere)
      #expect(echoes.allSatisfy { abs($0 - 250) <= 25 }, "\(hop.name): \(echoes)")
    }
  }

  @Test func `the own mark alone is an echo with its round trip`() {
    var line = Line([.mu])
    line.talk = { _ in 0 }
    let findings = line.listen(3, own: .zero)
    #expect(!findings.echoes.isEmpty && findings.echoes.allSatisfy { abs($0 - 70) <= 10 })
  }

  @Test func `silence is silence, a tone is something else, and the end of a second is not measured`() {
    var line = Line([.mu])
    line.talk = { _ in nil }
    #expect(line.listen(3).sounds == [.silence, .silence, .silence])
    line.edit = { packet, samples in samples.indices.map { Int16(MarkWave.sine[($0 + packet * 160) * 63 % 1_152] / 4) } }
    #expect(line.listen(3).sounds == [.somethingElse, .somethingElse, .somethingElse])
  }

  @Test(arguments: [Hop.thinOpus, .guardedOpus])
  func `under DTX the pauses are silence, and the talk keeps its speaker`(hop: Hop) {
    var line = Line([hop], loss: 5)
    line.talk = { $0 / 4_000 % 2 == 0 ? 3 : nil }
    let findings = line.listen(12)
    let talk = zip(findings.sounds, 0...).filter { $0.1 / 4 % 2 == 0 }.map(\.0)
    #expect(talk == Array(repeating: .mark(.three), count: 8))
    let pauses = zip(findings.sounds, 0...).filter { $0.1 / 4 % 2 == 1 }.map(\.0)
    #expect(!pauses.contains { if case .mark = $0 { true } else { false } })
  }

  @Test func `packets that come late and none that are made up leave the speaker and a true delay`() {
    var detector = MarkDetector()
    var (findings, draws): ([MarkFinding], Draws) = ([], Draws(7))
    for packet in 0..<300 where draws.next(20) > 0 {
      var frame = AudioFrame(samples: Array(repeating: 0, count: 160), sampleRate: 8_000)
      let mouth = Line.start.adding(nanoseconds: Int64(packet) * 20_000_000)
      MarkVoice(.three).fill(&frame, from: mouth)
      frame.time = mouth.adding(nanoseconds: 70_000_000 + Int64(draws.next(8)) * 1_000_000)
      detector.take(frame, &findings)
    }
    detector.finish(&findings)
    #expect(findings.sounds.prefix(5).allSatisfy { $0 == .mark(.three) })
    #expect(findings.delayErrors.allSatisfy { $0 >= -5_000 && $0 <= 12_000 }, "\(findings.delayErrors)")
  }
}

extension Speed {
  var reduced: Speed {
    var (a, b) = (numerator, denominator)
    while b != 0 { (a, b) = (b, a % b) }
    return Speed(numerator / a, denominator / a)
  }
}
