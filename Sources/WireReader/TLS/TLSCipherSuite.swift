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

  /// The hash of the PRF in TLS 1.2: SHA-256 but for suites that name SHA-384 (RFC 5246 §5, RFC 5288, RFC 5289, RFC 5487).
  public static func pseudorandomHash(_ number: UInt16) -> Hash {
    switch number {
    case 0x009D, 0x009F, 0x00A1, 0x00A3, 0x00A5, 0x00A7, 0x00A9, 0x00AB, 0x00AD, 0x00AF, 0x00B1, 0x00B3, 0x00B5, 0x00B7, 0x00B9, 0xC024,
      0xC026, 0xC028, 0xC02A, 0xC02C, 0xC02E, 0xC030, 0xC032:
      .sha384
    default: .sha256
    }
  }

  public static func name(_ number: UInt16) -> String {
    switch number {
    case 0x1301: "TLS_AES_128_GCM_SHA256"
    case 0x1302: "TLS_AES_256_GCM_SHA384"
    case 0x1303: "TLS_CHACHA20_POLY1305_SHA256"
    case 0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA"
    case 0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA"
    case 0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256"
    case 0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256"
    case 0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256"
    case 0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384"
    case 0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"
    case 0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"
    case 0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
    case 0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"
    case 0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
    case 0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
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
