/// A cipher suite as far as a passive reader needs it: how records are protected, by IANA's numbers.
struct TLSCipherSuite: Hashable, Sendable {
  enum Protection: Hashable, Sendable {
    case gcm, chaChaPoly
    /// MAC-then-encrypt, or encrypt-then-MAC where the ServerHello says so (RFC 7366); bytes of the MAC.
    case cbc(macLength: Int)
  }

  enum Hash: Hashable, Sendable { case sha256, sha384 }

  var protection: Protection
  /// Bytes.
  var keyLength: Int
  /// That of HKDF in TLS 1.3, of the PRF in TLS 1.2.
  var hash: Hash

  /// Nil for a suite that is not read here.
  init?(_ number: UInt16) {
    switch number {
    case 0x1301, 0xC02B, 0xC02F, 0x009C, 0x009E: self.init(.gcm, 16, .sha256)
    case 0x1302, 0xC02C, 0xC030, 0x009D, 0x009F: self.init(.gcm, 32, .sha384)
    case 0x1303, 0xCCA8, 0xCCA9, 0xCCAA: self.init(.chaChaPoly, 32, .sha256)
    case 0xC009, 0xC013, 0x002F, 0x0033: self.init(.cbc(macLength: 20), 16, .sha256)
    case 0xC00A, 0xC014, 0x0035, 0x0039: self.init(.cbc(macLength: 20), 32, .sha256)
    case 0xC023, 0xC027, 0x003C, 0x0067: self.init(.cbc(macLength: 32), 16, .sha256)
    case 0x003D, 0x006B: self.init(.cbc(macLength: 32), 32, .sha256)
    case 0xC024, 0xC028: self.init(.cbc(macLength: 48), 32, .sha384)
    default: return nil
    }
  }

  private init(_ protection: Protection, _ keyLength: Int, _ hash: Hash) {
    self.protection = protection
    self.keyLength = keyLength
    self.hash = hash
  }

  /// Bytes of the nonce that come from the handshake: all twelve in TLS 1.3, and with ChaCha20-Poly1305; four with GCM in TLS 1.2
  /// (RFC 5288 §3); none with CBC, whose records carry theirs.
  func fixedNonceLength(isTLS13: Bool) -> Int {
    switch protection {
    case .chaChaPoly: 12
    case .gcm: isTLS13 ? 12 : 4
    case .cbc: 0
    }
  }

  var macLength: Int { if case .cbc(let length) = protection { length } else { 0 } }
}
