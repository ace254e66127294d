import COpenSSL
import SansIO

/// What OpenSSL's callbacks read and write during one call: datagrams, key log lines, alerts and the verdict on the peer's certificate.
///
/// It is a class of its own so that a callback never touches the connection whose method is running.
final class DTLSWire {
  /// The datagram that came in; nil once OpenSSL has read it.
  private var input: Bytes?
  private var output: [Bytes] = []
  private var secrets: [KeyLogLine] = []

  fileprivate(set) var alertSent: TLSAlert?
  fileprivate(set) var alertReceived: TLSAlert?
  /// Why the peer's certificate, or what was agreed before it, was refused.
  fileprivate(set) var fault: TLSFailure.Reason?
  /// What the peer's certificate must match; nil as long as nobody knows.
  var rule: FingerprintRule?

  func feed(_ datagram: Bytes) { input = datagram }

  /// Forgets what was not read, and with it the driver's read buffer.
  func discardInput() { input = nil }

  /// Secrets first: a capture must know them before the datagrams that need them.
  func drain(into outputs: inout [DTLSConnection.Output]) {
    for line in secrets { outputs.append(.secret(line)) }
    secrets.removeAll()
    for datagram in output { outputs.append(.datagram(datagram)) }
    output.removeAll()
  }

  // MARK: - Called by OpenSSL

  /// All of the datagram at once, or what has room: the rest of a datagram is never read later.
  fileprivate func read(into buffer: UnsafeMutableRawPointer, capacity: Int) -> Int {
    guard let datagram = input else { return 0 }
    input = nil
    let count = min(capacity, datagram.count)
    datagram.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: buffer, count: count).copyMemory(from: .init(rebasing: $0[..<count]))
    }
    return count
  }

  fileprivate func write(_ bytes: UnsafeRawBufferPointer) { output.append(Bytes(Array(bytes))) }

  fileprivate func log(_ line: String) { secrets.append(KeyLogLine(line)) }

  /// Judges the peer's certificate: 1 to go on. By then both ends know whether a protection profile was agreed.
  fileprivate func verify(_ ssl: OpaquePointer?, _ store: OpaquePointer?) -> Int32 {
    if cssl_selected_srtp_profile(ssl) == 0 {
      fault = .noCommonProfile
      // Stands for the alert handshake_failure.
      X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
      return 0
    }
    fault = rule?.fault(of: X509_STORE_CTX_get0_cert(store))
    // Stands for the alert bad_certificate (RFC 8122 §6.2).
    X509_STORE_CTX_set_error(store, fault == nil ? X509_V_OK : X509_V_ERR_CERT_REJECTED)
    return fault == nil ? 1 : 0
  }
}

// MARK: - OpenSSL's side

/// The callbacks, and the BIO that is the wire's end in OpenSSL: one write is one datagram, one read as well. All find their wire through a
/// pointer that the connection keeps valid.
enum DTLSCallbacks {
  /// The application's slot of `SSL_set_ex_data`.
  private static let slot: Int32 = 0

  /// Ties `ssl` to `wire`, for both directions; false when memory is short. `wire` must outlive `ssl`.
  static func attach(_ wire: DTLSWire, to ssl: OpaquePointer) -> Bool {
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
      DTLSCallbacks.wire(of: ssl)?.log(String(cString: line))
    }
    SSL_CTX_set_info_callback(context) { ssl, event, value in
      guard event & SSL_CB_ALERT != 0 else { return }
      let alert = TLSAlert(rawValue: UInt8(truncatingIfNeeded: value))
      if event & SSL_CB_READ != 0 {
        DTLSCallbacks.wire(of: ssl)?.alertReceived = alert
      } else {
        DTLSCallbacks.wire(of: ssl)?.alertSent = alert
      }
    }
    // In place of OpenSSL's verification: nobody vouches for these certificates but the fingerprints (RFC 5763 §5).
    SSL_CTX_set_cert_verify_callback(
      context,
      { store, _ in
        let ssl = cssl_of_store_context(store)
        return DTLSCallbacks.wire(of: ssl)?.verify(ssl, store) ?? 0
      }, nil)
  }

  private static func wire(of ssl: OpaquePointer?) -> DTLSWire? {
    SSL_get_ex_data(ssl, slot).map { Unmanaged<DTLSWire>.fromOpaque($0).takeUnretainedValue() }
  }

  /// A BIO that reads and writes a ``DTLSWire``.
  // Unchecked: made once; never changed, never freed.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams")
    BIO_meth_set_read(method) { bio, buffer, capacity in
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
      guard let bio, let buffer, capacity > 0, let data = BIO_get_data(bio) else { return 0 }
      let count = Unmanaged<DTLSWire>.fromOpaque(data).takeUnretainedValue().read(into: buffer, capacity: Int(capacity))
      guard count == 0 else { return Int32(count) }
      BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      return -1
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let bio, let bytes, count > 0, let data = BIO_get_data(bio) else { return 0 }
      Unmanaged<DTLSWire>.fromOpaque(data).takeUnretainedValue().write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
      return count
    }
    // The path's MTU is set by hand, so no other question of DTLS needs an answer.
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()
}
