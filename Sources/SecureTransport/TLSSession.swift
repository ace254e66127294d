/// What a finished handshake agreed on.
public struct TLSSession: Hashable, Sendable {
  public var version: TLSVersion
  /// The suite's name as OpenSSL spells it: `"TLS_AES_256_GCM_SHA384"`, `"ECDHE-ECDSA-AES256-GCM-SHA384"`.
  public var cipher: String
  /// The name the client asked for (server name indication, RFC 6066 §3); nil when it asked for none.
  public var serverName: String?
  /// The subject of the peer's certificate as RFC 4514 writes it: `"CN=pbx.example"`; nil when it showed none.
  public var peerSubject: String?
  /// It goes on from an earlier one's ticket, without certificates (RFC 8446 §2.2, RFC 5077).
  public var isResumed: Bool

  public init(version: TLSVersion, cipher: String, serverName: String?, peerSubject: String?, isResumed: Bool = false) {
    self.version = version
    self.cipher = cipher
    self.serverName = serverName
    self.peerSubject = peerSubject
    self.isResumed = isResumed
  }
}
