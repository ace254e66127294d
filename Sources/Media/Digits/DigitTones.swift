import Codecs
import RTP
import SansIO

/// Digits as tones in the audio instead of what a source has to say (ITU-T Q.23).
///
/// ```
///   idle ── press ──► pausing ── gap over ──► sounding ── duration over ──► pausing, or idle where none is left
/// ```
/// Between the digits there is silence, and 40 ms of it before the first: speech right before a tone would hide its beginning.
struct DigitTones: Sendable {
  private struct Waiting: Sendable {
    var digit: Digit
    var duration: Duration
    var gap: Duration
  }

  private enum State: Sendable {
    case idle
    /// Samples.
    case pausing(Int)
    case sounding(low: ToneSource, high: ToneSource, left: Int)
  }

  /// Peak of the low tone, −11 dB of full scale; the high one is 2 dB above it, as sets do it for lines that damp high frequencies more.
  private static let (lowAmplitude, highAmplitude): (Int16, Int16) = (7_000, 8_800)

  private var state = State.idle
  private var queue: [Waiting] = []

  var isIdle: Bool { if case .idle = state { true } else { false } }

  mutating func press(_ plan: DigitPlan, sampleRate: Int) {
    queue += plan.digits.map { Waiting(digit: $0, duration: plan.duration, gap: plan.gap) }
    if isIdle, !queue.isEmpty { state = .pausing(Self.samples(DigitPlan.shortest, sampleRate)) }
  }

  /// Fills a frame with what sounds now; false where nothing does.
  mutating func fill(_ frame: inout AudioFrame) -> Bool {
    guard !isIdle else { return false }
    var position = 0
    while position < frame.samples.count {
      switch state {
      case .idle:
        for index in position..<frame.samples.count { frame.samples[index] = 0 }
        return true
      case .pausing(let left):
        let end = min(frame.samples.count, position + left)
        for index in position..<end { frame.samples[index] = 0 }
        state = left > end - position ? .pausing(left - (end - position)) : begin(frame.sampleRate)
        position = end
      case .sounding(var low, var high, let left):
        let end = min(frame.samples.count, position + left)
        for index in position..<end { frame.samples[index] = low.next() &+ high.next() }
        state = left > end - position ? .sounding(low: low, high: high, left: left - (end - position)) : pause(frame.sampleRate)
        position = end
      }
    }
    return true
  }

  private mutating func begin(_ sampleRate: Int) -> State {
    guard !queue.isEmpty else { return .idle }
    let next = queue.removeFirst()
    guard let (low, high) = DTMF.frequencies(next.digit.code) else { return pause(sampleRate) }
    return .sounding(
      low: ToneSource(Tone(frequency: low, amplitude: Self.lowAmplitude), sampleRate: sampleRate),
      high: ToneSource(Tone(frequency: high, amplitude: Self.highAmplitude), sampleRate: sampleRate),
      left: max(1, Self.samples(next.duration, sampleRate)))
  }

  /// Behind the last one as long as before the first.
  private func pause(_ sampleRate: Int) -> State { .pausing(max(1, Self.samples(queue.first?.gap ?? DigitPlan.shortest, sampleRate))) }

  private static func samples(_ duration: Duration, _ sampleRate: Int) -> Int {
    Int(duration.wholeNanoseconds / 1_000) * sampleRate / 1_000_000
  }
}
