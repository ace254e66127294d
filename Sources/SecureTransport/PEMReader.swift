import COpenSSL

/// A certificate of OpenSSL, released with this object.
final class Certificate {
  let x509: OpaquePointer
  init(owning x509: OpaquePointer) { self.x509 = x509 }
  deinit { X509_free(x509) }
}

/// A private key of OpenSSL, released with this object.
final class PrivateKey {
  let key: OpaquePointer
  init(owning key: OpaquePointer) { self.key = key }
  deinit { EVP_PKEY_free(key) }
}

extension PEM {
  /// All certificates in the text, in its order; at least one. `item` is how an error calls the text.
  func certificates(_ item: String) throws(TLSError) -> [Certificate] {
    OpenSSL.prepare()
    ERR_clear_error()
    let found = withMemoryBIO { bio in
      var found: [Certificate] = []
      while let x509 = PEM_read_bio_X509(bio, nil, nil, nil) { found.append(Certificate(owning: x509)) }
      return found
    }
    // The end of the text shows as a missing start line; every other error is a block that does not parse.
    let atEnd = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
    guard atEnd else { throw .unreadable(item: item, reason: OpenSSL.reason()) }
    guard !found.isEmpty else { throw .unreadable(item: item, reason: "it contains no BEGIN CERTIFICATE block") }
    ERR_clear_error()
    return found
  }

  /// The private key in the text.
  func key() throws(TLSError) -> PrivateKey {
    guard !text.contains("ENCRYPTED") else { throw .keyIsEncrypted }
    guard text.contains("PRIVATE KEY-----") else {
      throw .unreadable(item: "private key", reason: "it contains no BEGIN PRIVATE KEY block")
    }
    OpenSSL.prepare()
    ERR_clear_error()
    // Without a callback of ours OpenSSL would ask the terminal for a pass phrase.
    let key = withMemoryBIO { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in -1 }, nil) }
    guard let key else { throw .unreadable(item: "private key", reason: OpenSSL.reason()) }
    ERR_clear_error()
    return PrivateKey(owning: key)
  }

  private func withMemoryBIO<Result>(_ body: (OpaquePointer?) -> Result) -> Result {
    unixLines.withUnsafeBytes { bytes in
      let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
      defer { BIO_free(bio) }
      return body(bio)
    }
  }

  /// OpenSSL ends a line at LF alone; RFC 7468 §3 has CR as well.
  private var unixLines: [UInt8] {
    let (lf, cr) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    var bytes = Array(text.utf8)
    for index in bytes.indices where bytes[index] == cr && (index + 1 == bytes.count || bytes[index + 1] != lf) { bytes[index] = lf }
    return bytes
  }

  /// What `write` writes to a memory BIO, as PEM text; nil when it returns 0.
  static func written(_ write: (OpaquePointer?) -> Int32) -> PEM? {
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(bio) }
    return write(bio) == 1 ? PEM(text(of: bio)) : nil
  }

  /// The bytes in a memory BIO as UTF-8 text.
  static func text(of bio: OpaquePointer?) -> String {
    var start: UnsafePointer<CChar>?
    let count = cbio_get_mem_data(bio, &start)
    guard let start, count > 0 else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }
}
