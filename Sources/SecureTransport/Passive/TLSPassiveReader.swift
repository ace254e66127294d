import SansIO

/// Reads a TLS connection from outside, with the secrets of a key log: what a capture's reader sees of it (RFC 8446 §5, RFC 5246 §6.2).
///
/// ```
///   clear ──ServerHello 1.3──► handshake keys ──Finished of that side──► traffic keys ──KeyUpdate──► next traffic keys
///     └──ServerHello 1.2, then ChangeCipherSpec of that side──► traffic keys
///   any ──no secret, a suite that is not read here, bytes that cannot be opened──► blind        that side is only counted
/// ```
/// TLS 1.2 and 1.3 are read, with AES-GCM, ChaCha20-Poly1305 and AES-CBC suites; older versions and early data are not.
public struct TLSPassiveReader {
  public enum Side: Int, Hashable, Sendable { case client, server }

  public enum Output: Hashable, Sendable {
    case clientHello(serverName: String?)
    /// 0x0303 = TLS 1.2, 0x0304 = TLS 1.3, and the suite's IANA number.
    case serverHello(version: UInt16, cipherSuite: UInt16)
    case plaintext(Bytes, Side)
    /// An alert that could be read (RFC 8446 §6): its level and description numbers.
    case alert(level: UInt8, description: UInt8, Side)
    /// From here on this side is not read; said once.
    case blind(Side, reason: String)
    /// Bytes of records that were not read.
    case unread(Int, Side)
  }

  private struct Direction {
    var buffer: [UInt8] = []
    var handshake: [UInt8] = []
    var cipher: TLSRecordCipher?
    /// TLS 1.3: what the traffic keys came from.
    var secret: [UInt8] = []
    var isBlind = false
  }

  private var sides = [Direction(), Direction()]
  private var clientRandom: [UInt8] = []
  private var serverRandom: [UInt8] = []
  private var version: UInt16 = 0
  private var suite: TLSCipherSuite?
  private var macsCiphertext = false
  private static let largestRecord = 16_384 + 2_048

  public init() {}

  /// Whether bytes begin a TLS stream: a handshake record with a ClientHello.
  public static func looksLikeTLS(_ bytes: Bytes) -> Bool { bytes.count >= 6 && bytes[0] == 22 && bytes[1] == 3 && bytes[5] == 1 }

  /// Takes the next bytes of one side, in the order of the capture.
  ///
  /// - Parameter log: asked when a key is needed.
  public mutating func take(_ bytes: Bytes, from side: Side, _ log: TLSKeyLog) -> [Output] {
    var outputs: [Output] = []
    let index = side.rawValue
    sides[index].buffer += bytes.array
    var start = 0
    while sides[index].buffer.count - start >= 5 {
      let header = Array(sides[index].buffer[start..<start + 5])
      let length = Int(header[3]) << 8 | Int(header[4])
      guard header[1] == 3, (20...24).contains(header[0]), length <= Self.largestRecord else {
        goBlind(side, "these bytes are no TLS record", &outputs)
        outputs.append(.unread(sides[index].buffer.count - start, side))
        start = sides[index].buffer.count
        break
      }
      guard sides[index].buffer.count - start >= 5 + length else { break }
      takeRecord(header, Array(sides[index].buffer[start + 5..<start + 5 + length]), side, log, &outputs)
      start += 5 + length
    }
    sides[index].buffer.removeFirst(start)
    return outputs
  }

  /// Bytes are missing in this side's stream: no record after them can be opened.
  public mutating func lost(from side: Side) -> [Output] {
    var outputs: [Output] = []
    sides[side.rawValue].buffer = []
    goBlind(side, "the capture has a gap here", &outputs)
    return outputs
  }

  private mutating func goBlind(_ side: Side, _ reason: String, _ outputs: inout [Output]) {
    guard !sides[side.rawValue].isBlind else { return }
    sides[side.rawValue].isBlind = true
    outputs.append(.blind(side, reason: reason))
  }

  // MARK: - Records

  private mutating func takeRecord(_ header: [UInt8], _ fragment: [UInt8], _ side: Side, _ log: TLSKeyLog, _ outputs: inout [Output]) {
    let index = side.rawValue
    if header[0] == 20 {
      if version != 0x0304 { changeCipher(side, log, &outputs) }
      return
    }
    if sides[index].isBlind { return outputs.append(.unread(fragment.count, side)) }
    guard let cipher = sides[index].cipher else {
      if header[0] == 23 {
        goBlind(side, "the handshake is not in the capture", &outputs)
        return outputs.append(.unread(fragment.count, side))
      }
      return takeContent(header[0], fragment, side, log, &outputs)
    }
    // TLS 1.3: an alert before the keys are in use is sent in clear.
    if version == 0x0304, header[0] != 23 { return takeContent(header[0], fragment, side, log, &outputs) }
    guard var content = cipher.open(fragment, header: header) else {
      goBlind(side, "a record cannot be opened with the secrets of the capture", &outputs)
      return outputs.append(.unread(fragment.count, side))
    }
    var kind = header[0]
    if version == 0x0304 {
      while content.last == 0 { content.removeLast() }
      guard let inner = content.popLast() else { return }
      kind = inner
    }
    takeContent(kind, content, side, log, &outputs)
  }

