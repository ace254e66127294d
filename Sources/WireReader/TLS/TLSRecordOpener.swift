import COpenSSL
import SansIO

/// Opens the records of one direction with its keys (RFC 8446 §5.2, RFC 5246 §6.2.3.3).
public struct TLSRecordOpener {
  private let suite: TLSCipherSuite
  private let keys: TLSSecrets.Keys
  private let isTLS13: Bool
  private var sequence: UInt64 = 0

  public init(_ keys: TLSSecrets.Keys, _ suite: TLSCipherSuite, isTLS13: Bool) {
    self.keys = keys
    self.suite = suite
    self.isTLS13 = isTLS13
  }

  /// The content and its type; nil when the tag is wrong. The sequence number moves on only when it was right.
  public mutating func open(_ record: TLSRecordReader.Record) -> (type: UInt8, content: Bytes)? {
    var payload = record.payload
    var explicit = sequenceBytes
    if !isTLS13, keys.iv.count == 4 {
      guard payload.count >= 8 else { return nil }
      explicit = payload[0..<8].array
      payload = payload[8..<payload.count]
    }
    guard payload.count >= 16 else { return nil }
    let size = payload.count - 16
    let additional =
      isTLS13
      ? record.header.array : sequenceBytes + [record.header[0], record.header[1], record.header[2], UInt8(size >> 8), UInt8(size & 255)]
    guard let clear = decrypt(payload, nonce: nonce(explicit), additional) else { return nil }
    sequence &+= 1
    guard isTLS13 else { return (record.type.rawValue, Bytes(clear)) }
    // The true type stands behind the content, before the padding (RFC 8446 §5.2).
    guard let last = clear.lastIndex(where: { $0 != 0 }) else { return nil }
    return (clear[last], Bytes(Array(clear[..<last])))
  }

  private var sequenceBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: sequence >> UInt64(56 - 8 * $0)) } }

  private func nonce(_ explicit: [UInt8]) -> [UInt8] {
    guard keys.iv.count == 12 else { return keys.iv + explicit }
    var nonce = keys.iv
    for index in 0..<8 { nonce[4 + index] ^= sequenceBytes[index] }
    return nonce
  }

  private func decrypt(_ payload: Bytes, nonce: [UInt8], _ additional: [UInt8]) -> [UInt8]? {
    guard let context = EVP_CIPHER_CTX_new() else { return nil }
    defer { EVP_CIPHER_CTX_free(context) }
    let cipher =
      switch suite.cipher {
      case .aes128GCM: EVP_aes_128_gcm()
      case .aes256GCM: EVP_aes_256_gcm()
      case .chaCha20Poly1305: EVP_chacha20_poly1305()
      }
    let sealed = payload[0..<payload.count - 16].array
    var tag = payload[payload.count - 16..<payload.count].array
    var clear = [UInt8](repeating: 0, count: sealed.count + 16)
    var (written, rest): (Int32, Int32) = (0, 0)
    guard EVP_DecryptInit_ex(context, cipher, nil, keys.key, nonce) == 1,
      EVP_DecryptUpdate(context, nil, &written, additional, Int32(additional.count)) == 1,
      EVP_DecryptUpdate(context, &clear, &written, sealed, Int32(sealed.count)) == 1,
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, &tag) == 1
    else { return nil }
    var end = [UInt8](repeating: 0, count: 32)
    guard EVP_DecryptFinal_ex(context, &end, &rest) == 1 else { return nil }
    return Array(clear.prefix(Int(written)))
  }
}
