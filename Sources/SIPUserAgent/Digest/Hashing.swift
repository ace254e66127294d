import COpenSSL
import SansIO

/// The hash functions of HTTP digest (RFC 7616 §3.3 and RFC 8760 for SIP); the arithmetic is libcrypto's.
public enum DigestAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
  case md5 = "MD5"
  case sha256 = "SHA-256"

  /// The algorithm of a challenge; a missing parameter means MD5 (RFC 7616 §3.3). Nil for one that is not known here.
  public init?(parameter: String?) {
    guard let parameter else {
      self = .md5
      return
    }
    guard let known = Self.allCases.first(where: { $0.rawValue.lowercased() == parameter.lowercased() }) else { return nil }
    self = known
  }

  /// The hash of the text's UTF-8 bytes as lower-case hexadecimal digits.
  func hexDigest(of text: String) -> String {
    var text = text
    var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    let done = text.withUTF8 { EVP_Digest($0.baseAddress, $0.count, &output, &count, function, nil) }
    precondition(done == 1, "libcrypto has no \(rawValue)")
    return Self.hex(output.prefix(Int(count)))
  }

  private var function: OpaquePointer? {
    switch self {
    case .md5: Self.functions.md5
    case .sha256: Self.functions.sha256
    }
  }

  /// Fetched once: what `EVP_md5()` gives is looked up anew at each use (OpenSSL 3, crypto(7)).
  // Unchecked: a fetched EVP_MD is immutable, so threads may share it.
  private struct Functions: @unchecked Sendable {
    let md5 = EVP_MD_fetch(nil, "MD5", nil)
    let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
  }
  private static let functions = {
    copenssl_start()
    return Functions()
  }()

  private static func hex(_ bytes: some Collection<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
      for (index, byte) in bytes.enumerated() {
        buffer[index * 2] = digits[Int(byte >> 4)]
        buffer[index * 2 + 1] = digits[Int(byte & 15)]
      }
      return bytes.count * 2
    }
  }
}

/// Compares two texts in a time that depends on their lengths alone.
func equalInConstantTime(_ left: String, _ right: String) -> Bool {
  var left = left
  var right = right
  return left.withUTF8 { first in
    right.withUTF8 { second in
      first.count == second.count
        && (first.isEmpty || CRYPTO_memcmp(first.baseAddress, second.baseAddress, first.count) == 0)
    }
  }
}
