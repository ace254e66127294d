import COpenSSL
import SansIO

/// What a certificate says its owner is, and whether that is who was called.
struct PeerIdentity: Hashable, Sendable {
  /// Hosts of `sip:` URIs without a user part among the alternative names.
  var sipDomains: [String] = []
  var dnsNames: [String] = []
  var addresses: [IPAddress] = []
  /// Looked at only when the certificate has no alternative name at all (RFC 5922 §7.1, step 2).
  var commonName: String?

  /// RFC 5922 §7.1: a dNSName is an identity only if no `sip:` URI is, the common name only if there is no alternative name.
  var domains: [String] {
    if !sipDomains.isEmpty { return sipDomains }
    if !dnsNames.isEmpty { return dnsNames }
    return commonName.map { [$0] } ?? []
  }

  /// All that the certificate claims, for a message.
  var presented: [String] { domains + addresses.map(\.description) }

  /// RFC 5922 §7.2 for a domain. A target that is an IP address has no SIP domain; it is compared with the iPAddress entries (RFC 9525
  /// §6.5), and with `sip:` URIs that name the address.
  func matches(_ expected: String, rule: TLSConfiguration.NameRule) -> Bool {
    if let address = IPAddress(expected) {
      return addresses.contains(address) || sipDomains.contains { IPAddress($0) == address }
    }
    if domains.contains(where: { Self.isEqual($0, expected) }) { return true }
    return rule == .sipDomainWithWildcards && dnsNames.contains { Self.wildcard($0, covers: expected) }
  }

  /// The host of `sip:host`, `sip:host:port` or `sip:host;parameters`; nil for another scheme (`sips` included) and where a user stands in
  /// the URI, as RFC 5922 §7.1 says.
  static func sipDomain(ofURI uri: String) -> String? {
    guard uri.utf8.count > 4, isEqual(String(uri.prefix(4)), "sip:"), !uri.contains("@") else { return nil }
    let rest = uri.dropFirst(4)
    let host = rest.first == "[" ? rest.prefix { $0 != "]" } + "]" : rest.prefix { $0 != ":" && $0 != ";" && $0 != "?" }
    return host.isEmpty ? nil : String(host)
  }

  /// Equal without regard to ASCII case, and nothing more: no normalisation, no trailing dot.
  static func isEqual(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

  /// `*.example.org` covers `pbx.example.org`, neither `example.org` nor `a.b.example.org`.
  static func wildcard(_ pattern: String, covers name: String) -> Bool {
    guard pattern.hasPrefix("*."), let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
    let parent = pattern.dropFirst(2)
    return parent.contains(".") && isEqual(String(parent), String(name[name.index(after: dot)...]))
  }
}

extension PeerIdentity {
  /// Reads the identities of a certificate of OpenSSL.
  init(_ certificate: OpaquePointer?) {
    guard let names = cx509_alternative_names(certificate) else {
      commonName = Self.commonName(of: certificate)
      return
    }
    defer { cgeneral_names_free(names) }
    for index in 0..<cgeneral_names_count(names) {
      var start: UnsafePointer<UInt8>?
      var count: Int32 = 0
      let kind = cgeneral_names_get(names, index, &start, &count)
      guard let start, count > 0 else { continue }
      let bytes = UnsafeBufferPointer(start: start, count: Int(count))
      switch kind {
      case GEN_URI:
        if let domain = Self.sipDomain(ofURI: String(decoding: bytes, as: UTF8.self)) { sipDomains.append(domain) }
      case GEN_DNS: dnsNames.append(String(decoding: bytes, as: UTF8.self))
      case GEN_IPADD:
        if let address = IPAddress(networkBytes: bytes) { addresses.append(address) }
      default: break
      }
    }
  }

  private static func commonName(of certificate: OpaquePointer?) -> String? {
    let capacity = 256
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
      let count = Int(cx509_common_name(certificate, buffer.baseAddress, Int32(capacity)))
      // A name that fills the buffer was cut.
      guard count > 0, count < capacity - 1 else { return nil }
      return String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
    }
  }

  /// The subject as RFC 4514 writes it.
  static func subject(of certificate: OpaquePointer?) -> String? {
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(bio) }
    return cx509_print_subject(bio, certificate) >= 0 ? PEM.text(of: bio) : nil
  }
}
