import Foundation
import KallglotPolicy
import SansIO
import ScenarioModel
import SecureTransport
import Testing

@testable import Serving

/// The TLS of a served endpoint, from its configuration and the files that it names.
@Suite struct LiveTLSTests {
  private let folder: String
  private let authority: LabAuthority

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    authority = try LabAuthority(entropy: Entropy(seed: 1), epoch: .virtual)
  }

  private func write(_ text: String, _ name: String) throws -> String {
    try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    return "\(folder)/\(name)"
  }

  private func leaf(_ name: String) throws -> (chain: String, key: String) {
    let leaf = try authority.issue(CertificateRequest(names: [name], addresses: []), entropy: Entropy(seed: 2).fork(name))
    return (try write(leaf.certificate.text, "\(name).pem"), try write(leaf.privateKey.text, "\(name)-key.pem"))
  }

  private func read(_ text: String, _ authority: LabAuthority? = nil) throws -> ServeConfiguration {
    try ServeConfiguration.read(text, file: "serve.yaml")
  }

  private func failure(_ text: String) throws -> String {
    let configuration = try read(text)
    do {
      _ = try LiveTLS.read(configuration, authority)
      return "none"
    } catch {
      return "\(error)".replacing(folder, with: "FOLDER")
    }
  }

  @Test func `the policy's keys of TLS are read, and each certificate comes from its files`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (one, two) = (try leaf("a.example"), try leaf("b.example"))
    let configuration = try read(
      """
      tlsVersions: 1.3
      wildcardNames: oneLevel
      clientCertificate: { is: optional, names: [pbx.example.com, 192.0.2.20] }
      certificates:
        - { name: a.example, chain: \(one.chain), key: \(one.key) }
        - { name: b.example, chain: \(two.chain), key: \(two.key) }
      """)
    let policy = configuration.policy.tls
    #expect(policy.versions == [.tls13] && policy.wildcardNames == .oneLevel)
    #expect(policy.clientCertificate == .init(.optional, names: ["pbx.example.com", "192.0.2.20"]))
    #expect(policy.certificates.map(\.name) == ["a.example", "b.example"])
    let tls = try #require(try LiveTLS.read(configuration, authority))
    #expect(tls.known.keys.sorted() == ["a.example", "b.example"])
    #expect(tls.trustAnchors == authority.certificate && !tls.verifiesServers)
  }

  @Test func `a certificate or key that cannot be used is named by its file and line (RFC 7468)`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (one, two) = (try leaf("a.example"), try leaf("b.example"))
    let text = try String(contentsOfFile: one.chain, encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    let broken = try write((lines.prefix(2) + ["not base64!"] + lines.dropFirst(3)).joined(separator: "\n"), "broken.pem")
    func certificate(_ chain: String, _ key: String) -> String { "certificates: [{ name: a.example, chain: \(chain), key: \(key) }]" }
    #expect(try failure(certificate(one.chain, one.key)) == "none")
    #expect(try failure(certificate(broken, one.key)) == "FOLDER/broken.pem:3: a character here is not base64 (RFC 7468 §3)")
    #expect(
      try failure(certificate(one.chain, two.key))
        == "FOLDER/b.example-key.pem:1: the private key does not belong to the first certificate of the chain")
    #expect(try failure(certificate("\(folder)/none.pem", one.key)) == "the file FOLDER/none.pem cannot be read: No such file or directory")
    #expect(try failure(certificate(folder, one.key)) == "the file FOLDER cannot be read: Is a directory")
    let marked = try write("\u{FEFF}" + text, "marked.pem")
    #expect(try failure(certificate(marked, one.key)) == "none")
    #expect(
      try failure("certificate: \(one.key)\nprivateKey: \(one.key)")
        == "FOLDER/a.example-key.pem:1: the text has no BEGIN CERTIFICATE line; expected a certificate in PEM armour")
    #expect(try failure("trust: \(one.key)").hasPrefix("FOLDER/a.example-key.pem:1: the text has no BEGIN CERTIFICATE line"))
    let binary = try write("", "binary.pem")
    try Data([0xFF, 0xFE, 0x30]).write(to: URL(filePath: binary))
    #expect(try failure("trust: \(binary)").hasPrefix("FOLDER/binary.pem:1: not text"))
  }

  @Test func `a certificate without its files is a mistake of the configuration`() {
    #expect(throws: SourceProblem.self) { try read("certificates: a.example") }
    #expect(throws: SourceProblem.self) { try read("certificates: [{ name: a.example, chain: x.pem }]") }
    #expect(throws: SourceProblem.self) { try read("tlsVersions: 1.1") }
  }

  @Test func `with trust the PBXs that are called have to prove who they are, and our own authority still counts`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let other = try LabAuthority(commonName: "Other", entropy: Entropy(seed: 9), epoch: .virtual)
    let path = try write(other.certificate.text, "other.pem")
    let tls = try #require(try LiveTLS.read(try read("trust: \(path)"), authority))
    #expect(tls.verifiesServers)
    #expect(tls.trustAnchors == authority.certificate.followed(by: other.certificate))
  }

  @Test(arguments: [
    ("", "it is empty"), ("192.0.2.300", "four numbers"), ("192.0.2", "four numbers"), ("a..b", "1 to 63 characters"),
    ("-a.example", "no hyphen"), ("a b", "letters of ASCII"), ("pbx.exämple.com", "letters of ASCII"), ("*.com", "letters of ASCII"),
    ("a.*.example.com", "letters of ASCII"), ("pbx.example.com:5061", "letters of ASCII"), ("sip:a.example", "letters of ASCII"),
    (String(repeating: "a", count: 64) + ".example", "1 to 63 characters"), (String(repeating: "a.", count: 128), "253 characters"),
  ])
  func `a host that is no host name and no address is refused with the reason (RFC 1123 §2.1)`(host: String, reason: String) {
    let failure = #expect(throws: LiveFailure.self) { try CertificateKit(authority, hosts: ["pbx.example.com", host]) }
    #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
  }

  @Test func `certificates for a PBX name each host once, and the chain has the intermediate behind the leaf`() throws {
    let kit = try CertificateKit(authority, hosts: ["pbx.example.com", "192.0.2.20"])
    #expect(kit.files.map(\.name) == ["authority.pem", "pbx.pem", "pbx-key.pem"])
    #expect(kit.files.map(\.isSecret) == [false, false, true])
    #expect(kit.files[0].text == authority.certificate)
    #expect(kit.files[1].text.text.components(separatedBy: "BEGIN CERTIFICATE").count == 3)
    let again = try CertificateKit(authority, hosts: ["pbx.example.com.", "PBX.example.com", "[2001:db8::1]", "2001:DB8:0::1"])
    #expect(again.hosts == ["pbx.example.com", "2001:db8::1"])
    let long = try CertificateKit(authority, hosts: [String(repeating: "a.", count: 40) + "example.com", "*.example.com"])
    #expect(long.files[1].text.text.components(separatedBy: "BEGIN CERTIFICATE").count == 3)
    let guide = kit.guide(folder: "/etc/lab").joined(separator: "\n")
    let words = [
      "Asterisk", "FreeSWITCH", "CUCM", "cert_file=/etc/lab/pbx.pem", "ca_list_file=/etc/lab/authority.pem", "CallManager-trust",
    ]
    for word in words {
      #expect(guide.contains(word), "\(word)")
    }
  }
}
