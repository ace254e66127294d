import COpenSSL
import SansIO

/// The stream under a TLS connection, and how the peer's certificates are judged.
final class TLSWire: SecureWire {
  /// Ciphertext that came in and is not read yet. OpenSSL takes all of it before it asks for more.
  private var input = Bytes()
  private var taken = 0
  /// Ciphertext to go out.
  private var output: [UInt8] = []
  /// Why the peer's certificate was refused.
  private(set) var certificateFault: CertificateFault?
  private let verification: TLSConfiguration.Verification
  private let nameRule: TLSConfiguration.NameRule
  /// The names of which the peer has to prove one; empty = any, at a server.
  private let expectedNames: [String]

  struct CertificateFault {
    /// `X509_V_ERR_…`
    var code: Int32
    var presented: [String] = []
  }

  init(_ configuration: TLSConfiguration, serverName: String?) {
    verification = configuration.verification
    nameRule = configuration.nameRule
    expectedNames = configuration.role == .client ? [serverName ?? ""] : configuration.clientNames
  }

  func feed(_ bytes: Bytes) {
    input = bytes
    taken = 0
  }

  /// Forgets what was not read, and with it the driver's read buffer.
  func discardInput() { feed(Bytes()) }

  /// Secrets first: a capture must know them before the ciphertext that needs them.
  func drain(isHandshake: Bool, into outputs: inout [TLSConnection.Output]) {
    for line in takeSecrets() { outputs.append(.secret(line)) }
    guard !output.isEmpty else { return }
    outputs.append(.ciphertext(Bytes(output), isHandshake: isHandshake))
    output = []
  }

  // MARK: - Called by OpenSSL

  override func read(into buffer: UnsafeMutableRawPointer, capacity: Int) -> Int {
    let count = min(capacity, input.count - taken)
    guard count > 0 else { return 0 }
    input.copy(taken..<taken + count, to: buffer)
    taken += count
    return count
  }

  override func write(_ bytes: UnsafeRawBufferPointer) { output.append(contentsOf: bytes) }

  override func verify(isTrusted: Bool, _ ssl: OpaquePointer?, _ store: OpaquePointer?) -> Int32 {
    guard verification != .none else { return 1 }
    guard isTrusted else {
      certificateFault = CertificateFault(code: X509_STORE_CTX_get_error(store))
      return 0
    }
    guard verification == .peer, X509_STORE_CTX_get_error_depth(store) == 0 else { return 1 }
    let identity = PeerIdentity(X509_STORE_CTX_get_current_cert(store))
    let isNamed =
      expectedNames.isEmpty ? !identity.domains.isEmpty : expectedNames.contains { identity.matches($0, rule: nameRule) }
    guard !isNamed else { return 1 }
    certificateFault = CertificateFault(code: X509_V_ERR_HOSTNAME_MISMATCH, presented: identity.presented)
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH)
    return 0
  }

  /// What the peer had to prove, for a message.
  var expected: String { expectedNames.joined(separator: " or ") }
}
