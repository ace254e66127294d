import COpenSSL
import SansIO

/// A certificate that a DTLS handshake showed in clear: the first of its chain (RFC 5246 §7.4.2).
public struct ShownCertificate {
  /// The datagram that made it whole.
  public let stamp: FrameStamp
  private let der: Bytes

  /// - Parameter message: the body of a Certificate message; nil where it has none, or is cut.
  init?(_ message: Bytes, _ stamp: FrameStamp) {
    func length(_ at: Int) -> Int { Int(message[at]) << 16 | Int(message[at + 1]) << 8 | Int(message[at + 2]) }
    guard message.count > 6, length(3) > 0, 6 + length(3) <= message.count else { return nil }
    (self.stamp, der) = (stamp, message[6..<6 + length(3)].compacted())
  }

  /// As `a=fingerprint` writes it, with hexadecimal digits in upper case: `sha-256 4A:AD:…` (RFC 8122 §5). nil for a hash function that is
  /// not known.
  public func fingerprint(_ hash: String) -> String? {
    let function =
      switch hash.lowercased() {
      case "sha-1": EVP_sha1()
      case "sha-224": EVP_sha224()
      case "sha-256": EVP_sha256()
      case "sha-384": EVP_sha384()
      case "sha-512": EVP_sha512()
      default: OpaquePointer?.none
      }
    guard let function else { return nil }
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    guard der.withUnsafeBytes({ EVP_Digest($0.baseAddress, $0.count, &digest, &count, function, nil) }) == 1 else { return nil }
    let digits = digest.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
    return "\(hash.lowercased()) \(digits.joined(separator: ":"))"
  }
}

/// The certificates that each place has shown of late.
struct ShownCertificates {
  private static let (mostPlaces, most) = (8_192, 4)
  private var shown: [TransportAddress: [ShownCertificate]] = [:]

  subscript(place: TransportAddress) -> [ShownCertificate] { shown[place] ?? [] }

  mutating func add(_ certificate: ShownCertificate, of place: TransportAddress) {
    if shown[place] == nil, shown.count >= Self.mostPlaces { release(before: certificate.stamp.time) }
    var list = shown[place] ?? []
    // It comes again when it is lost.
    guard !list.contains(where: { $0.fingerprint("sha-256") == certificate.fingerprint("sha-256") }) else { return }
    list.append(certificate)
    if list.count > Self.most { list.removeFirst() }
    shown[place] = list
  }

  mutating func release(before time: Int64) {
    if !shown.isEmpty { shown = shown.filter { $0.value.contains { $0.stamp.time > time } } }
  }
}
