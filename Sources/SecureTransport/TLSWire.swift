import COpenSSL
import SansIO

/// What OpenSSL's callbacks read and write during one call: the bytes of the wire, key log lines, alerts and the peer's certificate.
///
/// It is a class of its own so that a callback never touches the connection whose method is running.
final class TLSWire {
  /// Ciphertext that came in and is not read yet. OpenSSL takes all of it before it asks for more.
  private var input = Bytes()
  private var taken = 0
  /// Ciphertext to go out.
  private var output: [UInt8] = []
  private var secrets: [KeyLogLine] = []

  fileprivate(set) var alertSent: TLSAlert?
  fileprivate(set) var alertReceived: TLSAlert?
  /// Why the peer's certificate was refused.
  fileprivate(set) var certificateFault: CertificateFault?
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
    for line in secrets { outputs.append(.secret(line)) }
    secrets.removeAll()
    guard !output.isEmpty else { return }
    outputs.append(.ciphertext(Bytes(output), isHandshake: isHandshake))
    output = []
  }

  // MARK: - Called by OpenSSL

  fileprivate func read(into buffer: UnsafeMutableRawPointer, capacity: Int) -> Int {
    let count = min(capacity, input.count - taken)
    guard count > 0 else { return 0 }
    input.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: buffer, count: count).copyMemory(from: .init(rebasing: $0[taken..<taken + count]))
    }
    taken += count
    return count
  }

  fileprivate func write(_ bytes: UnsafeRawBufferPointer) { output.append(contentsOf: bytes) }

  fileprivate func log(_ line: String) { secrets.append(KeyLogLine(line)) }

  /// Judges one certificate of the chain, root first: 1 to go on. `isTrusted` is OpenSSL's own verdict.
  fileprivate func verify(isTrusted: Bool, _ store: OpaquePointer?) -> Int32 {
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

// MARK: - OpenSSL's side

/// The callbacks, and the BIO that is the wire's end in OpenSSL. All find their wire through a pointer that the connection keeps valid.
enum TLSCallbacks {
  /// The application's slot of `SSL_set_ex_data`.
  private static let slot: Int32 = 0

  /// Ties `ssl` to `wire`, for both directions; false when memory is short. `wire` must outlive `ssl`.
  static func attach(_ wire: TLSWire, to ssl: OpaquePointer) -> Bool {
    guard let bio = BIO_new(method) else { return false }
    let pointer = Unmanaged.passUnretained(wire).toOpaque()
    BIO_set_data(bio, pointer)
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    return SSL_set_ex_data(ssl, slot, pointer) == 1
  }

  /// Key log, alerts and certificates of all connections of a context.
  static func install(in context: OpaquePointer) {
    SSL_CTX_set_keylog_callback(context) { ssl, line in
      guard let line else { return }
      TLSCallbacks.wire(of: ssl)?.log(String(cString: line))
    }
    SSL_CTX_set_info_callback(context) { ssl, event, value in
      guard event & SSL_CB_ALERT != 0 else { return }
      let alert = TLSAlert(rawValue: UInt8(truncatingIfNeeded: value))
      if event & SSL_CB_READ != 0 {
        TLSCallbacks.wire(of: ssl)?.alertReceived = alert
      } else {
        TLSCallbacks.wire(of: ssl)?.alertSent = alert
      }
    }
  }

  /// Lets `named`, which the context's owner keeps, choose the certificate of each connection once its ClientHello is read.
  static func choose(_ named: NamedCertificates, in context: OpaquePointer) {
    SSL_CTX_set_cert_cb(
      context,
      { ssl, named in
        guard let ssl, let named else { return 0 }
        return Unmanaged<NamedCertificates>.fromOpaque(named).takeUnretainedValue().choose(for: ssl) ? 1 : 0
      }, Unmanaged.passUnretained(named).toOpaque())
  }

  static let verify: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isTrusted, store in
    TLSCallbacks.wire(of: cssl_of_store_context(store))?.verify(isTrusted: isTrusted == 1, store) ?? 0
  }

  private static func wire(of ssl: OpaquePointer?) -> TLSWire? {
    SSL_get_ex_data(ssl, slot).map { Unmanaged<TLSWire>.fromOpaque($0).takeUnretainedValue() }
  }

  /// A BIO that reads and writes a ``TLSWire``.
  // Unchecked: made once; never changed, never freed.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire")
    BIO_meth_set_read(method) { bio, buffer, capacity in
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
      guard let bio, let buffer, capacity > 0, let data = BIO_get_data(bio) else { return 0 }
      let wire = Unmanaged<TLSWire>.fromOpaque(data).takeUnretainedValue()
      let count = wire.read(into: buffer, capacity: Int(capacity))
      guard count == 0 else { return Int32(count) }
      BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      return -1
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let bio, let bytes, count > 0, let data = BIO_get_data(bio) else { return 0 }
      let wire = Unmanaged<TLSWire>.fromOpaque(data).takeUnretainedValue()
      wire.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
      return count
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()
}
