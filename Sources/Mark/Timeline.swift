import Codecs
import SansIO

/// When the samples of a signal are heard: one after the other, with silence where one comes late.
///
/// As an ear hears it that plays each frame at once: what comes while the last frame is still playing waits until that is over.
struct Timeline: Sendable {
  /// Later than this is a hole, and nothing that a clock does.
  private static let tolerance: Int64 = 5_000_000
  /// A longer hole is passed over: nobody remembers what was before it.
  static let longest: Int64 = 3_000_000_000

  /// Of sample 0 of 8 kHz; nil before the first frame.
  private(set) var anchor: Int64?
  /// When the next frame is due.
  private var end: Int64 = 0

  /// Takes a frame's time.
  ///
  /// - Returns: the silence before it, in nanoseconds.
  mutating func take(_ frame: AudioFrame) -> Int64 {
    let length = Int64(frame.samples.count) * 1_000_000_000 / Int64(max(1, frame.sampleRate))
    guard anchor != nil else {
      anchor = frame.time.nanoseconds
      end = frame.time.nanoseconds + length
      return 0
    }
    let hole = frame.time.nanoseconds - end
    let isHole = hole > Self.tolerance
    end += length + (isHole ? hole : 0)
    return isHole ? hole : 0
  }

  /// So much of a hole was not made into samples.
  mutating func pass(_ nanoseconds: Int64) { if let known = anchor { anchor = known + nanoseconds } }

  func instant(hop: Int) -> Instant { Instant(nanoseconds: (anchor ?? 0) + Int64(hop) * MarkCode.hopNanoseconds) }
}

/// From 8, 16 or 48 kHz to 8 kHz: the mean of each group of samples. The mark's tones are far below what that folds.
struct RateReducer: Sendable {
  let factor: Int
  private var sum: Int32 = 0
  private var count = 0

  init(factor: Int) { self.factor = factor }

  mutating func reduce(_ source: UnsafeBufferPointer<Int16>, into samples: inout [Int16]) {
    samples.removeAll(keepingCapacity: true)
    for index in 0..<source.count {
      sum &+= Int32(source[index])
      count &+= 1
      guard count == factor else { continue }
      samples.append(Int16(truncatingIfNeeded: sum / Int32(factor)))
      (sum, count) = (0, 0)
    }
  }
}
