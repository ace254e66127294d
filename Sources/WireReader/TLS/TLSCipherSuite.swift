/// The AEAD cipher suites that can be opened with a session's secrets (RFC 8446 §B.4, RFC 5288, RFC 5289, RFC 7905).
public struct TLSCipherSuite {
  public enum Hash { case sha256, sha384 }
  public enum Cipher {
    case aes128GCM, aes256GCM, chaCha20Poly1305

    public var keyCount: Int { self == .aes128GCM ? 16 : 32 }
  }

  public var cipher: Cipher
  public var hash: Hash

  /// Nil for suites whose records cannot be opened here, CBC above all.
  public init?(_ number: UInt16) {
    switch number {
    case 0x1301, 0x009C, 0x009E, 0xC02B, 0xC02F: self.init(cipher: .aes128GCM, hash: .sha256)
    case 0x1302, 0x009D, 0x009F, 0xC02C, 0xC030: self.init(cipher: .aes256GCM, hash: .sha384)
    case 0x1303, 0xCCA8, 0xCCA9, 0xCCAA: self.init(cipher: .chaCha20Poly1305, hash: .sha256)
    default: return nil
    }
  }

  private init(cipher: Cipher, hash: Hash) {
    self.cipher = cipher
    self.hash = hash
  }

  public static func name(_ number: UInt16) -> String {
    switch number {
    case 0x1301: "TLS_AES_128_GCM_SHA256"
    case 0x1302: "TLS_AES_256_GCM_SHA384"
    case 0x1303: "TLS_CHACHA20_POLY1305_SHA256"
    case 0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    case 0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    case 0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    case 0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    case 0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
    case 0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    default: "0x" + String(repeating: "0", count: 4 - String(number, radix: 16).count) + String(number, radix: 16, uppercase: true)
    }
  }
}
