import COpenSSL
import SansIO

/// Makes one certificate inside an endpoint of its own.
struct CertificateIssuer: ~Copyable {
  /// What the certificate is, and who vouches for it.
  enum Kind {
    case leaf(by: LabAuthority)
    /// A leaf that signs itself.
    case itself
    /// nil = a root.
    case authority(by: LabAuthority?)

    var isAuthority: Bool { if case .authority = self { true } else { false } }
    var issuer: LabAuthority? {
      switch self {
      case .leaf(let authority): authority
      case .itself: nil
      case .authority(let authority): authority
      }
    }
  }

  private let endpoint: Endpoint
  private let epoch: Epoch
  private let serialNumber: [UInt8]

  init(_ entropy: Entropy, epoch: Epoch) {
    var serial = entropy.fork("serial number")
    serialNumber = serial.bytes(16)
    endpoint = Endpoint(entropy, epoch: epoch)
    self.epoch = epoch
  }

  func issue(_ request: CertificateRequest, _ kind: Kind) throws(TLSError) -> (certificate: PEM, privateKey: PEM) {
    let names = try alternativeNames(request)
    return try endpoint.run(at: .zero) { () throws(TLSError) in
      guard let generated = request.key == .ec ? cevp_ec_gen("P-256") : cevp_rsa_gen(2_048), let x509 = X509_new() else {
        throw .library(OpenSSL.reason())
      }
      let key = PrivateKey(owning: generated)
      let certificate = Certificate(owning: x509)
      try fill(certificate, request, key)
      guard let authority = kind.issuer else {
        try sign(certificate, extensions(request, kind, names), issuer: certificate, key)
        return try written(certificate, key)
      }
      let issuer = try authority.certificate.certificates("authority's certificate")[0]
      try sign(certificate, extensions(request, kind, names), issuer: issuer, authority.privateKey.key())
      return try written(certificate, key)
    }
  }

  /// In OpenSSL's notation.
  private func extensions(_ request: CertificateRequest, _ kind: Kind, _ names: String) -> [(Int32, String)] {
    let usage = request.key == .ec ? "critical,digitalSignature" : "critical,digitalSignature,keyEncipherment"
    var extensions: [(Int32, String)] = [
      (NID_basic_constraints, kind.isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE"),
      (NID_key_usage, kind.isAuthority ? "critical,keyCertSign,cRLSign" : usage), (NID_subject_key_identifier, "hash"),
    ]
    if kind.issuer != nil { extensions.append((NID_authority_key_identifier, "keyid")) }
    guard !kind.isAuthority else { return extensions }
    extensions.append((NID_ext_key_usage, request.purpose.usages))
    if !names.isEmpty { extensions.append((NID_subject_alt_name, names)) }
    return extensions
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

extension CertificateRequest.Purpose {
  /// As OpenSSL spells them.
  fileprivate var usages: String {
    switch self {
    case .both: "serverAuth,clientAuth"
    case .server: "serverAuth"
    case .client: "clientAuth"
    case .email: "emailProtection"
    }
  }
}
