import COpenSSL

@testable import SRTP

/// SRTP written once more, over OpenSSL's EVP and straight from the RFCs: what libsrtp2's packets are compared with.
///
/// It begins at session keys, as the vectors of the RFCs do; ``init(_:_:_:)`` derives them.
struct ReferenceTransform {
  var cipherKey: [UInt8]
  var salt: [UInt8]
  /// Of HMAC-SHA1; none in GCM.
  var authenticationKey: [UInt8] = []
  var tagLength: Int

  init(cipherKey: [UInt8], salt: [UInt8], authenticationKey: [UInt8] = [], tagLength: Int = 16) {
    self.cipherKey = cipherKey
    self.salt = salt
    self.authenticationKey = authenticationKey
    self.tagLength = tagLength
  }

  /// The session keys of a master key (RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11).
  init(_ suite: SRTPSuite, _ keyAndSalt: [UInt8], _ kind: SRTPPacketKind) {
    let key = Array(keyAndSalt[..<suite.keyLength])
    let salt = Array(keyAndSalt[suite.keyLength...])
    let label: UInt8 = kind == .rtp ? 0 : 3
    cipherKey = Self.derive(key, salt, label: label, count: suite.keyLength)
    self.salt = Self.derive(key, salt, label: label + 2, count: suite.saltLength)
    if !suite.isAEAD { authenticationKey = Self.derive(key, salt, label: label + 1, count: 20) }
    tagLength = suite.tagLength(kind)
  }

  private var isAEAD: Bool { authenticationKey.isEmpty }

  /// RFC 3711 §4.3.1, with a key derivation rate of 0.
  static func derive(_ masterKey: [UInt8], _ masterSalt: [UInt8], label: UInt8, count: Int) -> [UInt8] {
    var block = masterSalt + [UInt8](repeating: 0, count: 16 - masterSalt.count)
    block[7] ^= label
    return keystream(masterKey, block, count)
  }

  /// AES in counter mode from a block on (RFC 3711 §4.1.1).
  static func keystream(_ key: [UInt8], _ block: [UInt8], _ count: Int) -> [UInt8] {
    counter(key, block, [UInt8](repeating: 0, count: count))
  }

  // MARK: - Packets

  /// RFC 3711 §3.3, RFC 7714 §8; `header` bytes stay in clear.
  func protectedRTP(_ packet: [UInt8], header: Int, index: UInt64) -> [UInt8] {
    let clear = Array(packet[..<header])
    let counter = bytes(index, 6)
    let ssrc = Array(packet[8..<12])
    if isAEAD { return clear + sealed(Array(packet[header...]), nonce([0, 0] + ssrc + counter), clear) }
    let body = Self.counter(cipherKey, block(ssrc, counter), Array(packet[header...]))
    return clear + body + tag(clear + body + counter[..<4])
  }

  /// RFC 3711 §3.4, RFC 7714 §9.
  func protectedRTCP(_ packet: [UInt8], index: UInt32) -> [UInt8] {
    let clear = Array(packet[..<8])
    let trailer = bytes(UInt64(index) | 0x8000_0000, 4)
    let ssrc = Array(packet[4..<8])
    if isAEAD {
      return clear + sealed(Array(packet[8...]), nonce([0, 0] + ssrc + [0, 0] + bytes(UInt64(index), 4)), clear + trailer) + trailer
    }
    let body = Self.counter(cipherKey, block(ssrc, bytes(UInt64(index), 6)), Array(packet[8...]))
    return clear + body + trailer + tag(clear + body + trailer)
  }

  /// The tag of SRTCP that is authenticated and not encrypted (RFC 7714 §9.3).
  func tagOfClearRTCP(_ packet: [UInt8], index: UInt32) -> [UInt8] {
    let trailer = bytes(UInt64(index), 4)
    return sealed([], nonce([0, 0] + packet[4..<8] + [0, 0] + trailer), packet + trailer)
  }

  private func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }

  /// Salt, SSRC and index, one above the other (RFC 3711 §4.1.1).
  private func block(_ ssrc: [UInt8], _ index: [UInt8]) -> [UInt8] {
    zip(salt + [0, 0], [0, 0, 0, 0] + ssrc + index + [0, 0]).map { $0 ^ $1 }
  }

  private func nonce(_ fields: [UInt8]) -> [UInt8] { zip(salt, fields).map { $0 ^ $1 } }

  // MARK: - EVP

  private func tag(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 20)
    var length: UInt32 = 0
    HMAC(EVP_sha1(), authenticationKey, Int32(authenticationKey.count), bytes, bytes.count, &digest, &length)
    return Array(digest[..<tagLength])
  }

  private static func counter(_ key: [UInt8], _ block: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    let cipher = key.count == 16 ? EVP_aes_128_ctr() : key.count == 24 ? EVP_aes_192_ctr() : EVP_aes_256_ctr()
    EVP_EncryptInit_ex(context, cipher, nil, key, block)
    var result = [UInt8](repeating: 0, count: bytes.count)
    var length: Int32 = 0
    EVP_EncryptUpdate(context, &result, &length, bytes, Int32(bytes.count))
    return result
  }

  private func sealed(_ bytes: [UInt8], _ nonce: [UInt8], _ associated: [UInt8]) -> [UInt8] {
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    EVP_EncryptInit_ex(context, cipherKey.count == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), nil, cipherKey, nonce)
    var result = [UInt8](repeating: 0, count: bytes.count)
    var length: Int32 = 0
    EVP_EncryptUpdate(context, nil, &length, associated, Int32(associated.count))
    EVP_EncryptUpdate(context, &result, &length, bytes, Int32(bytes.count))
    EVP_EncryptFinal_ex(context, nil, &length)
    var tag = [UInt8](repeating: 0, count: 16)
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
    return result + tag
  }
}
