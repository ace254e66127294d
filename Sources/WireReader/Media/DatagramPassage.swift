import SansIO

/// What became of a datagram that came to a reader: what stands in clear in it.
public enum DatagramPassage: Hashable, Sendable {
  /// It is as it was.
  case clear
  /// It was SRTP or SRTCP: the packet inside.
  case opened(Bytes)
  /// It may be SRTP or SRTCP, and no key opened it.
  case closed
  /// Records of DTLS.
  case handshake
}
