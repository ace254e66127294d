/// What a passive reader needs of ClientHello and ServerHello (RFC 8446 §4.1.2, §4.1.3). Reading never goes beyond the bytes given.
struct TLSHello {
  var random: [UInt8] = []
  /// ServerHello: the suite it chose.
  var cipherSuite: UInt16 = 0
  /// ServerHello: `supported_versions`, else the legacy version.
  var version: UInt16 = 0
  /// ClientHello: `server_name` (RFC 6066 §3).
  var serverName: String?
  /// ServerHello: `encrypt_then_mac` (RFC 7366).
  var macsCiphertext = false

  /// The random of a HelloRetryRequest (RFC 8446 §4.1.3).
  static let retryRandom: [UInt8] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07,
    0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
  ]

  /// - Parameter body: the handshake message without its four bytes of type and length.
  init?(_ body: [UInt8], isServer: Bool) {
    var reader = Reader(bytes: body)
    guard let legacy = reader.number(2), let random = reader.take(32), let session = reader.number(1), reader.take(session) != nil else { return nil }
    self.random = random
    version = UInt16(legacy)
    if isServer {
      guard let suite = reader.number(2), reader.take(1) != nil else { return nil }
      cipherSuite = UInt16(suite)
    } else {
      guard let suites = reader.number(2), reader.take(suites) != nil, let methods = reader.number(1), reader.take(methods) != nil else { return nil }
    }
    guard let total = reader.number(2), let extensions = reader.take(total) else { return }
    var rest = Reader(bytes: extensions)
    while let kind = rest.number(2), let count = rest.number(2), let content = rest.take(count) { takeExtension(kind, content, isServer: isServer) }
  }

  private mutating func takeExtension(_ kind: Int, _ content: [UInt8], isServer: Bool) {
    switch kind {
    case 0 where !isServer:
      var names = Reader(bytes: content)
      guard names.number(2) != nil, names.number(1) == 0, let count = names.number(2), let name = names.take(count) else { return }
      serverName = String(decoding: name, as: UTF8.self)
    case 22 where isServer: macsCiphertext = true
    case 43 where isServer && content.count == 2: version = UInt16(content[0]) << 8 | UInt16(content[1])
    default: break
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    mutating func take(_ count: Int) -> [UInt8]? {
      guard count >= 0, count <= bytes.count - position else { return nil }
      defer { position += count }
      return Array(bytes[position..<position + count])
    }

    mutating func number(_ count: Int) -> Int? { take(count)?.reduce(0) { $0 << 8 | Int($1) } }
  }
}
