import SansIO

/// A master key with its salt, and what SDES says beside them (RFC 3711 §3.2.1, RFC 4568 §6.1).
///
/// The key is wiped with its last copy, and no description, dump or log shows it.
public struct SRTPKey: Hashable, Sendable {
  private let secret: SecretBytes
  /// What packets name the key by; nil where they carry none.
  public var identifier: MasterKeyIdentifier?
  /// nil: as long as the suite allows, 2^48 SRTP and 2^31 SRTCP packets (RFC 3711 §9.2).
  public var lifetime: KeyLifetime?

  /// - Parameter keyAndSalt: the one after the other.
  public init(_ keyAndSalt: some Collection<UInt8>, identifier: MasterKeyIdentifier? = nil, lifetime: KeyLifetime? = nil) {
    self.init(SecretBytes(keyAndSalt), identifier: identifier, lifetime: lifetime)
  }

  /// A key that was drawn: the same from one seed.
  public init(for suite: SRTPSuite, entropy: inout Entropy) { self.init(entropy.bytes(suite.keyAndSaltLength)) }

  init(_ secret: SecretBytes, identifier: MasterKeyIdentifier?, lifetime: KeyLifetime?) {
    self.secret = secret
    self.identifier = identifier
    self.lifetime = lifetime
  }

  /// Bytes of key and salt.
  public var count: Int { secret.count }

  /// Key and salt as they are. Call this only where they enter a calculation or a file that is meant for them.
  public func reveal() -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

  /// As SDES writes them, with padding (RFC 4568 §6.1).
  public func revealBase64() -> String { secret.withUnsafeBytes { Base64.text($0) } }

  /// Whether both are the same key and salt, whatever is said beside them.
  public func isSameKey(as other: SRTPKey) -> Bool { secret == other.secret }

  var pointer: UnsafeMutablePointer<UInt8>? { secret.pointer }

  /// The keys that a DTLS handshake gives: the client's key, the server's, the client's salt, the server's (RFC 5764 §4.2).
  ///
  /// - Parameter material: what the exporter `EXTRACTOR-dtls_srtp` gave; nil where it is not twice as long as a key with its salt.
  public static func pair(exported material: [UInt8], suite: SRTPSuite) -> (client: SRTPKey, server: SRTPKey)? {
    let (key, salt) = (suite.keyLength, suite.saltLength)
    guard material.count == 2 * (key + salt) else { return nil }
    let salts = 2 * key
    return (
      SRTPKey(material[..<key] + material[salts..<salts + salt]),
      SRTPKey(material[key..<salts] + material[(salts + salt)...])
    )
  }
}

extension SRTPKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `(secret)|2^31|1:4`.
  public var description: String { "(secret)\(suffix)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// What SDES writes behind the key.
  var suffix: String { (lifetime.map { "|\($0)" } ?? "") + (identifier.map { "|\($0)" } ?? "") }
}

/// How many packets a master key may protect at most, of SRTP or of SRTCP (RFC 4568 §6.1), as it was written.
public enum KeyLifetime: Hashable, Sendable {
  /// `2^31`
  case power(UInt8)
  /// `1048576`
  case packets(UInt64)

  /// What RFC 3711 §9.2 allows any key: 2^48 SRTP packets, 2^31 SRTCP packets.
  public static func limit(_ kind: SRTPPacketKind) -> UInt64 { kind == .rtp ? 1 << 48 : 1 << 31 }

  public var packets: UInt64 {
    switch self {
    case .power(let exponent): exponent < 64 ? 1 << UInt64(exponent) : .max
    case .packets(let count): count
    }
  }

  /// Reads `2^20` and `1048576`; nil for what is neither, for 0 and for more than 2^48.
  init?(_ text: Substring) {
    if text.hasPrefix("2^") {
      guard let exponent = UInt8(digits: text.dropFirst(2)), exponent <= 48 else { return nil }
      self = .power(exponent)
    } else {
      guard let count = UInt64(digits: text), count > 0, count <= Self.limit(.rtp) else { return nil }
      self = .packets(count)
    }
  }
}

extension KeyLifetime: CustomStringConvertible {
  public var description: String {
    switch self {
    case .power(let exponent): "2^\(exponent)"
    case .packets(let count): String(count)
    }
  }
}

extension FixedWidthInteger {
  /// Decimal digits alone: no sign, no space.
  init?(digits: Substring) {
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
    self.init(digits)
  }
}
