import COpenSSL

/// What a client keeps of a session to resume it later (RFC 8446 §4.6.1, RFC 5077). It holds the session's secret, so it shows nothing.
public struct TLSTicket: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `SSL_SESSION` in DER.
  private let bytes: [UInt8]

  /// nil where the session cannot be resumed.
  init?(of ssl: OpaquePointer?) {
    guard let session = SSL_get_session(ssl), SSL_SESSION_is_resumable(session) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(max(0, i2d_SSL_SESSION(session, nil))))
    let count = bytes.withUnsafeMutableBufferPointer { buffer in
      var place = buffer.baseAddress
      return Int(i2d_SSL_SESSION(session, &place))
    }
    guard count > 0, count == bytes.count else { return nil }
    self.bytes = bytes
  }

  /// Offers it in the ClientHello of a connection that has not begun.
  func offer(on ssl: OpaquePointer) -> Bool {
    bytes.withUnsafeBufferPointer { buffer in
      var place = buffer.baseAddress
      guard let session = d2i_SSL_SESSION(nil, &place, buffer.count) else { return false }
      defer { SSL_SESSION_free(session) }
      return SSL_set_session(ssl, session) == 1
    }
  }

  public var description: String { "(TLS ticket)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
