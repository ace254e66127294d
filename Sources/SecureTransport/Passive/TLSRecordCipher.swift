import COpenSSL

/// Opens the protected records of one direction (RFC 8446 §5.2, RFC 5246 §6.2.3). Owned by one reader.
final class TLSRecordCipher {
  private let suite: TLSCipherSuite
  private let isTLS13: Bool
  private let macsCiphertext: Bool
  private let key: [UInt8]
  private let fixedNonce: [UInt8]
  private let context: OpaquePointer?
  private var sequence: UInt64 = 0

  /// - Parameter macsCiphertext: encrypt-then-MAC was agreed (RFC 7366).
  init(_ suite: TLSCipherSuite, isTLS13: Bool, key: [UInt8], fixedNonce: [UInt8], macsCiphertext: Bool = false) {
    self.suite = suite
    self.isTLS13 = isTLS13
    self.macsCiphertext = macsCiphertext
    self.key = key
    self.fixedNonce = fixedNonce
    context = EVP_CIPHER_CTX_new()
  }

  deinit { EVP_CIPHER_CTX_free(context) }

  /// The content of a record; nil when it cannot be opened: a wrong key, or bytes that are missing.
  ///
  /// - Parameter header: type, version and length as they stand before the fragment.
  func open(_ fragment: [UInt8], header: [UInt8]) -> [UInt8]? {
    defer { sequence += 1 }
    switch suite.protection {
    case .cbc(let macLength): return openBlocks(fragment, macLength: macLength)
    case .gcm, .chaChaPoly: return openAuthenticated(fragment, header: header)
    }
  }

  private var sequenceBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * UInt64($0))) } }

  private func openAuthenticated(_ fragment: [UInt8], header: [UInt8]) -> [UInt8]? {
    let explicit = isTLS13 || fixedNonce.count == 12 ? 0 : 8
    guard header.count == 5, fragment.count >= explicit + 16 else { return nil }
    let count = fragment.count - explicit - 16
    let nonce: [UInt8]
    if explicit == 8 {
      nonce = fixedNonce + fragment.prefix(8)
    } else {
      let padded = [0, 0, 0, 0] + sequenceBytes
      nonce = zip(fixedNonce, padded).map { $0 ^ $1 }
    }
    let associated = isTLS13 ? header : sequenceBytes + header.prefix(3) + [UInt8(count >> 8), UInt8(count & 255)]
    return decrypt(Array(fragment[explicit..<explicit + count]), nonce: nonce, associated: associated, tag: Array(fragment.suffix(16)))
  }

  private func decrypt(_ input: [UInt8], nonce: [UInt8], associated: [UInt8], tag: [UInt8]) -> [UInt8]? {
    let cipher = suite.protection == .chaChaPoly ? EVP_chacha20_poly1305() : key.count == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm()
    var output = [UInt8](repeating: 0, count: input.count + 16)
    var tag = tag
    var written: Int32 = 0
    guard EVP_DecryptInit_ex(context, cipher, nil, key, nonce) == 1,
      EVP_DecryptUpdate(context, nil, &written, associated, Int32(associated.count)) == 1,
      EVP_DecryptUpdate(context, &output, &written, input, Int32(input.count)) == 1,
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, &tag) == 1
    else { return nil }
    var last: Int32 = 0
    var rest = [UInt8](repeating: 0, count: 16)
    guard EVP_DecryptFinal_ex(context, &rest, &last) == 1 else { return nil }
    return Array(output.prefix(Int(written)))
  }

  /// The MAC is not checked: a capture shows what was sent, right or wrong.
  private func openBlocks(_ fragment: [UInt8], macLength: Int) -> [UInt8]? {
    let cipherEnd = macsCiphertext ? fragment.count - macLength : fragment.count
    guard cipherEnd >= 32, cipherEnd % 16 == 0 else { return nil }
    let input = Array(fragment[16..<cipherEnd])
    var output = [UInt8](repeating: 0, count: input.count + 16)
    var written: Int32 = 0
    guard EVP_DecryptInit_ex(context, key.count == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc(), nil, key, Array(fragment.prefix(16))) == 1,
      EVP_CIPHER_CTX_set_padding(context, 0) == 1,
      EVP_DecryptUpdate(context, &output, &written, input, Int32(input.count)) == 1, written == input.count, let padding = output[..<Int(written)].last
    else { return nil }
    let end = Int(written) - Int(padding) - 1 - (macsCiphertext ? 0 : macLength)
    return end >= 0 ? Array(output.prefix(end)) : nil
  }
}
