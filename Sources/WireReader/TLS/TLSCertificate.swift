import COpenSSL
import SansIO

/// What a Certificate message shows of its sender (RFC 8446 §4.4.2, RFC 5246 §7.4.2).
public struct TLSCertificate: Hashable, Sendable {
  /// Of the subject of the first certificate, which is the sender's own; nil when there is none or it cannot be read.
  public var commonName: String?
  /// How many certificates it sent.
  public var count: Int

  /// nil for an empty list: the sender has none to show.
  init?(message: Bytes, isTLS13: Bool) {
    let chain = Self.chain(message: message, isTLS13: isTLS13)
    guard let own = chain.first else { return nil }
    (commonName, count) = (Self.commonName(own.array), chain.count)
  }

  /// The certificates of a Certificate message in DER, the sender's own first, as far as it can be read.
  static func chain(message: Bytes, isTLS13: Bool) -> [Bytes] {
    var place = 0
    func number(_ size: Int) -> Int? {
      guard place + size <= message.count else { return nil }
      defer { place += size }
      return message.dropFirst(place).prefix(size).reduce(0) { $0 << 8 | Int($1) }
    }
    if isTLS13 {
      guard let context = number(1) else { return [] }
      place += context
    }
    guard let length = number(3), place + length <= message.count else { return [] }
    let end = place + length
    var chain: [Bytes] = []
    while place < end, let size = number(3), place + size <= end {
      chain.append(Bytes(Array(message.dropFirst(place).prefix(size))))
      place += size
      guard isTLS13 else { continue }
      guard let extensions = number(2) else { break }
      place += extensions
    }
    return chain
  }

  private static func commonName(_ bytes: [UInt8]) -> String? {
    bytes.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      guard let certificate = d2i_X509(nil, &start, buffer.count) else {
        ERR_clear_error()
        return nil
      }
      defer { X509_free(certificate) }
      return commonName(of: certificate)
    }
  }

  static func commonName(of certificate: OpaquePointer) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
      let count = Int(cx509_common_name(certificate, text.baseAddress, 256))
      return count > 0 ? String(decoding: UnsafeRawBufferPointer(text).prefix(count), as: UTF8.self) : nil
    }
  }
}
