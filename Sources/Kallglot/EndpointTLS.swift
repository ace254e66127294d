import KallglotPolicy
import SecureTransport

/// What the endpoint's TLS is made of, whatever the policy says of it.
public struct EndpointTLS: Sendable {
  /// Shown where the policy names no certificate.
  public var certificate: TLSConfiguration.NamedCertificate
  /// Certificates by the names that a policy may use.
  public var known: [String: TLSConfiguration.NamedCertificate]
  /// Who vouches for peers; nil = nobody can.
  public var trustAnchors: PEM?
  /// Whether the servers that it calls have to prove their names.
  public var verifiesServers: Bool
  /// Whether the certificates that clients are asked for have to be right.
  public var verifiesClients: Bool

  public init(
    certificate: TLSConfiguration.NamedCertificate, known: [String: TLSConfiguration.NamedCertificate] = [:], trustAnchors: PEM? = nil,
    verifiesServers: Bool = true, verifiesClients: Bool = true
  ) {
    self.certificate = certificate
    self.known = known
    self.trustAnchors = trustAnchors
    self.verifiesServers = verifiesServers
    self.verifiesClients = verifiesClients
  }

  /// For connections that are accepted.
  func server(_ policy: Policy.TLS) throws(TLSError) -> TLSContext {
    let named = try named(policy)
    let first = named.first ?? certificate
    var configuration = TLSConfiguration(
      role: .server, certificateChain: first.chain, privateKey: first.privateKey, trustAnchors: trustAnchors,
      minimumVersion: policy.minimumVersion, maximumVersion: policy.maximumVersion,
      verification: policy.clientCertificate.use == .off || !verifiesClients ? .none : .peer, nameRule: policy.nameRule,
      clientCertificate: policy.clientCertificate.use.ofTLS)
    configuration.clientNames = policy.clientCertificate.names
    configuration.namedCertificates = named
    return try TLSContext(configuration)
  }

  /// For connections that are opened: what we show to those who ask is what we show as a server.
  func client(_ policy: Policy.TLS) throws(TLSError) -> TLSContext {
    let own = try named(policy).first ?? certificate
    return try TLSContext(
      TLSConfiguration(
        role: .client, certificateChain: own.chain, privateKey: own.privateKey, trustAnchors: trustAnchors,
        minimumVersion: policy.minimumVersion, maximumVersion: policy.maximumVersion, verification: verifiesServers ? .peer : .none,
        nameRule: policy.nameRule))
  }

  private func named(_ policy: Policy.TLS) throws(TLSError) -> [TLSConfiguration.NamedCertificate] {
    var named: [TLSConfiguration.NamedCertificate] = []
    for certificate in policy.certificates {
      guard let found = known[certificate.name] else { throw .missing(item: "the certificate '\(certificate.name)'") }
      named.append(found)
    }
    return named
  }
}

extension Policy.TLS {
  fileprivate var minimumVersion: SecureTransport.TLSVersion { (versions.min() ?? .tls12).ofTLS }
  fileprivate var maximumVersion: SecureTransport.TLSVersion { (versions.max() ?? .tls13).ofTLS }
  fileprivate var nameRule: TLSConfiguration.NameRule { wildcardNames == .oneLevel ? .sipDomainWithWildcards : .sipDomain }
}

extension Policy.TLSVersion {
  fileprivate var ofTLS: SecureTransport.TLSVersion { self == .tls12 ? .tls12 : .tls13 }
}

extension Policy.ClientCertificate.Use {
  fileprivate var ofTLS: TLSConfiguration.ClientCertificate {
    switch self {
    case .off: .off
    case .optional: .optional
    case .required: .required
    }
  }
}
