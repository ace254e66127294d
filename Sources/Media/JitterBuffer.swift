import Codecs
import SansIO

/// The payload of one packet on its way from the network to the decoder.
struct ReceivedFrame: Hashable, Sendable {
  var payload: Bytes
  var codec: Codec
  /// Whether it carries on from the newest one of its source; a duplicate, and one that was overtaken, do not (RFC 3550 §A.1).
  var isInOrder: Bool
  var arrival: Instant
}

/// Between arrival and playing (RFC 3550 §6.4.1 names it as the reason for jitter to be measured).
///
/// It waits for nothing: each frame is handed on as it comes, and one that was overtaken comes too late.
struct JitterBuffer: Hashable, Sendable {
  /// Takes a frame that arrived; the one to be played now, if any.
  mutating func insert(_ frame: ReceivedFrame) -> ReceivedFrame? { frame.isInOrder ? frame : nil }
}
