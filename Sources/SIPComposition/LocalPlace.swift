import SIPMessage
import SansIO

/// How one of our places is written: the parts of Via and Contact that depend on the transport and the local address alone.
public struct LocalPlace: Sendable {
  /// `SIP/2.0/UDP 192.0.2.1:5060`.
  let via: Bytes
  /// What follows the user in a sip URI: host, port, transport parameter.
  let contact: Bytes
  /// The same in a sips URI, which has no transport parameter (RFC 5630 §3.1.4).
  let secureContact: Bytes
  /// The address, in brackets for IPv6.
  public let host: String
  let isReliable: Bool

  /// - Parameters:
  ///   - viaToken: `UDP`, `TCP`, `TLS`.
  ///   - sentBy: where responses can reach us (RFC 3261 §18.1.1).
  ///   - host: of our address, in brackets for IPv6.
  ///   - contactHost: instead of `host` in Contact; nil = the same.
  ///   - contactPort: 0 = left out.
  ///   - securePort: nil = left out.
  public init(
    viaToken: String, sentBy: String, host: String, contactHost: String?, contactPort: UInt16, securePort: UInt16?, isReliable: Bool,
    isUDP: Bool, style: MessageStyle
  ) {
    via = Bytes("SIP/2.0/\(viaToken) \(sentBy)")
    self.host = host
    let named = contactHost ?? host
    // A connection that is not open yet has no port, and where none of ours listens the default stands for it (RFC 3261 §19.1.2).
    let hostPort = contactPort == 0 ? named : "\(named):\(contactPort)"
    let name = style.contactTransportIsUpperCase ? viaToken : viaToken.lowercased()
    contact = Bytes(hostPort + (isUDP ? "" : ";transport=\(name)"))
    secureContact = Bytes(named + (securePort.map { ":\($0)" } ?? ""))
    self.isReliable = isReliable
  }
}
