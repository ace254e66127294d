import COpenSSL
import SansIO

/// Key derivation from a session's secrets; the arithmetic is libcrypto's.
public enum TLSSecrets {
  public struct Keys {
    public var key: [UInt8]
    /// Twelve bytes in TLS 1.3 and ChaCha20; four in AES-GCM of TLS 1.2.
    public var iv: [UInt8]
  }

  /// Key and IV of a traffic secret (RFC 8446 §7.3).
  public static func trafficKeys(_ secret: Bytes, _ suite: TLSCipherSuite) -> Keys? {
    guard let key = expandLabel(secret.array, "key", suite.cipher.keyCount, suite.hash),
      let iv = expandLabel(secret.array, "iv", 12, suite.hash)
    else { return nil }
    return Keys(key: key, iv: iv)
  }

  /// The secret after a KeyUpdate (RFC 8446 §7.2).
  public static func updated(_ secret: Bytes, _ hash: TLSCipherSuite.Hash) -> Bytes? {
    expandLabel(secret.array, "traffic upd", secret.count, hash).map { Bytes($0) }
  }

  /// The keys of both directions of TLS 1.2 (RFC 5246 §6.3); AEAD suites have no MAC keys.
  public static func keyBlock(master: Bytes, clientRandom: Bytes, serverRandom: Bytes, _ suite: TLSCipherSuite) -> (
    client: Keys, server: Keys
  )? {
    let (key, iv) = (suite.cipher.keyCount, suite.cipher == .chaCha20Poly1305 ? 12 : 4)
    let seed = Array("key expansion".utf8) + serverRandom.array + clientRandom.array
    guard let block = expand(master.array, seed, 2 * (key + iv), suite.hash) else { return nil }
    return (
      Keys(key: Array(block[0..<key]), iv: Array(block[2 * key..<2 * key + iv])),
      Keys(key: Array(block[key..<2 * key]), iv: Array(block[2 * key + iv..<2 * (key + iv)]))
    )
  }

  /// What a session of TLS 1.2 gives for a use of its own, without a context (RFC 5705 §4).
  public static func exported(
    _ label: String, _ count: Int, master: Bytes, clientRandom: Bytes, serverRandom: Bytes, _ hash: TLSCipherSuite.Hash
  ) -> [UInt8]? {
    expand(master.array, Array(label.utf8) + clientRandom.array + serverRandom.array, count, hash)
  }

  /// HKDF-Expand-Label with an empty context (RFC 8446 §7.1, RFC 5869 §2.3).
  private static func expandLabel(_ secret: [UInt8], _ label: String, _ count: Int, _ hash: TLSCipherSuite.Hash) -> [UInt8]? {
    let full = Array("tls13 \(label)".utf8)
    let information = [UInt8(count >> 8), UInt8(count & 255), UInt8(full.count)] + full + [0]
    var output: [UInt8] = []
    var block: [UInt8] = []
    var counter: UInt8 = 1
    while output.count < count {
      guard let next = mac(secret, block + information + [counter], hash) else { return nil }
      block = next
      output += block
      counter += 1
    }
    return Array(output.prefix(count))
  }

  /// `P_hash` (RFC 5246 §5).
  private static func expand(_ secret: [UInt8], _ seed: [UInt8], _ count: Int, _ hash: TLSCipherSuite.Hash) -> [UInt8]? {
    var output: [UInt8] = []
    var chain = seed
    while output.count < count {
      guard let next = mac(secret, chain, hash), let block = mac(secret, next + seed, hash) else { return nil }
      chain = next
      output += block
    }
    return Array(output.prefix(count))
  }

  private static func mac(_ key: [UInt8], _ data: [UInt8], _ hash: TLSCipherSuite.Hash) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    let function = hash == .sha256 ? EVP_sha256() : EVP_sha384()
    guard HMAC(function, key, Int32(key.count), data, data.count, &output, &count) != nil else { return nil }
    return Array(output.prefix(Int(count)))
  }
}
