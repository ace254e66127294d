import COpenSSL
import SansIO

/// Certificates for runs of the lab: an authority and one leaf below it, P-256, valid from the day before the epoch for ten years.
public enum LabCertificates {
  /// The authority's certificate, and a leaf for `names` and `addresses` with its key. The same entropy and epoch give the same bytes.
  ///
  /// Each name stands in the leaf as `sip:` URI and as dNSName (RFC 5922 §7.1 prefers the first), each address as iPAddress. The first of
  /// them is the subject's common name.
  public static func make(
    names: [String], addresses: [IPAddress], entropy: Entropy, epoch: Epoch
  ) throws(TLSError) -> (authority: PEM, certificate: PEM, privateKey: PEM) {
    let authority = try LabAuthority(entropy: entropy.fork("authority"), epoch: epoch)
    let leaf = try authority.issue(CertificateRequest(names: names, addresses: addresses), entropy: entropy.fork("leaf"))
    return (authority.certificate, leaf.certificate, leaf.privateKey)
  }
}

/// What a leaf certificate shall say: also what no careful authority would issue, since peers exist that have it.
public struct CertificateRequest: Hashable, Sendable {
  public enum Key: Hashable, Sendable {
    /// P-256.
    case ec
    /// 2048 bits.
    case rsa
  }

  /// What the certificate is for (RFC 5280 §4.2.1.12).
  public enum Purpose: String, Hashable, Sendable, CaseIterable {
    /// `serverAuth` and `clientAuth`.
    case both
    case server
    case client
    /// `emailProtection` alone: neither end of a TLS connection may use it.
    case email
  }

  public var commonName: String
  /// `URI:sip:…` entries.
  public var sipDomains: [String]
  public var dnsNames: [String]
  public var addresses: [IPAddress]
  /// Days from the epoch's day, 00:00 UTC, to the first and the last moment of validity.
  public var validDays: Range<Int>
  public var key = Key.ec
  public var purpose = Purpose.both
  public var chain = CertificateChainForm.leaf

  public init(
    commonName: String, sipDomains: [String] = [], dnsNames: [String] = [], addresses: [IPAddress] = [],
    validDays: Range<Int> = LabAuthority.standardValidDays
  ) {
    self.commonName = commonName
    self.sipDomains = sipDomains
    self.dnsNames = dnsNames
    self.addresses = addresses
    self.validDays = validDays
  }

  /// For a server that is reached by these names and addresses, the first of which is the common name.
  public init(names: [String], addresses: [IPAddress]) {
    self.init(
      commonName: names.first ?? addresses.first?.description ?? "lab", sipDomains: names, dnsNames: names, addresses: addresses)
  }
}

/// How a leaf hangs on its authority, and what is shown of the way to it.
public enum CertificateChainForm: String, Hashable, Sendable, CaseIterable {
  /// The authority signed it itself.
  case leaf
  /// An intermediate signed it, which is shown behind it.
  case full
  /// An intermediate signed it, which is not shown (RFC 8446 §4.4.2 asks for it).
  case missingIntermediate = "missing-intermediate"
  /// Leaf, authority, intermediate: each following one has to certify the one before it (RFC 5246 §7.4.2).
  case wrongOrder = "wrong-order"
  /// Behind the intermediate is a certificate of another authority that has nothing to do with it.
  case extra
  /// Its own root is nobody's trust anchor, and is shown as one that the authority signed.
  case crossSigned = "cross-signed"
  /// It vouches for itself alone.
  case selfSigned = "self-signed"
}

/// A certificate authority of the lab, which signs what it is told to.
public struct LabAuthority: Sendable {
  /// The day before the epoch's, and ten years.
  public static let standardValidDays = -1..<3_649

  public let certificate: PEM
  public let privateKey: PEM
  private let epoch: Epoch

  public init(commonName: String = "Kallglot Lab CA", entropy: Entropy, epoch: Epoch) throws(TLSError) {
    let request = CertificateRequest(commonName: commonName)
    (certificate, privateKey) = try CertificateIssuer(entropy, epoch: epoch).issue(request, .authority(by: nil))
    self.epoch = epoch
  }

  /// An authority that was kept. Throws when a text cannot be read or the key is not the certificate's.
  public init(certificate: PEM, privateKey: PEM, epoch: Epoch) throws(TLSError) {
    let first = try certificate.certificates("authority's certificate")[0]
    let key = try privateKey.key()
    guard X509_check_private_key(first.x509, key.key) == 1 else {
      throw .unreadable(item: "authority's private key", reason: "it does not belong to the certificate")
    }
    self.certificate = certificate
    self.privateKey = privateKey
    self.epoch = epoch
  }

  private init(_ issued: (certificate: PEM, privateKey: PEM), epoch: Epoch) {
    (certificate, privateKey, self.epoch) = (issued.certificate, issued.privateKey, epoch)
  }

  /// An authority below this one.
  public func intermediate(commonName: String = "Kallglot Lab intermediate CA", entropy: Entropy) throws(TLSError) -> LabAuthority {
    let request = CertificateRequest(commonName: commonName)
    let issuer = CertificateIssuer(entropy, epoch: epoch)
    return LabAuthority(try issuer.issue(request, .authority(by: self)), epoch: epoch)
  }

  /// A leaf that this authority vouches for, or whose form says that it does not, followed by what is shown of the way to it; and its key.
  public func issue(_ request: CertificateRequest, entropy: Entropy) throws(TLSError) -> (certificate: PEM, privateKey: PEM) {
    var leaf: (certificate: PEM, privateKey: PEM)
    switch request.chain {
    case .leaf: return try signed(request, by: self, entropy)
    case .selfSigned: return try CertificateIssuer(entropy, epoch: epoch).issue(request, .itself)
    case .full, .missingIntermediate, .wrongOrder, .extra:
      let intermediate = try intermediate(entropy: entropy.fork("intermediate"))
      leaf = try signed(request, by: intermediate, entropy)
      if request.chain == .wrongOrder { leaf.certificate = leaf.certificate.followed(by: certificate) }
      if request.chain != .missingIntermediate { leaf.certificate = leaf.certificate.followed(by: intermediate.certificate) }
      guard request.chain == .extra else { return leaf }
      let other = try LabAuthority(commonName: "Another CA", entropy: entropy.fork("another authority"), epoch: epoch)
      leaf.certificate = leaf.certificate.followed(by: other.certificate)
    case .crossSigned:
      // One key, and one name, under two certificates: its own, which nobody knows, and the authority's.
      let root = try self.intermediate(commonName: "Kallglot Lab new CA", entropy: entropy.fork("new authority"))
      leaf = try signed(request, by: root, entropy)
      leaf.certificate = leaf.certificate.followed(by: root.certificate)
    }
    return leaf
  }

  private func signed(
    _ request: CertificateRequest, by authority: LabAuthority, _ entropy: Entropy
  ) throws(TLSError) -> (certificate: PEM, privateKey: PEM) {
    try CertificateIssuer(entropy, epoch: epoch).issue(request, .leaf(by: authority))
  }
}
