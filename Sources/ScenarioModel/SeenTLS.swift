import SansIO
import WireReader

/// What the packets of a member show of one of its TLS connections: a handshake that came to its end, or an alert.
public struct SeenTLS: Sendable {
  public enum What: Sendable {
    case established(TLSFacts)
    /// By its name (RFC 8446 §6).
    case alert(String)
  }

  public var what: What
  /// The member sent the alert, or the last packet of the handshake.
  public var isOwn: Bool
  /// The other end.
  public var remote: TransportAddress
  public var evidence: FrameCitation?

  public init(_ what: What, isOwn: Bool, remote: TransportAddress, _ evidence: FrameCitation?) {
    (self.what, self.isOwn, self.remote, self.evidence) = (what, isOwn, remote, evidence)
  }
}
