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

  /// - Parameter hosts: names and addresses by which the PBX is reached, the first of which is the common name.
  public init(_ authority: LabAuthority, hosts: [String]) throws(LiveFailure) {
    self.hosts = hosts
    let addresses = hosts.compactMap { IPAddress($0) }
    var request = CertificateRequest(names: hosts.filter { IPAddress($0) == nil }, addresses: addresses)
    request.commonName = hosts.first ?? request.commonName
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
