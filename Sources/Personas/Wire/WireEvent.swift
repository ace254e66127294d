import SIPMessage
import SansIO
import SecureTransport

extension WireHost {
  public enum Event: HostEvent {
    /// A message that came whole; over TCP and TLS framed by its Content-Length.
    case received(SIPMessage)
    /// What came is no message; the text names the rule.
    case unreadable(String)
    /// The peer closed or reset the connection, or refused it.
    case closed(String)
    /// A connection begins with a TLS ClientHello, for a server of this name (RFC 6066 §3); nil = it names none.
    case hello(serverName: String?)
    /// Our handshake of a connection is complete.
    case secured(TLSSession)
    /// Our end of TLS gave up, or the peer did.
    case tlsFailed(TLSFailure)
    /// A DTLS association gave keys.
    case keyed(DTLSProtectionProfile)
    /// A DTLS association came to nothing.
    case associationFailed(TLSFailure)
    /// The peer's close_notify (RFC 8446 §6.1).
    case closeNotify
    /// A datagram came to the media port, or to the one above it, which is RTCP's.
    case media(Bytes, isControl: Bool, Opening)

    public var journalName: String {
      switch self {
      case .received: "wire-received"
      case .unreadable: "wire-unreadable"
      case .closed: "wire-closed"
      case .hello: "wire-hello"
      case .secured: "wire-secured"
      case .tlsFailed: "wire-tls-failed"
      case .closeNotify: "wire-close-notify"
      case .keyed: "wire-keyed"
      case .associationFailed: "wire-association-failed"
      case .media: "wire-media"
      }
    }

    public func writeFields(to json: inout JSONWriter) {
      switch self {
      case .received(let message): json.member("message", message.description)
      case .unreadable(let rule): json.member("rule", rule)
      case .closed(let how): json.member("how", how)
      case .hello(let name): json.member("serverName", name ?? "")
      case .secured(let session):
        json.member("version", "\(session.version)")
        json.member("cipher", session.cipher)
        json.member("peer", session.peerSubject ?? "")
      case .tlsFailed(let failure): json.member("failure", "\(failure)")
      case .closeNotify: break
      case .keyed(let profile): json.member("profile", "\(profile)")
      case .associationFailed(let failure): json.member("failure", "\(failure)")
      case .media(let bytes, let isControl, let opening):
        json.member("octets", "\(bytes.count)")
        json.member("kind", isControl ? "RTCP" : "RTP")
        switch opening {
        case .unopened: break
        case .opened: json.member("srtp", "opened")
        case .failed(let drop): json.member("srtp", "\(drop)")
        }
      }
    }
  }
}
