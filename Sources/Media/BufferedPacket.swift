import Codecs
import SansIO

/// One packet of the peer's on its way to the decoder.
struct BufferedPacket: Hashable, Sendable {
  enum Content: Hashable, Sendable {
    case audio(Codec, Bytes)
    /// Comfort noise (RFC 3389): silence begins.
    case noise
    /// A telephone-event (RFC 4733), whose timestamp is that of its beginning.
    case event
  }

  var ssrc: UInt32
  var sequence: UInt16
  var timestamp: UInt32
  var content: Content
  /// What its audio lasts, in timestamp units; 0 where that is not known, and for what is no audio.
  var ticks: Int
  var arrival: Instant
}

/// What is to be heard for one packet time.
enum Playout: Hashable, Sendable {
  case frame(BufferedPacket)
  /// The packet did not come. `next`: the payload behind it, which may tell what was in it.
  case lost(milliseconds: Int, next: BufferedPacket?)
  /// The packet has not come yet.
  case underrun(milliseconds: Int)
  /// The delay grows by this.
  case stretched(milliseconds: Int)
  /// Nothing was sent.
  case silence(milliseconds: Int)
  /// Nothing for its time: a frame that is left out, so that the delay shrinks.
  case skipped(BufferedPacket)
}
