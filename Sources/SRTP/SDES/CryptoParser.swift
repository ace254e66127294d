import SansIO

extension CryptoAttribute {
  /// Reads what comes behind `a=crypto:` (RFC 4568 §9.1, §9.2). What is thrown says why the line cannot be used.
  public static func parse(_ value: Bytes) throws(CryptoRefusal) -> CryptoAttribute {
    let words = value.text.split { $0 == " " || $0 == "\t" }
    // The tag follows the colon at once.
    guard let first = words.first, value.first != 0x20, value.first != 0x09 else { throw .tag("") }
    guard (1...9).contains(first.utf8.count), let tag = UInt32(digits: first) else { throw .tag(shown(first)) }
    guard words.count > 1 else { throw .noSuite }
    guard words.count > 2 else { throw .noKey }
    guard let suite = SRTPSuite(name: String(words[1])) else { throw .suite(shown(words[1])) }
    var keys: [SRTPKey] = []
    for part in words[2].split(separator: ";", omittingEmptySubsequences: false) { keys.append(try key(part)) }
    do { _ = try SRTPKeys(suite, keys) } catch { throw .keys(error, suite) }
    var parameters: [SessionParameter] = []
    for word in words.dropFirst(3) { parameters.append(try parameter(word)) }
    return CryptoAttribute(tag: tag, suite: suite, suiteName: String(words[1]), keys: keys, parameters: parameters)
  }

  /// `inline:BASE64|2^31|1:4`; lifetime and MKI may be missing.
  private static func key(_ text: Substring) throws(CryptoRefusal) -> SRTPKey {
    guard let colon = text.firstIndex(of: ":") else { throw text.isEmpty ? .noKey : .keyMethod(shown(text.prefix { $0 != "|" })) }
    guard text[..<colon] == "inline" else { throw .keyMethod(shown(text[..<colon])) }
    var parts = text[text.index(after: colon)...].split(separator: "|", omittingEmptySubsequences: false)[...]
    guard let first = parts.popFirst(), !first.isEmpty else { throw .noKey }
    let secret: SecretBytes
    do { secret = try Base64.secret(first) } catch { throw .base64(error) }
    var lifetime: KeyLifetime?
    var identifier: MasterKeyIdentifier?
    if let part = parts.first, !part.contains(":") {
      lifetime = KeyLifetime(part)
      guard lifetime != nil else { throw .lifetime(shown(part)) }
      parts.removeFirst()
    }
    if let part = parts.first {
      guard part.contains(":") else { throw .keyInformation }
      identifier = MasterKeyIdentifier(part)
      guard identifier != nil else { throw .identifier(shown(part)) }
      parts.removeFirst()
    }
    guard parts.isEmpty else { throw .keyInformation }
    return SRTPKey(secret, identifier: identifier, lifetime: lifetime)
  }

  private static func parameter(_ word: Substring) throws(CryptoRefusal) -> SessionParameter {
    if word.hasPrefix("-"), word.count > 1 { return .optionalExtension(String(word)) }
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let value = parts.count > 1 ? parts[1] : nil
    switch (parts[0], value) {
    case ("KDR", let value?):
      guard value == "0" else { throw .keyDerivationRate(shown(value)) }
      return .keyDerivationOnce
    case ("WSH", let value?):
      guard value.utf8.count >= 2, let size = Int(digits: value), size >= 64 else { throw .windowSizeHint(shown(value)) }
      return .windowSizeHint(size)
    case ("UNENCRYPTED_SRTP", nil): throw .unencryptedSRTP
    case ("UNENCRYPTED_SRTCP", nil): throw .unencryptedSRTCP
    case ("UNAUTHENTICATED_SRTP", nil): throw .unauthenticatedSRTP
    case ("FEC_ORDER", let value?): throw .forwardErrorCorrection("FEC_ORDER=\(shown(value))")
    // Its value is a key.
    case ("FEC_KEY", .some): throw .forwardErrorCorrection("FEC_KEY")
    default: throw .parameter(shown(parts[0]))
    }
  }

  /// Nothing that a terminal would obey; and of what is longer than any name no more than the beginning, since it may be a key in a wrong
  /// place.
  private static func shown(_ text: Substring) -> String {
    let characters = text.unicodeScalars.prefix(33).map { $0.isASCII && $0.value >= 0x20 && $0.value < 0x7F ? Character($0) : "?" }
    return characters.count > 32 ? String(characters.prefix(8)) + "…" : String(characters)
  }
}

extension CryptoAttribute {
  /// Where keys are in what comes behind `a=crypto:`, whether the rest can be read or not: for who must not show them.
  public static func keyRanges(in value: Bytes) -> [Range<Int>] {
    let method = Array("inline:".utf8)
    var ranges: [Range<Int>] = []
    var position = 0
    while position + method.count <= value.count {
      guard (0..<method.count).allSatisfy({ value[position + $0] | 0x20 == method[$0] | 0x20 }) else {
        position += 1
        continue
      }
      let start = position + method.count
      var end = start
      while end < value.count, !" \t|;\r\n".utf8.contains(value[end]) { end += 1 }
      if start < end { ranges.append(start..<end) }
      position = end
    }
    return ranges
  }

  /// What takes the place of a key in a capture that is handed on without its secrets.
  public static let overwriting = UInt8(ascii: "x")

  /// Whether the keys in what comes behind `a=crypto:` were overwritten.
  public static func isOverwritten(_ value: Bytes) -> Bool {
    let ranges = keyRanges(in: value)
    return ranges.contains { range in range.count >= 16 && value[range].allSatisfy { $0 == overwriting } }
  }
}
