import COpenSSL

/// Key derivation of TLS 1.3 (RFC 8446 §7.1, §7.3) and TLS 1.2 (RFC 5246 §5, §6.3), as far as a passive reader needs it.
enum TLSKeySchedule {
  static func hmac(_ hash: TLSCipherSuite.Hash, key: [UInt8], _ data: [UInt8]) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    let function = hash == .sha256 ? EVP_sha256() : EVP_sha384()
    guard HMAC(function, key, Int32(key.count), data, data.count, &output, &count) != nil else { return [] }
    return Array(output.prefix(Int(count)))
  }

  /// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
  static func expandLabel(_ hash: TLSCipherSuite.Hash, _ secret: [UInt8], _ label: String, _ length: Int) -> [UInt8] {
    let full = Array("tls13 \(label)".utf8)
    let info = [UInt8(length >> 8), UInt8(length & 255), UInt8(full.count)] + full + [0]
    var result: [UInt8] = []
    var block: [UInt8] = []
    var counter: UInt8 = 1
    while result.count < length {
      block = hmac(hash, key: secret, block + info + [counter])
      guard !block.isEmpty else { return [] }
      result += block
      counter += 1
    }
    return Array(result.prefix(length))
  }

  /// PRF (RFC 5246 §5).
  static func prf(_ hash: TLSCipherSuite.Hash, _ secret: [UInt8], _ label: String, _ seed: [UInt8], _ length: Int) -> [UInt8] {
    let seed = Array(label.utf8) + seed
    var result: [UInt8] = []
    var chain = seed
    while result.count < length {
      chain = hmac(hash, key: secret, chain)
      let block = hmac(hash, key: secret, chain + seed)
      guard !block.isEmpty else { return [] }
      result += block
    }
    return Array(result.prefix(length))
  }
}
