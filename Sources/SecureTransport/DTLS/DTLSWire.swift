import COpenSSL
import SansIO

/// The path of datagrams under a DTLS association, and how the peer's certificate is judged.
final class DTLSWire: SecureWire {
  /// Octets that a datagram has at most.
  private let mtu: Int
  /// The datagram that came in; nil once OpenSSL has read it.
  private var input: Bytes?
  private var output: [Bytes] = []
  /// Why the peer's certificate, or what was agreed before it, was refused.
  private(set) var fault: TLSFailure.Reason?
  /// What the peer's certificate must match; nil as long as nobody knows.
  var rule: FingerprintRule?

  init(mtu: Int) { self.mtu = mtu }

  func feed(_ datagram: Bytes) { input = datagram }

  /// Forgets what was not read, and with it the driver's read buffer.
  func discardInput() { input = nil }

  /// Secrets first: a capture must know them before the datagrams that need them.
  ///
  /// OpenSSL repeats a flight message by message; what leaves together shares a datagram as it did the first time (RFC 6347 §4.1.1), so
  /// that a link that loses a tenth does not lose half of all flights.
  func drain(into outputs: inout [DTLSConnection.Output]) {
    for line in takeSecrets() { outputs.append(.secret(line)) }
    var next = 0
    while next < output.count {
      var datagram = output[next]
      var end = next + 1
      if end < output.count, datagram.count + output[end].count <= mtu {
        var joined = datagram.array
        while end < output.count, joined.count + output[end].count <= mtu {
          joined += output[end].array
          end += 1
        }
        datagram = Bytes(joined)
      }
      outputs.append(.datagram(datagram))
      next = end
    }
    output.removeAll()
  }

  // MARK: - Called by OpenSSL

  /// All of the datagram at once, or what has room: the rest of a datagram is never read later.
  override func read(into buffer: UnsafeMutableRawPointer, capacity: Int) -> Int {
    guard let datagram = input else { return 0 }
    input = nil
    let count = min(capacity, datagram.count)
    datagram.copy(0..<count, to: buffer)
    return count
  }

  /// OpenSSL puts an alert behind what is left of a flight, whether there is room or not: a record without room begins another datagram
  /// (RFC 6347 §4.1.1).
  override func write(_ bytes: UnsafeRawBufferPointer) {
    var (start, end) = (0, 0)
    while bytes.count - start > mtu, end < bytes.count {
      let next = Self.endOfRecord(at: end, in: bytes)
      if next - start > mtu, end > start {
        output.append(Bytes(Array(bytes[start..<end])))
        start = end
      }
      end = next
    }
    output.append(Bytes(Array(bytes[start...])))
  }

  /// Type, version, epoch, sequence number, and the length of what follows (RFC 6347 §4.1).
  private static func endOfRecord(at start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
    let header = 13
    guard bytes.count - start > header else { return bytes.count }
    return min(start + header + Int(bytes[start + 11]) << 8 + Int(bytes[start + 12]), bytes.count)
  }

  /// By then both ends know whether a protection profile was agreed.
  override func verify(isTrusted: Bool, _ ssl: OpaquePointer?, _ store: OpaquePointer?) -> Int32 {
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
