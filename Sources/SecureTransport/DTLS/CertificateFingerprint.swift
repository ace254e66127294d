import COpenSSL

/// The digest of a certificate with the name of its hash function, as `a=fingerprint` carries it (RFC 8122 §5).
public struct CertificateFingerprint: Hashable, Sendable {
  /// A hash function by its name in SDP (RFC 8122 §5).
  public enum HashFunction: Hashable, Sendable {
    case md5
    case sha1
    case sha224
    case sha256
    case sha384
    case sha512
    /// Any other name, in lower case: kept, never compared.
    case other(String)
  }

  public var hash: HashFunction
  /// As long as the hash function says; any length for an unknown one.
  public var digest: [UInt8]

  public init(hash: HashFunction, digest: [UInt8]) {
    self.hash = hash
    self.digest = digest
  }
}

extension CertificateFingerprint.HashFunction: CustomStringConvertible {
  /// - Parameter name: as in SDP, where case does not count: `sha-256`.
  public init(_ name: some StringProtocol) {
    let name = name.lowercased()
    self = Self.known.first { $0.description == name } ?? .other(name)
  }

  /// The name in SDP, in lower case.
  public var description: String {
    switch self {
    case .md5: "md5"
    case .sha1: "sha-1"
    case .sha224: "sha-224"
    case .sha256: "sha-256"
    case .sha384: "sha-384"
    case .sha512: "sha-512"
    case .other(let name): name
    }
  }

  /// Bytes of a digest; nil for an unknown function.
  public var length: Int? {
    switch self {
    case .md5: 16
    case .sha1: 20
    case .sha224: 28
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    case .other: nil
    }
  }

  /// Whether a certificate is believed by it: RFC 8122 §5 forbids MD2 and MD5, and SHA-1 falls to collisions.
  public var isChecked: Bool {
    switch self {
    case .sha224, .sha256, .sha384, .sha512: true
    case .md5, .sha1, .other: false
    }
  }

  /// Whether it is known to be too weak for a certificate.
  public var isWeak: Bool { self == .md5 || self == .sha1 || self == .other("md2") }

  private static let known: [Self] = [.md5, .sha1, .sha224, .sha256, .sha384, .sha512]

  fileprivate var algorithm: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha224: EVP_sha224()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    case .other: nil
    }
  }
}

extension CertificateFingerprint: CustomStringConvertible {
  /// Reads the value of `a=fingerprint`: `sha-256 4A:AD:…`, digits in either case. nil where it is none, or where the digest is not as
  /// long as its hash function says. An unknown hash function is kept by its name.
  public init?(_ text: some StringProtocol) {
    guard case .success(let fingerprint) = Self.read(text) else { return nil }
    self = fingerprint
  }

  /// Why a text is not a fingerprint; nil where it is one.
  public static func fault(in text: some StringProtocol) -> String? {
    guard case .failure(let fault) = read(text) else { return nil }
    return fault.reason
  }

  private struct Fault: Error { var reason: String }

  private static func read(_ text: some StringProtocol) -> Result<CertificateFingerprint, Fault> {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      return .failure(Fault(reason: "it is not a hash function and a digest with one space between them"))
    }
    let hash = HashFunction(parts[0])
    var digest: [UInt8] = []
    for pair in parts[1].split(separator: ":", omittingEmptySubsequences: false) {
      guard pair.utf8.count == 2, pair.utf8.allSatisfy({ isHexadecimal($0) }), let byte = UInt8(pair, radix: 16) else {
        return .failure(Fault(reason: "its digest is not pairs of hexadecimal digits with colons between them"))
      }
      digest.append(byte)
    }
    if let length = hash.length, length != digest.count {
      return .failure(Fault(reason: "the length in bytes of a digest of \(hash) is \(length), of this one \(digest.count)"))
    }
    return .success(CertificateFingerprint(hash: hash, digest: digest))
  }

  /// `sha-256 4A:AD:…`, with digits in upper case (RFC 8122 §5).
  public var description: String {
    var text = "\(hash) "
    for (index, byte) in digest.enumerated() {
      if index > 0 { text.append(":") }
      if byte < 16 { text.append("0") }
      text += String(byte, radix: 16, uppercase: true)
    }
    return text
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}

extension CertificateFingerprint {
  /// Of a certificate of OpenSSL. An unknown hash function gives an empty digest.
  init(_ certificate: OpaquePointer?, _ hash: HashFunction) {
    self.hash = hash
    var digest = [UInt8](repeating: 0, count: hash.length ?? 0)
    var count = UInt32(0)
    guard let certificate, let algorithm = hash.algorithm, X509_digest(certificate, algorithm, &digest, &count) == 1 else {
      self.digest = []
      return
    }
    self.digest = Array(digest.prefix(Int(count)))
  }

  /// In a time that depends on the length alone.
  fileprivate func isEqual(to other: CertificateFingerprint) -> Bool {
    hash == other.hash && !digest.isEmpty && digest.count == other.digest.count && CRYPTO_memcmp(digest, other.digest, digest.count) == 0
  }
}

/// What a peer's description says of its certificate, and whether the certificate keeps it (RFC 8122 §5).
struct FingerprintRule {
  /// Of the strongest hash function among those that are checked: a match of a weaker one is worth nothing beside it.
  private let candidates: [CertificateFingerprint]
  /// Why no certificate can satisfy it; nil where one may.
  let fault: TLSFailure.Reason?

  init(_ fingerprints: [CertificateFingerprint]) {
    let checked = fingerprints.filter(\.hash.isChecked)
    let strongest = checked.compactMap(\.hash.length).max()
    candidates = checked.filter { $0.hash.length == strongest }
    if !candidates.isEmpty {
      fault = nil
    } else if let weak = fingerprints.first(where: \.hash.isWeak) {
      fault = .fingerprintTooWeak(hash: weak.hash.description)
    } else if let unknown = fingerprints.first {
      fault = .fingerprintUnknown(hash: unknown.hash.description)
    } else {
      fault = .fingerprintMissing
    }
  }

  /// What is wrong with a certificate of OpenSSL; nil where it matches.
  func fault(of certificate: OpaquePointer?) -> TLSFailure.Reason? {
    if let fault { return fault }
    guard let hash = candidates.first?.hash else { return .fingerprintMissing }
    let presented = CertificateFingerprint(certificate, hash)
    // All of them, so that the time does not say which one matched.
    let matches = candidates.reduce(0) { $0 + (presented.isEqual(to: $1) ? 1 : 0) }
    return matches > 0 ? nil : .fingerprintMismatch(presented: presented)
  }
}
