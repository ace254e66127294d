import Kallglot
import SansIO
import ScenarioModel
import SecureTransport

/// Certificates and contexts of a cast: one authority, a leaf for the endpoint's domain and everybody's address, those that the scenario
/// gives by a word, and those of members that show another.
final class CastTLS {
  typealias Certificate = TLSConfiguration.NamedCertificate

  private struct Key: Hashable {
    var role: TLSConfiguration.Role
    var versions: ClosedRange<TLSVersion>
    var certificate: Certificate?
    var verification: TLSConfiguration.Verification
    var suites: String?
    var allowsRenegotiation = false
  }

  private let authority: LabAuthority
  private let common: Certificate
  private let known: [String: Certificate]
  private let own: [String: Certificate]
  /// Most members have the same ones, and each costs a millisecond.
  private var contexts: [Key: TLSContext] = [:]

  init(_ scenario: Scenario, entropy: Entropy, epoch: Epoch) throws(TLSError) {
    let (entropy, addresses) = (entropy.fork("certificates"), scenario.cast.flatMap(\.addresses))
    authority = try LabAuthority(entropy: entropy.fork("authority"), epoch: epoch)
    let leaf = try authority.issue(CertificateRequest(names: [Cast.domain], addresses: addresses), entropy: entropy.fork("leaf"))
    common = Certificate(chain: leaf.certificate, privateKey: leaf.privateKey)
    let issuer = Issuer(authority: authority, addresses: addresses, entropy: entropy, epoch: epoch)
    var known: [String: Certificate] = [:]
    for given in scenario.certificates { known[given.word ?? ""] = try issuer.issue(given, for: "certificate \(given.word ?? "")") }
    var own: [String: Certificate] = [:]
    for member in scenario.cast {
      guard let given = member.certificate else { continue }
      own[member.name] = if let word = given.word { known[word] } else { try issuer.issue(given, for: "leaf of \(member.name)") }
    }
    if let endpoint = scenario.endpoint, let defect = endpoint.certificateDefect {
      let other = try defect.issue(domain: Cast.domain, addresses: addresses, entropy: entropy, epoch: epoch)
      let planted = Certificate(chain: other.certificate, privateKey: other.privateKey)
      own[endpoint.name] = planted
      for certificate in scenario.policy.tls.certificates { known[certificate.name] = planted }
    }
    (self.known, self.own) = (known, own)
  }

  /// In PEM, who vouches for certificates.
  var anchors: String { authority.certificate.text }

  /// What the endpoint's TLS is made of.
  func endpoint(_ member: Scenario.Member) -> EndpointTLS {
    EndpointTLS(
      certificate: own[member.name] ?? common, known: known, trustAnchors: authority.certificate,
      verifiesClients: member.verification != .none)
  }

  /// What a member checks as a client, and shows where it is asked.
  func client(_ member: Scenario.Member, _ standard: ClosedRange<TLSVersion>) throws(TLSError) -> TLSContext {
    try context(
      Key(
        role: .client, versions: member.versions ?? standard, certificate: own[member.name], verification: member.verification,
        suites: member.suites, allowsRenegotiation: member.isWire))
  }

  /// What a member shows to those who connect to it.
  func server(_ member: Scenario.Member, _ standard: ClosedRange<TLSVersion>) throws(TLSError) -> TLSContext {
    try context(
      Key(
        role: .server, versions: member.versions ?? standard, certificate: own[member.name] ?? common, verification: .none,
        suites: member.suites, allowsRenegotiation: member.isWire))
  }

  private func context(_ key: Key) throws(TLSError) -> TLSContext {
    if let known = contexts[key] { return known }
    var configuration = TLSConfiguration(
      role: key.role, certificateChain: key.certificate?.chain, privateKey: key.certificate?.privateKey,
      trustAnchors: authority.certificate, minimumVersion: key.versions.lowerBound, maximumVersion: key.versions.upperBound,
      verification: key.verification, cipherList: key.suites.map { "\($0):@SECLEVEL=0" })
    configuration.allowsRenegotiation = key.allowsRenegotiation
    let context = try TLSContext(configuration)
    contexts[key] = context
    return context
  }

  private struct Issuer {
    let authority: LabAuthority
    let addresses: [IPAddress]
    let entropy: Entropy
    let epoch: Epoch

    func issue(_ given: Scenario.CertificateGiven, for label: String) throws(TLSError) -> Certificate {
      if let pem = given.pem { return Certificate(chain: pem, privateKey: pem) }
      let signer = given.isUntrusted ? try LabAuthority(entropy: entropy.fork("stranger"), epoch: epoch) : authority
      let leaf = try signer.issue(given.request(domain: Cast.domain, addresses: addresses), entropy: entropy.fork(label))
      return Certificate(chain: leaf.certificate, privateKey: leaf.privateKey)
    }
  }
}
