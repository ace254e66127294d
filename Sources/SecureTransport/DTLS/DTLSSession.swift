import COpenSSL

/// What a DTLS handshake agreed on.
public struct DTLSSession: Hashable, Sendable {
  public var version: DTLSVersion
  /// The suite's name as OpenSSL spells it: `"ECDHE-ECDSA-AES256-GCM-SHA384"`.
  public var cipher: String
  public var profile: DTLSProtectionProfile
  /// What the SRTP keys of both directions are cut from.
  public var keyingMaterial: KeyingMaterial
  /// SHA-256 of the certificate that the peer showed.
  public var peerFingerprint: CertificateFingerprint
  /// The subject of that certificate as RFC 4514 writes it: `"CN=pbx.example"`.
  public var peerSubject: String?
  /// Whether the master secret depends on the whole handshake (RFC 7627).
  public var isMasterSecretExtended: Bool

  public init(
    version: DTLSVersion, cipher: String, profile: DTLSProtectionProfile, keyingMaterial: KeyingMaterial,
    peerFingerprint: CertificateFingerprint, peerSubject: String?, isMasterSecretExtended: Bool
  ) {
    self.version = version
    self.cipher = cipher
    self.profile = profile
    self.keyingMaterial = keyingMaterial
    self.peerFingerprint = peerFingerprint
    self.peerSubject = peerSubject
    self.isMasterSecretExtended = isMasterSecretExtended
  }
}

/// What the exporter `EXTRACTOR-dtls_srtp` gave (RFC 5764 §4.2): client's key, server's key, client's salt, server's salt.
///
/// No description, dump or log shows it, and it is wiped with its last copy.
public struct KeyingMaterial: Sendable {
  private let storage: Storage

  public init(_ bytes: some Collection<UInt8>) {
    storage = Storage(count: bytes.count)
    storage.bytes.copyBytes(from: bytes)
  }

  /// - Parameter write: fills the bytes, which are zero; where it answers false, nothing was made.
  init?(count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Bool) {
    storage = Storage(count: count)
    guard write(storage.bytes) else { return nil }
  }

  public var count: Int { storage.bytes.count }

  /// The bytes as they are. Call this only where they enter a calculation or a file that is meant for them.
  public func reveal() -> [UInt8] { Array(storage.bytes) }

  // Unchecked: the bytes are written by the initializers alone, and read afterwards.
  private final class Storage: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) {
      bytes = .allocate(byteCount: count, alignment: 16)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
      OPENSSL_cleanse(bytes.baseAddress, bytes.count)
      bytes.deallocate()
    }
  }
}

extension KeyingMaterial: Hashable {
  /// In a time that depends on the length alone.
  public static func == (left: KeyingMaterial, right: KeyingMaterial) -> Bool {
    let (one, two) = (left.storage.bytes, right.storage.bytes)
    return one.count == two.count && (one.isEmpty || CRYPTO_memcmp(one.baseAddress, two.baseAddress, one.count) == 0)
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(storage.bytes)) }
}

extension KeyingMaterial: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "(secret)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
