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
    // Copied in one piece: to repeat an element is slow in a debug build.
    while samples.count < count { samples.append(contentsOf: silence[0..<min(silence.count, count - samples.count)]) }
  }
}

/// 120 ms at 48 kHz, the longest packet there is.
private let silence = [Int16](repeating: 0, count: 5_760)
