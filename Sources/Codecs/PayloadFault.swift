/// Why a payload is none of its codec.
public enum PayloadFault: Hashable, Sendable {
  /// There is nothing in it.
  case empty
  /// It is cut off, or was never one: Opus alone can tell (RFC 6716 §3.4).
  case malformed
  /// More audio than a packet may hold: 120 ms of Opus (RFC 6716 §3.4), 200 ms of anything else (RFC 3551 §4.2).
  case tooLong
}

/// Makes `samples` so long; those that are new are silent.
func resize(_ samples: inout [Int16], _ count: Int) {
  if samples.count > count {
    samples.removeLast(samples.count - count)
  } else if samples.count < count {
    samples.append(contentsOf: repeatElement(0, count: count - samples.count))
  }
}
