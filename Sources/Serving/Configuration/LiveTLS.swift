import FoundationEssentials
import Glibc
import Kallglot
import KallglotPolicy
import SansIO
import ScenarioModel
import SecureTransport

/// The TLS of a served endpoint, from the files that its configuration names and the authority that is kept.
enum LiveTLS {
  typealias Certificate = TLSConfiguration.NamedCertificate

  /// nil where nothing listens on TLS.
  ///
  /// - Parameter authority: issues a certificate where none is configured, and vouches for the PBXs whose certificates it signed.
  static func read(_ configuration: ServeConfiguration, _ authority: LabAuthority?) throws(LiveFailure) -> EndpointTLS? {
    let addresses = configuration.listeners.filter { $0.transport == .tls }.map(\.address.address)
    guard !addresses.isEmpty else { return nil }
    var known: [String: Certificate] = [:]
    for given in configuration.policy.tls.certificates {
      guard let files = given.files else { continue }
      known[given.name] = try pair(files.chain, files.key, names: [given.name])
    }
    var anchors = authority?.certificate
    if let trust = configuration.trust {
      let more = try CertificateFile.authorities(trust)
      anchors = anchors.map { $0.followed(by: more) } ?? more
    }
    if configuration.policy.tls.clientCertificate.use != .off, anchors == nil {
      throw LiveFailure("clientCertificate needs 'trust', a PEM file of the authorities that vouch for the PBX's certificate")
    }
    let own = try certificate(configuration, addresses, authority)
    return EndpointTLS(certificate: own, known: known, trustAnchors: anchors, verifiesServers: configuration.trust != nil)
  }

  private static func certificate(
    _ configuration: ServeConfiguration, _ addresses: [IPAddress], _ authority: LabAuthority?
  ) throws(LiveFailure) -> Certificate {
    if let certificate = configuration.certificate, let key = configuration.privateKey { return try pair(certificate, key, names: []) }
    guard let authority else { throw LiveFailure("TLS needs a certificate, or an authority that issues one") }
    do throws(TLSError) {
      let leaf = try authority.issue(CertificateRequest(names: [configuration.domain], addresses: addresses), entropy: .system)
      return Certificate(chain: leaf.certificate, privateKey: leaf.privateKey)
    } catch {
      throw LiveFailure("the certificate could not be issued: \(error)")
    }
  }

  private static func pair(_ chain: String, _ key: String, names: [String]) throws(LiveFailure) -> Certificate {
    let pair = try CertificateFile.pair(chain: chain, key: key)
    return Certificate(names: names, chain: pair.certificate, privateKey: pair.privateKey)
  }
}

/// PEM files that somebody named. What is wrong with one is said with its path and line, and nothing of its text.
public enum CertificateFile {
  /// A certificate with its chain, and the key that belongs to it.
  public static func pair(chain: String, key: String) throws(LiveFailure) -> CertifiedKey {
    let (certificate, own) = (try read(chain), try read(key))
    try check(chain) { () throws(PEMMistake) in
      try certificate.checkCertificates()
      try certificate.checkStrength()
    }
    try check(key) { () throws(PEMMistake) in try certificate.checkPair(with: own) }
    return CertifiedKey(certificate: certificate, privateKey: own)
  }

  /// The certificates of authorities.
  public static func authorities(_ path: String) throws(LiveFailure) -> PEM {
    let pem = try read(path)
    try check(path) { () throws(PEMMistake) in try pem.checkCertificates() }
    return pem
  }

  private static func check(_ path: String, _ body: () throws(PEMMistake) -> Void) throws(LiveFailure) {
    do throws(PEMMistake) { try body() } catch { throw LiveFailure("\(path):\(error.line): \(error.reason)") }
  }

  private static func read(_ path: String) throws(LiveFailure) -> PEM {
    guard let text = String(validating: try bytes(path), as: UTF8.self) else {
      throw LiveFailure("\(path):1: not text; expected PEM armour (openssl x509 -inform DER -in FILE makes it of a binary certificate)")
    }
    // Editors of Windows put it before the first line.
    return PEM(text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text)
  }

  /// Of a regular file, or of what stands in its place, such as a pipe.
  private static func bytes(_ path: String) throws(LiveFailure) -> [UInt8] {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 16_384))
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw unreadable(path) }
      guard count > 0 else { return bytes }
      guard bytes.count < longest else { throw LiveFailure("\(path):1: more than \(longest >> 20) MB are not a certificate or a key") }
      bytes += buffer[..<count]
    }
  }

  private static let longest = 16 << 20

  private static func unreadable(_ path: String) -> LiveFailure {
    LiveFailure("the file \(path) cannot be read: \(String(cString: strerror(errno)))")
  }
}
