import KallglotPolicy
import SansIO

extension ScalarText {
  /// `none`, `fixed 60 ms`, `adaptive`, `adaptive 20 ms to 200 ms`.
  static func jitterBuffer(_ text: String) -> Policy.JitterBuffer? {
    let words = text.split(separator: " ", maxSplits: 1).map(String.init)
    switch (words.first, words.count) {
    case ("none", 1): return Policy.JitterBuffer.none
    case ("adaptive", 1): return .adaptive
    case ("fixed", 2): return delay(words[1]).map { .fixed($0) }
    case ("adaptive", 2):
      let ends = words[1].split(separator: "to", maxSplits: 1).map { delay(String($0)) }
      guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return nil }
      return .adaptive(minimum: low, maximum: high)
    default: return nil
    }
  }

  /// Ten seconds are more than any conversation bears.
  private static func delay(_ text: String) -> Duration? {
    duration(text).flatMap { $0 > .zero && $0 <= .seconds(10) ? $0 : nil }
  }
}

extension ValueType where Value == Policy.JitterBuffer {
  static var jitterBuffer: ValueType {
    ValueType(.quantity(.jitterBuffer)) { (place, _) throws(SourceProblem) in
      try place.value("a jitter buffer such as none, 'fixed 60 ms', adaptive or 'adaptive 20 ms to 200 ms'", ScalarText.jitterBuffer)
    }
  }
}
