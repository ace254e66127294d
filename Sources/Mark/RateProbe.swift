import Codecs
import SansIO

/// Listens to a sound without a mark at other speeds: samples of one rate that somebody took for those of another.
///
/// ```
///   idle ── a second of sound without a mark ──► listening ── three seconds, or found ──► done ── a mark, or silence ──► idle
/// ```
struct RateProbe: Sendable {
  private struct Ear: Sendable {
    var speed: Speed
    var stretch: Stretch
    var ear = MarkEar()
  }

  private enum State: Sendable {
    /// Hops of sound without a mark so far.
    case idle(Int)
    case listening([Ear], until: Int)
    case done
  }

  /// Mistakes among 8, 16 and 48 kHz.
  private static let speeds = [Speed(1, 2), Speed(2, 1), Speed(1, 3), Speed(3, 1), Speed(1, 6), Speed(6, 1)]
  private static let patience = 125
  /// At a sixth of its speed sixteen symbols take 2.7 s.
  private static let longest = 750

  private var state = State.idle(0)
  private var scratch: [Int16] = []

  /// Takes what the ordinary ear made of the last hop.
  mutating func hop(_ count: Int, isSound: Bool, isMarked: Bool) {
    switch state {
    case .idle(let sounds):
      let next = isMarked ? 0 : isSound ? sounds + 1 : max(0, sounds - 1)
      state = next < Self.patience ? .idle(next) : .listening([], until: count + Self.longest)
    case .listening(_, let end): if isMarked { state = .idle(0) } else if count > end { state = .done }
    case .done: if isMarked || !isSound { state = .idle(0) }
    }
  }

  /// Takes a frame, where there is something to find out.
  mutating func take(_ frame: AudioFrame) -> (MarkSpeaker, Speed)? {
    guard case .listening(var ears, let end) = state else { return nil }
    if ears.isEmpty {
      ears = Self.speeds.map { Ear(speed: $0, stretch: Stretch(from: frame.sampleRate * $0.denominator, to: 8_000 * $0.numerator)) }
    }
    var found: (MarkSpeaker, Speed)?
    for index in ears.indices where found == nil {
      ears[index].stretch.take(frame.samples, into: &scratch)
      let speed = ears[index].speed
      scratch.withUnsafeBufferPointer { samples in
        var next = 0
        var notices: [MarkEar.Notice] = []
        while next < samples.count { (next, _) = ears[index].ear.take(samples, from: next, &notices) }
        for notice in notices { if case .began(let speaker, _) = notice { found = (speaker, speed) } }
      }
    }
    state = found == nil ? .listening(ears, until: end) : .done
    return found
  }
}

/// From one rate to another: means of whole groups where there are some, else straight lines between samples.
struct Stretch: Sendable {
  private let from: Int
  private let to: Int
  private var reducer: RateReducer?
  private var last = 0
  /// Of the next sample after the last one taken, in parts of `to`.
  private var position = 0

  init(from: Int, to: Int) {
    (self.from, self.to) = (from, to)
    if from % to == 0 { reducer = RateReducer(factor: from / to) }
  }

  mutating func take(_ samples: [Int16], into out: inout [Int16]) {
    if reducer != nil { return samples.withUnsafeBufferPointer { reducer?.reduce($0, into: &out) } ?? () }
    out.removeAll(keepingCapacity: true)
    for sample in samples {
      let value = Int(sample)
      while position < to {
        out.append(Int16(truncatingIfNeeded: last + (value - last) * position / to))
        position += from
      }
      position -= to
      last = value
    }
  }
}
