import Codecs
import SansIO
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@testable import Mark

/// Sounds that bear no mark: something like speech, and something like music.
private struct Stranger {
  private var draws: Draws
  private var phases = [0, 0, 0]
  private var steps = [0, 0, 0]
  private var pulse = 0
  private var left = 0
  private var isVoiced = false
  let isMusic: Bool

  init(isMusic: Bool, seed: UInt64) { (self.isMusic, draws) = (isMusic, Draws(seed)) }

  mutating func next() -> Int16 {
    if left == 0 { turn() }
    left -= 1
    var sum = 0
    for index in 0..<3 {
      phases[index] = (phases[index] + steps[index]) % (1_152 * 64)
      sum += Int(MarkWave.sine[phases[index] / 64]) / 8
    }
    guard !isMusic else { return Int16(clamping: sum) }
    // Formants with the larynx's beat, or a hiss.
    pulse = (pulse + 1) % 67
    return isVoiced ? Int16(clamping: sum * (67 - pulse) / 50) : Int16(draws.next(4_000) - 2_000)
  }

  /// The next note or sound.
  private mutating func turn() {
    if isMusic {
      left = 800 * (1 + draws.next(5))
      let root = 220 + 20 * draws.next(40)
      steps = [root, root * 5 / 4, root * 3 / 2].map { $0 * 1_152 * 64 / 8_000 }
    } else {
      left = 160 * (1 + draws.next(12))
      isVoiced = draws.next(4) > 0
      steps = [300 + 10 * draws.next(50), 900 + 20 * draws.next(70), 2_300 + 10 * draws.next(60)].map { $0 * 1_152 * 64 / 8_000 }
    }
  }
}

@Suite struct StrangersTests {
  /// Ten minutes where LAB_MARK_MINUTES says so; debug builds take half a minute of each.
  private static let seconds = getenv("LAB_MARK_MINUTES").flatMap { Int(String(cString: $0)) }.map { $0 * 60 } ?? 30

  @Test(arguments: [false, true])
  func `no speaker, no other speed and no echo is found where nobody has a mark`(isMusic: Bool) {
    var stranger = Stranger(isMusic: isMusic, seed: 11)
    var detector = MarkDetector(own: .zero)
    var findings: [MarkFinding] = []
    var frame = AudioFrame(samples: Array(repeating: 0, count: 160), sampleRate: 8_000)
    for packet in 0..<Self.seconds * 50 {
      for index in 0..<160 { frame.samples[index] = stranger.next() }
      frame.time = Instant(nanoseconds: Int64(packet) * 20_000_000)
      detector.take(frame, &findings)
    }
    detector.finish(&findings)
    #expect(findings.begins.isEmpty && findings.speeds.isEmpty && findings.echoes.isEmpty)
    #expect(findings.sounds.allSatisfy { $0 == .somethingElse || $0 == .notMeasured || $0 == .silence })
    #expect(findings.sounds.count == Self.seconds)
  }

  @Test(arguments: [8_000, 16_000, 48_000])
  func `noise at full scale is something else`(rate: Int) {
    var draws = Draws(5)
    var detector = MarkDetector(own: .zero)
    var findings: [MarkFinding] = []
    for packet in 0..<250 {
      let samples = (0..<rate / 50).map { _ in draws.next(2) == 0 ? Int16.min : Int16.max }
      detector.take(AudioFrame(samples: samples, sampleRate: rate, time: Instant(nanoseconds: Int64(packet) * 20_000_000)), &findings)
    }
    detector.finish(&findings)
    #expect(findings.sounds == Array(repeating: .somethingElse, count: 5) && findings.begins.isEmpty)
  }
}
