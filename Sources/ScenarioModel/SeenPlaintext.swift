import SansIO

/// Something that whoever is on the way can read.
public struct SeenPlaintext: Sendable, Hashable {
  /// In the words of a scenario.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// RTP or RTCP outside SRTP.
    case rtp = "RTP"
    /// A crypto attribute outside TLS (RFC 4568).
    case key = "SDES key"
    /// A password or H(A1). The response of a digest is neither.
    case password
    /// A message outside TLS.
    case sip = "SIP"
  }

  public var kind: Kind
  /// Whose packets show it.
  public var member: String
  /// Who sent it.
  public var source: IPAddress
  /// What it was, without any secret.
  public var text: String
  public var evidence: FrameCitation

  public init(_ kind: Kind, at member: String, from source: IPAddress, _ text: String, _ evidence: FrameCitation) {
    (self.kind, self.member, self.source, self.text, self.evidence) = (kind, member, source, text, evidence)
  }
}
