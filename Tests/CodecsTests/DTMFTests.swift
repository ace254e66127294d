import Codecs
import SansIO
import Testing

struct DTMFTests {
  static let codes = Array(UInt8(0)...15)

  /// Two tones, and silence around them.
  static func tones(
    _ codes: [UInt8], rate: Int, milliseconds: Int = 100, gap: Int = 60, low: Double = 7_000, high: Double = 8_800, shift: Double = 1
  ) -> [Int16] {
    var samples = [Int16](repeating: 0, count: rate / 20)
    for code in codes {
      guard let (row, column) = DTMF.frequencies(code) else { continue }
      for index in 0..<rate * milliseconds / 1_000 {
        let time = 2 * Double.pi * Double(index) / Double(rate) * shift
        samples.append(Int16(low * sine(time * Double(row)) + high * sine(time * Double(column))))
      }
      samples += [Int16](repeating: 0, count: rate * gap / 1_000)
    }
    return samples + [Int16](repeating: 0, count: rate / 20)
  }

  static func find(_ samples: [Int16], rate: Int) -> [DTMFDetector.Found] {
    var detector = DTMFDetector(sampleRate: rate)
    var found: [DTMFDetector.Found] = []
    // In pieces of no round length.
    var start = 0
    while start < samples.count {
      let end = min(samples.count, start + 173)
      detector.receive(Array(samples[start..<end])) { found.append($0) }
      start = end
    }
    detector.finish { found.append($0) }
    return found
  }

  @Test("ITU-T Q.23: each of the 16 keys is found, at each sample rate", arguments: [8_000, 16_000, 48_000])
  func allKeys(rate: Int) {
    #expect(Self.find(Self.tones(Self.codes, rate: rate), rate: rate).map(\.code) == Self.codes)
  }

  @Test("ITU-T Q.24: 40 ms with 40 ms between them are enough", arguments: [8_000, 16_000, 48_000])
  func shortest(rate: Int) {
    #expect(Self.find(Self.tones(Self.codes, rate: rate, milliseconds: 40, gap: 40), rate: rate).map(\.code) == Self.codes)
  }

  @Test("Durations are right to two blocks of 12.75 ms")
  func durations() {
    for found in Self.find(Self.tones(Self.codes, rate: 8_000, milliseconds: 200), rate: 8_000) {
      #expect(abs(found.milliseconds - 200) <= 26)
    }
  }

  @Test(
    "ITU-T Q.24: 1.5 % beside the frequency is taken, 3.5 % is not",
    arguments: [(0.985, true), (1.015, true), (0.965, false), (1.035, false)])
  func tolerance(shift: Double, isTaken: Bool) {
    let found = Self.find(Self.tones(Self.codes, rate: 8_000, shift: shift), rate: 8_000)
    #expect(isTaken ? found.map(\.code) == Self.codes : found.isEmpty)
  }

  @Test("Twist: the high tone up to 6 dB above, the low one up to 3 dB above; 12 dB is no key")
  func twist() {
    #expect(Self.find(Self.tones(Self.codes, rate: 8_000, low: 3_000, high: 6_000), rate: 8_000).map(\.code) == Self.codes)
    #expect(Self.find(Self.tones(Self.codes, rate: 8_000, low: 6_000, high: 4_250), rate: 8_000).map(\.code) == Self.codes)
    #expect(Self.find(Self.tones(Self.codes, rate: 8_000, low: 2_000, high: 8_000), rate: 8_000).isEmpty)
  }

  @Test("Keys survive both laws of G.711, also at −30 dBm0", arguments: [G711.Law.mu, .a])
  func companded(law: G711.Law) {
    for (low, high) in [(7_000.0, 8_800.0), (700, 880)] {
      let samples = Self.tones(Self.codes, rate: 8_000, low: low, high: high).map { G711.decode(G711.encode($0, law), law) }
      #expect(Self.find(samples, rate: 8_000).map(\.code) == Self.codes)
    }
  }

  @Test("One tone, noise, vowels and chords are no keys")
  func others() {
    var generator = SeededGenerator(seed: 4)
    let noise = (0..<80_000).map { _ in Int16.random(in: -8_000...8_000, using: &generator) }
    #expect(Self.find(noise, rate: 8_000).isEmpty)
    for frequency in stride(from: 300.0, to: 3_400, by: 7) {
      let tone = (0..<1_600).map { Int16(9_000 * sine(2 * Double.pi * frequency * Double($0) / 8_000)) }
      #expect(Self.find(tone, rate: 8_000).isEmpty, "\(frequency) Hz")
    }
    // A pulse of a voice with its harmonics, gliding.
    var phase = 0.0
    let voice = (0..<160_000).map { index -> Int16 in
      phase += 2 * Double.pi * (90 + 140 * Double(index) / 160_000) / 8_000
      return Int16((1...16).reduce(0.0) { $0 + 6_000 / Double($1) * sine(phase * Double($1)) } / 2)
    }
    #expect(Self.find(voice, rate: 8_000).isEmpty)
    for root in stride(from: 200.0, to: 800, by: 3) {
      let chord = (0..<1_600).map { index -> Int16 in
        let time = 2 * Double.pi * Double(index) / 8_000
        return Int16([1, 1.25, 1.5, 2].reduce(0.0) { $0 + 3_000 * sine(time * root * $1) })
      }
      #expect(Self.find(chord, rate: 8_000).isEmpty, "\(root) Hz")
    }
  }
}

private func sine(_ angle: Double) -> Double {
  // Series of a reduced angle: the tests need no library for it.
  let turn = 2 * Double.pi
  var x = angle.truncatingRemainder(dividingBy: turn)
  if x > Double.pi { x -= turn }
  var (term, sum) = (x, x)
  for index in 1...14 {
    term *= -x * x / Double((2 * index) * (2 * index + 1))
    sum += term
  }
  return sum
}
