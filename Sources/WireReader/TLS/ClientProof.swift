import COpenSSL
import SansIO

/// Whether a certificate that a client has shown proves who it is: what a server has to ask of it (RFC 5280 §6, RFC 5922 §7.4), looked at
/// from outside.
public struct ClientProof: Hashable, Sendable {
  /// In PEM: who vouches for clients; nil = that is not known, and not looked at.
  public var anchors: String?
  /// SIP domains of which it has to name one; empty = any.
  public var names: [String]
  /// `*` as the first label of a dNSName stands for one label.
  public var takesWildcards: Bool

  public init(anchors: String? = nil, names: [String] = [], takesWildcards: Bool = false) {
    (self.anchors, self.names, self.takesWildcards) = (anchors, names, takesWildcards)
  }

  /// What is wrong with what was shown; nil where nothing is.
  ///
  /// - Parameters:
  ///   - chain: in DER, the client's own first.
  ///   - seconds: since 1970.
  public func objection(to chain: [Bytes], at seconds: Int64) -> String? {
    guard !chain.isEmpty else { return "it showed no certificate" }
    let certificates = chain.compactMap(Self.certificate)
    defer { for certificate in certificates { X509_free(certificate) } }
    guard certificates.count == chain.count else { return "its certificate cannot be read" }
    if let reason = path(certificates, seconds) { return reason }
    let shown = Self.domains(of: certificates[0])
    if shown.isEmpty { return "its certificate names no domain" }
    guard names.isEmpty || names.contains(where: { name in shown.contains { fits($0, name) } }) else {
      return "its certificate is for \(shown.joined(separator: ", ")), not for \(names.joined(separator: ", "))"
    }
    return nil
  }

  private static func certificate(_ bytes: Bytes) -> OpaquePointer? {
    bytes.array.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      let certificate = d2i_X509(nil, &start, buffer.count)
      if certificate == nil { ERR_clear_error() }
      return certificate
    }
  }

  private func path(_ certificates: [OpaquePointer], _ seconds: Int64) -> String? {
    guard let anchors, let store = X509_STORE_new() else { return nil }
    defer { X509_STORE_free(store) }
    Self.read(anchors) { X509_STORE_add_cert(store, $0) }
    var chain = certificates.map { Optional($0) }
    let code = cx509_verify_client(store, &chain, Int32(chain.count), time_t(seconds))
    ERR_clear_error()
    guard code != X509_V_OK else { return nil }
    return "its certificate is not to be trusted: \(String(cString: X509_verify_cert_error_string(Int(code))))"
  }

  private static func read(_ pem: String, _ body: (OpaquePointer) -> Void) {
    let text = Array(pem.utf8)
    guard let bio = BIO_new_mem_buf(text, Int32(text.count)) else { return }
    defer { BIO_free(bio) }
    while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) {
      body(certificate)
      X509_free(certificate)
    }
    ERR_clear_error()
  }

  private func fits(_ shown: String, _ name: String) -> Bool {
    if shown.lowercased() == name.lowercased() { return true }
    guard takesWildcards, shown.hasPrefix("*."), let dot = name.firstIndex(of: ".") else { return false }
    return shown.dropFirst().lowercased() == name[dot...].lowercased()
  }

  /// RFC 5922 §7.1: hosts of `sip:` URIs, else dNSNames, else the common name where there is no alternative name at all.
  private static func domains(of certificate: OpaquePointer) -> [String] {
    guard let names = cx509_alternative_names(certificate) else {
      return TLSCertificate.commonName(of: certificate).map { [$0] } ?? []
    }
    defer { cgeneral_names_free(names) }
    var (uris, hosts): ([String], [String]) = ([], [])
    for index in 0..<cgeneral_names_count(names) {
      var start: UnsafePointer<UInt8>?
      var count: Int32 = 0
      let kind = cgeneral_names_get(names, index, &start, &count)
      guard let start, count > 0 else { continue }
      let text = String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
      if kind == GEN_DNS { hosts.append(text) }
      if kind == GEN_URI, text.lowercased().hasPrefix("sip:"), !text.contains("@") {
        uris.append(String(text.dropFirst(4).prefix { !";?:".contains($0) }))
      }
    }
    return uris.isEmpty ? hosts : uris
  }
}
