import COpenSSL

/// Why a text in PEM armour (RFC 7468) cannot be used, and where. It never shows what stands in the text.
public struct PEMMistake: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  public var reason: String

  public var description: String { "line \(line): \(reason)" }
}

extension PEM {
  /// Whether this text is a certificate, with its chain behind it, and `key` has its private key. Both may be one text.
  public func checkPair(with key: PEM) throws(PEMMistake) {
    try checkCertificates()
    let block = try key.checkedKey()
    do throws(TLSError) {
      let (own, first) = (try key.key(), try certificates("certificate chain")[0])
      guard X509_check_private_key(first.x509, own.key) == 1 else {
        ERR_clear_error()
        throw .keyDoesNotMatch
      }
    } catch {
      throw PEMMistake(line: block, reason: "\(error)")
    }
  }

  /// Whether each certificate of this text parses, and there is one.
  public func checkCertificates() throws(PEMMistake) {
    let blocks = try blocks()
    guard blocks.contains(where: \.isCertificate) else {
      throw PEMMistake(line: 1, reason: "the text has no BEGIN CERTIFICATE line; expected a certificate in PEM armour")
    }
    for block in blocks where block.isCertificate {
      do throws(TLSError) { _ = try PEM(block.text).certificates("certificate") } catch {
        throw PEMMistake(line: block.line, reason: "the block that begins here is not a certificate: \(OpenSSL.words(error))")
      }
    }
  }

  /// Whether keys and signatures of a chain are strong enough to be shown by TLS 1.2: 80 bits of security (OpenSSL's level 1).
  public func checkStrength() throws(PEMMistake) {
    guard let context = SSL_CTX_new(TLS_method()) else { return }
    defer { SSL_CTX_free(context) }
    SSL_CTX_set_security_level(context, 1)
    var isLeaf = true
    for block in try blocks() where block.isCertificate {
      ERR_clear_error()
      guard let certificate = try? PEM(block.text).certificates("certificate").first else { continue }
      let isStrong = isLeaf ? SSL_CTX_use_certificate(context, certificate.x509) : cssl_ctx_add1_chain_cert(context, certificate.x509)
      isLeaf = false
      guard isStrong == 1 else {
        throw PEMMistake(line: block.line, reason: "the certificate that begins here cannot be used: \(OpenSSL.reason())")
      }
    }
  }

  /// - Returns: the line on which the key begins.
  public func checkKey() throws(PEMMistake) { _ = try checkedKey() }

  private func checkedKey() throws(PEMMistake) -> Int {
    guard let block = try blocks().first(where: \.isKey) else {
      throw PEMMistake(line: 1, reason: "the text has no BEGIN PRIVATE KEY line; expected a private key in PEM armour")
    }
    do throws(TLSError) { _ = try PEM(block.text).key() } catch {
      let reason = error == .keyIsEncrypted ? "\(error)" : "the block that begins here is not a private key: \(OpenSSL.words(error))"
      throw PEMMistake(line: block.line, reason: reason)
    }
    return block.line
  }

  private struct Block {
    var kind: String
    var line: Int
    var text: String
    /// The first empty line in it.
    var gap: Int?
    var isCertificate: Bool { kind == "CERTIFICATE" || kind == "X509 CERTIFICATE" || kind == "TRUSTED CERTIFICATE" }
    var isKey: Bool { kind.hasSuffix("PRIVATE KEY") }
    var hasHeaders: Bool { text.dropFirst(kind.count + 16).contains(":") }
  }

  /// The end of the text is not a gap.
  private func checkGap(_ block: Block) throws(PEMMistake) {
    guard let gap = block.gap else { return }
    throw PEMMistake(line: gap, reason: "an empty line within the \(block.kind) of line \(block.line) (RFC 7468 §3)")
  }

  /// The armoured blocks, in their order. What stands between them is a comment.
  private func blocks() throws(PEMMistake) -> [Block] {
    var blocks: [Block] = []
    var open: Block?
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.last.map { $0 == " " || $0 == "\t" } == true ? line.dropLast(while: { $0 == " " || $0 == "\t" }) : line
      if let kind = Self.boundary(line, "BEGIN") {
        if let open { throw PEMMistake(line: index + 1, reason: "a block begins before the \(open.kind) of line \(open.line) has ended") }
        open = Block(kind: kind, line: index + 1, text: line + "\n")
      } else if let kind = Self.boundary(line, "END") {
        guard var block = open else { throw PEMMistake(line: index + 1, reason: "END \(kind) without a BEGIN before it") }
        guard block.kind == kind else {
          throw PEMMistake(line: index + 1, reason: "END \(kind) ends the \(block.kind) of line \(block.line)")
        }
        try checkGap(block)
        block.text += line + "\n"
        blocks.append(block)
        open = nil
      } else if let block = open {
        // Old keys have header lines, such as DEK-Info, and an empty one behind them.
        if line.isEmpty, !block.hasHeaders, block.gap == nil { open?.gap = index + 1 }
        if !line.isEmpty { try checkGap(block) }
        guard line.contains(":") || line.utf8.allSatisfy(Self.isBase64) else {
          throw PEMMistake(line: index + 1, reason: "a character here is not base64 (RFC 7468 §3)")
        }
        open?.text += line + "\n"
      }
    }
    if let open { throw PEMMistake(line: open.line, reason: "the \(open.kind) that begins here has no END line") }
    return blocks
  }

  private static func boundary(_ line: Substring, _ word: String) -> String? {
    let start = "-----\(word) "
    guard line.hasPrefix(start), line.hasSuffix("-----") else { return nil }
    return String(line.dropFirst(start.count).dropLast(5))
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
    default: false
    }
  }
}

extension Substring {
  fileprivate func dropLast(while isDropped: (Character) -> Bool) -> Substring {
    var rest = self
    while let last = rest.last, isDropped(last) { rest.removeLast() }
    return rest
  }
}

extension OpenSSL {
  /// What an error says of the reason, without the name of the text.
  static func words(_ error: TLSError) -> String {
    if case .unreadable(_, let reason) = error { return reason }
    return "\(error)"
  }
}
