import SansIO
import SecureTransport

/// Certificates for a PBX under test: below the authority that signs the endpoint's own, so that each side can check the other.
public struct CertificateKit: Sendable {
  public struct File: Sendable {
    public var name: String
    public var text: PEM
    /// For its owner's eyes alone.
    public var isSecret: Bool
  }

  public let hosts: [String]
  /// `authority.pem`; `pbx.pem`, the leaf and the intermediate that signed it; `pbx-key.pem`.
  public let files: [File]

  /// - Parameter hosts: names and addresses by which the PBX is reached, the first of which is the common name where it is short enough.
  public init(_ authority: LabAuthority, hosts: [String]) throws(LiveFailure) {
    var kept: [String] = []
    for host in hosts {
      let host = try Self.checked(host)
      if !kept.contains(where: { $0.lowercased() == host.lowercased() }) { kept.append(host) }
    }
    self.hosts = kept
    let names = kept.filter { IPAddress($0) == nil }
    var request = CertificateRequest(names: names, addresses: kept.compactMap { IPAddress($0) })
    // A sip: URI has no wildcard (RFC 5922 §7.2).
    request.sipDomains = names.filter { !$0.hasPrefix("*") }
    request.commonName = kept.first { $0.utf8.count <= Self.longestCommonName } ?? "pbx"
    request.chain = .full
    do throws(TLSError) {
      let leaf = try authority.issue(request, entropy: .system)
      files = [
        File(name: "authority.pem", text: authority.certificate, isSecret: false),
        File(name: "pbx.pem", text: leaf.certificate, isSecret: false),
        File(name: "pbx-key.pem", text: leaf.privateKey, isSecret: true),
      ]
    } catch {
      throw LiveFailure("the certificates could not be issued: \(error)")
    }
  }

  /// ub-common-name of RFC 5280, appendix A.1.
  private static let longestCommonName = 64

  /// An address in its usual form, or a host name without the dot at its end (RFC 1123 §2.1, RFC 9525 §6.3 for the wildcard).
  private static func checked(_ host: String) throws(LiveFailure) -> String {
    if let address = IPAddress(host) { return address.description }
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    func failure(_ reason: String) -> LiveFailure {
      LiveFailure("'\(host.filter { !$0.isNewline }.prefix(80))' is not a host name or an address: \(reason)")
    }
    guard !host.isEmpty else { throw failure("it is empty") }
    guard !name.allSatisfy({ $0.isNumber || $0 == "." }) else { throw failure("an IPv4 address has four numbers from 0 to 255") }
    guard name.utf8.count <= 253 else { throw failure("it has more than 253 characters") }
    for (place, label) in labels.enumerated() {
      if label == "*", place == 0, labels.count > 2 { continue }
      guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else {
        throw failure("between dots are 1 to 63 characters, and no hyphen at either end")
      }
      guard label.utf8.allSatisfy(isNamePart) else {
        throw failure("a name is made of letters of ASCII, digits, '-' and '_', with '*' as the first of three labels or more")
      }
    }
    return name
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }

  /// How the files get into the products.
  ///
  /// - Parameter folder: where they are.
  public func guide(folder: String) -> [String] {
    [
      "Asterisk (pjsip.conf, in the section of the TLS transport):",
      "  cert_file=\(folder)/pbx.pem", "  priv_key_file=\(folder)/pbx-key.pem", "  ca_list_file=\(folder)/authority.pem",
      "  verify_server=yes", "  then: asterisk -rx 'core restart now'; the user that runs Asterisk has to be able to read pbx-key.pem",
      "FreeSWITCH (the folder that tls-cert-dir of the SIP profile names):",
      "  cat \(folder)/pbx.pem \(folder)/pbx-key.pem > agent.pem; cp \(folder)/authority.pem cafile.pem",
      "  then: fs_cli -x 'sofia profile PROFILE restart'",
      "CUCM (Cisco Unified OS Administration > Security > Certificate Management):",
      "  upload authority.pem as CallManager-trust; CUCM makes its key itself, so pbx.pem and pbx-key.pem are not for it",
      "  then restart the Cisco CallManager service",
      "Kallglot Lab: serve with the same --state shows a certificate of this authority, and trusts pbx.pem where",
      "  clientCertificate asks for one",
    ]
  }
}
