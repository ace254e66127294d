/// What one role of one host brings to its TLS connections.
public struct TLSConfiguration: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    case client
    case server
  }

  /// What is checked of the certificate that the peer shows.
  public enum Verification: Hashable, Sendable {
    /// Nothing: whatever the peer shows is taken. The lab's own peers have certificates that no one vouches for.
    case none
    /// The chain, its dates and its purpose (RFC 5280), not the name.
    case chain
    /// The chain and, for a client, that the certificate names the `serverName` of the connection (RFC 5922 §7.2, see ``NameRule``).
    /// A client's connection without a server name fails.
    case peer
  }

  /// How a certificate's names are compared with the server name.
  public enum NameRule: Hashable, Sendable {
    /// RFC 5922 §7.2: exact, no wildcards.
    case sipDomain
    /// As ``sipDomain``, and `*` as the whole first label of a dNSName stands for one label (RFC 9525 §6.3): what web clients and
    /// Microsoft's direct routing accept and RFC 5922 forbids.
    case sipDomainWithWildcards
  }

  /// Whether a server asks its clients for a certificate. It is checked as ``verification`` says.
  public enum ClientCertificate: Hashable, Sendable {
    case off
    case optional
    case required
  }

  /// A certificate that a server shows to clients which ask for one of its names (RFC 6066 §3).
  public struct NamedCertificate: Hashable, Sendable {
    /// Compared without regard to case; empty = the names in the certificate.
    public var names: [String]
    /// The certificate, then its intermediates.
    public var chain: PEM
    public var privateKey: PEM

    public init(names: [String] = [], chain: PEM, privateKey: PEM) {
      self.names = names
      self.chain = chain
      self.privateKey = privateKey
    }
  }

  public var role: Role
  /// The own certificate, then its intermediates. A server needs one.
  public var certificateChain: PEM?
  /// The key of the first certificate of ``certificateChain``, without a pass phrase.
  public var privateKey: PEM?
  /// The roots that ``Verification/chain`` and ``Verification/peer`` trust; there is no other store. Ignored with `.none`.
  public var trustAnchors: PEM?
  public var minimumVersion: TLSVersion
  public var maximumVersion: TLSVersion
  public var verification: Verification
  public var nameRule: NameRule
  public var clientCertificate: ClientCertificate
  /// The SIP domains of which a client's certificate has to name one (RFC 5922 §7.4), with ``Verification/peer``; empty = any domain will
  /// do, and none will not.
  public var clientNames: [String] = []
  /// What a server shows besides ``certificateChain``, which is for clients that ask for none of their names. Several for one name are for
  /// clients with different signature schemes.
  public var namedCertificates: [NamedCertificate] = []
  /// Cipher suites of TLS 1.2 and below in OpenSSL's notation; nil for ``standardCipherList``, or for everything OpenSSL has when
  /// ``minimumVersion`` is below 1.2.
  public var cipherList: String?
  /// Whether ``TLSConnection/renegotiate(at:)`` may be asked for. A peer's wish is granted then too, and refused else (RFC 9325 §3.5).
  public var allowsRenegotiation = false

  public init(
    role: Role, certificateChain: PEM? = nil, privateKey: PEM? = nil, trustAnchors: PEM? = nil,
    minimumVersion: TLSVersion = .tls12, maximumVersion: TLSVersion = .tls13, verification: Verification = .none,
    nameRule: NameRule = .sipDomain, clientCertificate: ClientCertificate = .off, cipherList: String? = nil
  ) {
    self.role = role
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.trustAnchors = trustAnchors
    self.minimumVersion = minimumVersion
    self.maximumVersion = maximumVersion
    self.verification = verification
    self.nameRule = nameRule
    self.clientCertificate = clientCertificate
    self.cipherList = cipherList
  }

  /// Forward secrecy first, then AES with RSA key exchange, which older PBXs still need. No anonymous, null, export, RC4 or 3DES suite.
  public static let standardCipherList =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!PSK:!SRP:!DSS"
}
