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
  public var commonName: String
  /// `URI:sip:…` entries.
  public var sipDomains: [String]
  public var dnsNames: [String]
  public var addresses: [IPAddress]
  /// Days from the epoch's day, 00:00 UTC, to the first and the last moment of validity.
  public var validDays: Range<Int>

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

/// A certificate authority of the lab, which signs what it is told to.
public struct LabAuthority: Sendable {
  /// The day before the epoch's, and ten years.
  public static let standardValidDays = -1..<3_649

  public let certificate: PEM
  public let privateKey: PEM
  private let epoch: Epoch

  public init(commonName: String = "Kallglot Lab CA", entropy: Entropy, epoch: Epoch) throws(TLSError) {
    let request = CertificateRequest(commonName: commonName)
    (certificate, privateKey) = try Issuer(entropy, epoch: epoch).issue(request, by: nil)
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

  /// A leaf that this authority vouches for, and its key.
  public func issue(_ request: CertificateRequest, entropy: Entropy) throws(TLSError) -> (certificate: PEM, privateKey: PEM) {
    try Issuer(entropy, epoch: epoch).issue(request, by: self)
  }
}

/// Makes one certificate inside an endpoint of its own.
private struct Issuer: ~Copyable {
  private let endpoint: Endpoint
  private let epoch: Epoch
  private let serialNumber: [UInt8]

  init(_ entropy: Entropy, epoch: Epoch) {
    var serial = entropy.fork("serial number")
    serialNumber = serial.bytes(16)
    endpoint = Endpoint(entropy, epoch: epoch)
    self.epoch = epoch
  }

  /// Without an authority the certificate is one: it signs itself.
  func issue(_ request: CertificateRequest, by authority: LabAuthority?) throws(TLSError) -> (certificate: PEM, privateKey: PEM) {
    let names = try alternativeNames(request)
    return try endpoint.run(at: .zero) { () throws(TLSError) in
      guard let generated = cevp_ec_gen("P-256"), let x509 = X509_new() else { throw .library(OpenSSL.reason()) }
      let key = PrivateKey(owning: generated)
      let certificate = Certificate(owning: x509)
      try fill(certificate, request, key)
      var extensions: [(Int32, String)] = [
        (NID_basic_constraints, authority == nil ? "critical,CA:TRUE" : "critical,CA:FALSE"),
        (NID_key_usage, authority == nil ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"),
        (NID_subject_key_identifier, "hash"),
      ]
      guard let authority else {
        try sign(certificate, extensions, issuer: certificate, key)
        return try written(certificate, key)
      }
      let issuer = try authority.certificate.certificates("authority's certificate")[0]
      extensions.append((NID_authority_key_identifier, "keyid"))
      extensions.append((NID_ext_key_usage, "serverAuth,clientAuth"))
      if !names.isEmpty { extensions.append((NID_subject_alt_name, names)) }
      try sign(certificate, extensions, issuer: issuer, authority.privateKey.key())
      return try written(certificate, key)
    }
  }

  private func fill(_ certificate: Certificate, _ request: CertificateRequest, _ key: PrivateKey) throws(TLSError) {
    let x509 = certificate.x509
    // The top bit clear, as a serial number is a positive integer (RFC 5280 §4.1.2.2).
    guard let serial = BN_bin2bn([serialNumber[0] & 0x7F | 0x40] + serialNumber.dropFirst(), Int32(serialNumber.count), nil) else {
      throw .library(OpenSSL.reason())
    }
    defer { BN_free(serial) }
    let name = Array(request.commonName.utf8)
    let isFilled =
      BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509)) != nil
      && X509_set_version(x509, 2) == 1  // counted from 0: version 3
      && X509_set_pubkey(x509, key.key) == 1
      && X509_NAME_add_entry_by_NID(
        X509_get_subject_name(x509), NID_commonName, MBSTRING_UTF8, name, Int32(clamping: name.count), -1, 0) == 1
      && ASN1_TIME_set(X509_getm_notBefore(x509), seconds(day: request.validDays.lowerBound)) != nil
      && ASN1_TIME_set(X509_getm_notAfter(x509), seconds(day: request.validDays.upperBound)) != nil
    guard isFilled else { throw .library(OpenSSL.reason()) }
  }

  private func sign(
    _ certificate: Certificate, _ extensions: [(Int32, String)], issuer: Certificate, _ key: PrivateKey
  ) throws(TLSError) {
    guard X509_set_issuer_name(certificate.x509, X509_get_subject_name(issuer.x509)) == 1 else { throw .library(OpenSSL.reason()) }
    for (kind, value) in extensions {
      guard let added = cx509v3_ext(issuer.x509, certificate.x509, kind, value) else { throw .library(OpenSSL.reason()) }
      defer { X509_EXTENSION_free(added) }
      guard X509_add_ext(certificate.x509, added, -1) == 1 else { throw .library(OpenSSL.reason()) }
    }
    guard X509_sign(certificate.x509, key.key, EVP_sha256()) > 0 else { throw .library(OpenSSL.reason()) }
  }

  private func written(_ certificate: Certificate, _ key: PrivateKey) throws(TLSError) -> (certificate: PEM, privateKey: PEM) {
    guard let text = PEM.written({ PEM_write_bio_X509($0, certificate.x509) }),
      let keyText = PEM.written({ PEM_write_bio_PrivateKey($0, key.key, nil, nil, 0, nil, nil) })
    else { throw .library(OpenSSL.reason()) }
    return (text, keyText)
  }

  /// In OpenSSL's notation, whose separators no name may contain.
  private func alternativeNames(_ request: CertificateRequest) throws(TLSError) -> String {
    for name in request.sipDomains + request.dnsNames {
      let isClean =
        !name.isEmpty
        && name.utf8.allSatisfy { byte in
          switch byte {
          case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "*"): true
          default: false
          }
        }
      guard isClean else { throw .badName(name) }
    }
    return
      (request.sipDomains.map { "URI:sip:\($0)" } + request.dnsNames.map { "DNS:\($0)" } + request.addresses.map { "IP:\($0)" })
      .joined(separator: ",")
  }

  /// Seconds from 1970 to 00:00 UTC, `day` days after the epoch's day.
  private func seconds(day: Int) -> Int {
    let epochDay = Int((epoch.unixNanoseconds / 1_000_000_000 / 86_400))
    return (epochDay + day) * 86_400
  }
}