  private mutating func takeContent(_ kind: UInt8, _ content: [UInt8], _ side: Side, _ log: TLSKeyLog, _ outputs: inout [Output]) {
    switch kind {
    case 21 where content.count == 2: outputs.append(.alert(level: content[0], description: content[1], side))
    case 22:
      sides[side.rawValue].handshake += content
      takeHandshake(side, log, &outputs)
    case 23: if !content.isEmpty { outputs.append(.plaintext(Bytes(content), side)) }
    default: break
    }
  }

  private mutating func takeHandshake(_ side: Side, _ log: TLSKeyLog, _ outputs: inout [Output]) {
    let index = side.rawValue
    while sides[index].handshake.count >= 4 {
      let message = sides[index].handshake
      let length = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
      guard message.count >= 4 + length else { return }
      sides[index].handshake.removeFirst(4 + length)
      takeMessage(message[0], Array(message[4..<4 + length]), side, log, &outputs)
    }
  }

  private mutating func takeMessage(_ kind: UInt8, _ body: [UInt8], _ side: Side, _ log: TLSKeyLog, _ outputs: inout [Output]) {
    switch kind {
    case 1 where side == .client:
      guard let hello = TLSHello(body, isServer: false) else { return }
      clientRandom = hello.random
      outputs.append(.clientHello(serverName: hello.serverName))
    case 2 where side == .server:
      guard let hello = TLSHello(body, isServer: true), hello.random != TLSHello.retryRandom else { return }
      (serverRandom, version, suite, macsCiphertext) = (hello.random, hello.version, TLSCipherSuite(hello.cipherSuite), hello.macsCiphertext)
      outputs.append(.serverHello(version: version, cipherSuite: hello.cipherSuite))
      if version == 0x0304 {
        useSecret("SERVER_HANDSHAKE_TRAFFIC_SECRET", .server, log, &outputs)
        useSecret("CLIENT_HANDSHAKE_TRAFFIC_SECRET", .client, log, &outputs)
      }
    case 20 where version == 0x0304:
      useSecret(side == .server ? "SERVER_TRAFFIC_SECRET_0" : "CLIENT_TRAFFIC_SECRET_0", side, log, &outputs)
    case 24 where version == 0x0304:
      guard let suite else { return }
      let old = sides[side.rawValue].secret
      use(TLSKeySchedule.expandLabel(suite.hash, old, "traffic upd", old.count), suite, side)
    default: break
    }
  }

  // MARK: - Keys

  private mutating func useSecret(_ label: String, _ side: Side, _ log: TLSKeyLog, _ outputs: inout [Output]) {
    guard let suite else { return goBlind(side, "its cipher suite is not read here", &outputs) }
    guard let secret = log.secret(label, clientRandom) else { return goBlind(side, "the capture has no secrets for it", &outputs) }
    use(secret, suite, side)
  }

  private mutating func use(_ secret: [UInt8], _ suite: TLSCipherSuite, _ side: Side) {
    sides[side.rawValue].secret = secret
    sides[side.rawValue].cipher = TLSRecordCipher(
      suite, isTLS13: true, key: TLSKeySchedule.expandLabel(suite.hash, secret, "key", suite.keyLength),
      fixedNonce: TLSKeySchedule.expandLabel(suite.hash, secret, "iv", 12))
  }

  /// TLS 1.2: the key block (RFC 5246 §6.3), from the master secret that `CLIENT_RANDOM` lines carry.
  private mutating func changeCipher(_ side: Side, _ log: TLSKeyLog, _ outputs: inout [Output]) {
    guard version == 0x0303, let suite else {
      return goBlind(side, version == 0 ? "the handshake is not in the capture" : "its version or cipher suite is not read here", &outputs)
    }
    guard let master = log.secret("CLIENT_RANDOM", clientRandom) else { return goBlind(side, "the capture has no secrets for it", &outputs) }
    let (mac, key, nonce) = (suite.macLength, suite.keyLength, suite.fixedNonceLength(isTLS13: false))
    let block = TLSKeySchedule.prf(suite.hash, master, "key expansion", serverRandom + clientRandom, 2 * (mac + key + nonce))
    guard block.count == 2 * (mac + key + nonce) else { return }
    let (keyStart, nonceStart) = (2 * mac + side.rawValue * key, 2 * (mac + key) + side.rawValue * nonce)
    sides[side.rawValue].cipher = TLSRecordCipher(
      suite, isTLS13: false, key: Array(block[keyStart..<keyStart + key]), fixedNonce: Array(block[nonceStart..<nonceStart + nonce]),
      macsCiphertext: macsCiphertext)
  }
}
