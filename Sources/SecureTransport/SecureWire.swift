import COpenSSL
import SansIO

/// What OpenSSL's callbacks read and write during one call: the bytes of the wire, key log lines, alerts and the peer's certificate. A
/// stream and a path of datagrams keep them each in its own way: ``TLSWire``, ``DTLSWire``.
///
/// It is a class of its own so that a callback never touches the connection whose method is running.
class SecureWire {
  private var secrets: [KeyLogLine] = []
  private(set) var alertSent: TLSAlert?
  private(set) var alertReceived: TLSAlert?

  /// What comes before the ciphertext in the outputs: a capture must know the secrets that it needs.
  func takeSecrets() -> [KeyLogLine] {
    guard !secrets.isEmpty else { return [] }
    defer { secrets.removeAll() }
    return secrets
  }

  // MARK: - Called by OpenSSL

  /// Gives what came in, as much as has room: how many bytes; 0 = nothing is there.
  func read(into buffer: UnsafeMutableRawPointer, capacity: Int) -> Int { 0 }

  func write(_ bytes: UnsafeRawBufferPointer) {}

  /// Judges a certificate of the peer: 1 to go on.
  ///
  /// - Parameter isTrusted: OpenSSL's own verdict, where it has one.
  func verify(isTrusted: Bool, _ ssl: OpaquePointer?, _ store: OpaquePointer?) -> Int32 { 0 }

  fileprivate func log(_ line: String) { secrets.append(KeyLogLine(line)) }

  fileprivate func note(_ alert: TLSAlert?, isReceived: Bool) { if isReceived { alertReceived = alert } else { alertSent = alert } }
}

extension Bytes {
  /// Copies a part of it to where OpenSSL wants it.
  func copy(_ range: Range<Int>, to buffer: UnsafeMutableRawPointer) {
    withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: buffer, count: range.count).copyMemory(from: .init(rebasing: $0[range]))
    }
  }
}

/// OpenSSL's side: the callbacks, and the BIO that is the wire's end in OpenSSL. One write is one datagram where there are datagrams, and
/// one read as well. All find their wire through a pointer that the connection keeps valid.
enum SecureCallbacks {
  /// The application's slot of `SSL_set_ex_data`.
  private static let slot: Int32 = 0

  /// Ties `ssl` to `wire`, for both directions; false when memory is short. `wire` must outlive `ssl`.
  static func attach(_ wire: SecureWire, to ssl: OpaquePointer) -> Bool {
    guard let bio = BIO_new(method) else { return false }
    let pointer = Unmanaged.passUnretained(wire).toOpaque()
    BIO_set_data(bio, pointer)
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    return SSL_set_ex_data(ssl, slot, pointer) == 1
  }

  /// Key log and alerts of all connections of a context.
  static func install(in context: OpaquePointer) {
    SSL_CTX_set_keylog_callback(context) { ssl, line in
      guard let line else { return }
      SecureCallbacks.wire(of: ssl)?.log(String(cString: line))
    }
    SSL_CTX_set_info_callback(context) { ssl, event, value in
      guard event & SSL_CB_ALERT != 0 else { return }
      let alert = TLSAlert(rawValue: UInt8(truncatingIfNeeded: value))
      SecureCallbacks.wire(of: ssl)?.note(alert, isReceived: event & SSL_CB_READ != 0)
    }
  }

  /// For `SSL_CTX_set_verify`: each certificate of the chain, root first.
  static let verify: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isTrusted, store in
    let ssl = cssl_of_store_context(store)
    return SecureCallbacks.wire(of: ssl)?.verify(isTrusted: isTrusted == 1, ssl, store) ?? 0
  }

  /// For `SSL_CTX_set_cert_verify_callback`: in place of all that OpenSSL verifies.
  static let verifyAlone: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
    let ssl = cssl_of_store_context(store)
    return SecureCallbacks.wire(of: ssl)?.verify(isTrusted: false, ssl, store) ?? 0
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

  private static func wire(of ssl: OpaquePointer?) -> SecureWire? {
    SSL_get_ex_data(ssl, slot).map { Unmanaged<SecureWire>.fromOpaque($0).takeUnretainedValue() }
  }

  /// A BIO that reads and writes a ``SecureWire``.
  // Unchecked: made once; never changed, never freed.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire")
    BIO_meth_set_read(method) { bio, buffer, capacity in
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
      guard let bio, let buffer, capacity > 0, let data = BIO_get_data(bio) else { return 0 }
      let count = Unmanaged<SecureWire>.fromOpaque(data).takeUnretainedValue().read(into: buffer, capacity: Int(capacity))
      guard count == 0 else { return Int32(count) }
      BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      return -1
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let bio, let bytes, count > 0, let data = BIO_get_data(bio) else { return 0 }
      Unmanaged<SecureWire>.fromOpaque(data).takeUnretainedValue().write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
      return count
    }
    // The MTU of a path of datagrams is set by hand, so that no other question needs an answer.
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()
}
