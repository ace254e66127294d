import COpenSSL
import SansIO

/// The certificates of a server that are chosen by the name which a client asks for.
final class NamedCertificates {
  private struct Entry {
    var names: [String]
    var chain: [Certificate]
    var key: PrivateKey
  }

  private let entries: [Entry]

  init(_ given: [TLSConfiguration.NamedCertificate]) throws(TLSError) {
    var entries: [Entry] = []
    for one in given {
      let chain = try one.chain.certificates("certificate chain")
      let key = try one.privateKey.key()
      guard X509_check_private_key(chain[0].x509, key.key) == 1 else { throw .keyDoesNotMatch }
      let identity = PeerIdentity(chain[0].x509)
      let own = identity.sipDomains + identity.dnsNames
      entries.append(Entry(names: one.names.isEmpty ? (own.isEmpty ? identity.domains : own) : one.names, chain: chain, key: key))
    }
    self.entries = entries
  }

  /// Gives a connection the certificates for the name that its client asked for; where there are none it keeps what it has.
  ///
  /// - Returns: false when OpenSSL takes one of them not.
  func choose(for ssl: OpaquePointer) -> Bool {
    guard let asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map({ String(cString: $0) }) else { return true }
    let fitting = entries.filter { $0.names.contains { PeerIdentity.isEqual($0, asked) || PeerIdentity.wildcard($0, covers: asked) } }
    guard !fitting.isEmpty else { return true }
    SSL_certs_clear(ssl)
    return fitting.allSatisfy { use($0, in: ssl) }
  }

  private func use(_ entry: Entry, in ssl: OpaquePointer) -> Bool {
    SSL_use_certificate(ssl, entry.chain[0].x509) == 1 && SSL_use_PrivateKey(ssl, entry.key.key) == 1
      && entry.chain.dropFirst().allSatisfy { cssl_add1_chain_cert(ssl, $0.x509) == 1 }
  }
}
