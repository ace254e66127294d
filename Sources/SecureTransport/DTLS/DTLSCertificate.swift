import COpenSSL
import SansIO

/// A certificate that signs itself, with its key: all that DTLS-SRTP needs, since the fingerprint in SDP vouches for it (RFC 5763 §3).
public struct DTLSCertificate: Hashable, Sendable {
  public enum KeyKind: Hashable, Sendable {
    case ecP256
    /// `bits`: the size of the modulus, from 1,024 to 8,192. Takes tens of milliseconds and more.
    case rsa(bits: Int)
  }

  public let certificate: PEM
  public let privateKey: PEM

  /// The same entropy and epoch give the same bytes. Valid from the day before the epoch's for ten years.
  public init(
    commonName: String = "kallglot-lab", key kind: KeyKind = .ecP256, entropy: Entropy, epoch: Epoch
  ) throws(TLSError) {
    let name = Array(commonName.utf8)
    guard !name.isEmpty, name.count <= 64 else { throw .badName(commonName) }
    var serial = entropy.fork("serial number")
    let number = serial.next() >> 2 | 1 << 61
    let day = epoch.unixNanoseconds / 1_000_000_000 / 86_400
    (certificate, privateKey) = try Endpoint(entropy, epoch: epoch).run(at: .zero) { () throws(TLSError) in
      guard let generated = Self.generate(kind), let x509 = X509_new() else { throw .library(OpenSSL.reason()) }
      let (key, made) = (PrivateKey(owning: generated), Certificate(owning: x509))
      let isMade =
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), number) == 1
        && X509_set_version(x509, 2) == 1  // counted from 0: version 3
        && X509_set_pubkey(x509, key.key) == 1
        && X509_NAME_add_entry_by_NID(
          X509_get_subject_name(x509), NID_commonName, MBSTRING_UTF8, name, Int32(name.count), -1, 0) == 1
        && X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1
        && ASN1_TIME_set(X509_getm_notBefore(x509), Int(day - 1) * 86_400) != nil
        && ASN1_TIME_set(X509_getm_notAfter(x509), Int(day + 3_649) * 86_400) != nil
        && X509_sign(x509, key.key, EVP_sha256()) > 0
      guard isMade, let text = PEM.written({ PEM_write_bio_X509($0, made.x509) }),
        let keyText = PEM.written({ PEM_write_bio_PrivateKey($0, key.key, nil, nil, 0, nil, nil) })
      else { throw .library(OpenSSL.reason()) }
      return (text, keyText)
    }
  }

  private static func generate(_ kind: KeyKind) -> OpaquePointer? {
    switch kind {
    case .ecP256: cevp_ec_gen("P-256")
    case .rsa(let bits): cevp_rsa_gen(UInt32(clamping: min(max(bits, 1_024), 8_192)))
    }
  }
}
