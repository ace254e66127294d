import Codecs
import SansIO

/// Audio that another stream heard, on its way into this one: brought to the rate that is sent, and kept until packets take it.
///
/// Both streams have clocks of their own, so it waits until a frame is whole, and after it ran dry until another one is; what piles up
/// beyond ``longest`` is left out, oldest first.
public struct BridgeSource: Sendable {
  /// Milliseconds.
  static let longest = 120

  private var resampler: Resampler?
  private var waiting: [Int16] = []
  /// Of `waiting`, what was taken already.
  private var taken = 0
  private var sampleRate = 0
  /// It ran dry, or has not begun.
  private var isDry = true
  /// Samples that were left out, at the rate that is sent, because nobody took them in time.
  private(set) var dropped = 0

  public init() {}

  var count: Int { waiting.count - taken }

  /// Takes what was heard, for frames of this many samples a second.
  mutating func put(_ heard: AudioFrame, for rate: Int) {
    guard !heard.samples.isEmpty, rate > 0, heard.sampleRate > 0 else { return }
    if rate != sampleRate {
      (sampleRate, resampler, taken, isDry) = (rate, nil, 0, true)
      waiting.removeAll(keepingCapacity: true)
    }
    if resampler?.inputRate != heard.sampleRate { resampler = Resampler(from: heard.sampleRate, to: rate) }
    compact()
    resampler?.append(heard.samples, to: &waiting)
    let most = rate * Self.longest / 1_000 + heard.samples.count * rate / heard.sampleRate
    guard count > most else { return }
    dropped += count - most
    taken = waiting.count - most
  }

  /// Fills a frame with what waits, and with silence behind it.
  mutating func fill(_ frame: inout AudioFrame) {
    guard frame.sampleRate == sampleRate, !isDry || count >= frame.samples.count else { return silence(&frame, from: 0) }
    let size = min(count, frame.samples.count)
    for index in 0..<size { frame.samples[index] = waiting[taken + index] }
    taken += size
    isDry = size < frame.samples.count
    if isDry { silence(&frame, from: size) }
  }

  private func silence(_ frame: inout AudioFrame, from start: Int) {
    for index in start..<frame.samples.count { frame.samples[index] = 0 }
  }

  /// Moves what waits to the front, once that is cheap.
  private mutating func compact() {
    guard taken > 0, taken * 2 >= waiting.count else { return }
    waiting.removeFirst(taken)
    taken = 0
  }
}

/// Where the audio that a stream hears goes beside its sink.
public enum BridgeEnd: Hashable, Sendable {
  /// Back to who spoke, by the same stream.
  case echo
  /// To whoever asks by ``MediaStream/takeHeard(into:)``.
  case other
}
