import Defects
import KallglotPolicy
import SansIO
import ScenarioModel
import SecureTransport

// Members that are faulty on purpose: the host behind its flaws, and what else of the cast is not as the scenario says.

extension Cast.Member {
  /// The member with its defects: flaws on the wire, and a portal that changes what it is told to set.
  ///
  /// - Parameter secrets: of its account; nil where it has none.
  func planted(_ defects: [Defect], _ secrets: Defect.Secrets?) -> Cast.Member {
    let changes = defects.compactMap { if case .policy(let change) = $0.change { change } else { nil } }
    let member = changes.isEmpty ? self : setting(changes)
    return member.behind(defects, secrets)
  }

  /// A policy that is set while the endpoint runs is changed as the first one was.
  private func setting(_ changes: [@Sendable (inout Policy) -> Void]) -> Cast.Member {
    Cast.Member(
      name: name, host: host, addresses: addresses, isEndpoint: isEndpoint, perform: perform,
      administer: administer.map { act in
        { change, now, out in
          guard case .setPolicy(let account, var policy) = change else { return act(change, now, &out) }
          for change in changes { change(&policy) }
          act(.setPolicy(account: account, policy), now, &out)
        }
      }, wire: wire, setPassword: setPassword)
  }

  private func behind(_ defects: [Defect], _ secrets: Defect.Secrets?) -> Cast.Member {
    let flaws = defects.compactMap { defect in
      switch defect.change {
      case .flaw(let flaw): flaw
      case .leak(let make): secrets.map(make)
      case .policy, .certificate, .takesAnyName, .takesAnyCertificate, .namesNobody, .password, .nat: nil
      }
    }
    guard !flaws.isEmpty else { return self }
    let host = DefectiveHost(host, flaws)
    return Cast.Member(
      name: name, host: host, addresses: addresses, isEndpoint: isEndpoint,
      perform: perform.map { act in { command, now, out in host.run(at: now, &out) { act(command, now, &$0) } } },
      administer: administer.map { act in { change, now, out in host.run(at: now, &out) { act(change, now, &$0) } } },
      wire: wire.map { act in
        { command, now, out in
          var refusal: String?
          host.run(at: now, &out) { refusal = act(command, now, &$0) }
          return refusal
        }
      }, setPassword: setPassword)
  }
}

extension Scenario.Member {
  var namesNobody: Bool { defects.contains { if case .namesNobody = $0.change { true } else { false } } }

  /// The password that it believes in.
  var plantedPassword: Secret? {
    for defect in defects { if case .password(let word) = defect.change { return Secret(word) } }
    return nil
  }

  /// What it checks of certificates.
  var verification: TLSConfiguration.Verification {
    if case .wire = role { return .none }
    for defect in defects {
      switch defect.change {
      case .takesAnyName, .namesNobody: return .chain
      case .takesAnyCertificate: return .none
      case .flaw, .leak, .policy, .certificate, .password, .nat: break
      }
    }
    return .peer
  }

  var certificateDefect: Defect.Certificate? {
    for defect in defects { if case .certificate(let certificate) = defect.change { return certificate } }
    return nil
  }
}

extension Defect.Certificate {
  /// A leaf for the domain that is not as it should be.
  func issue(domain: String, addresses: [IPAddress], entropy: Entropy, epoch: Epoch) throws(TLSError) -> (certificate: PEM, privateKey: PEM)
  {
    let own = try LabAuthority(entropy: entropy.fork(self == .unknownAuthority ? "another authority" : "authority"), epoch: epoch)
    var request = CertificateRequest(
      names: [self == .otherName ? "other.example.com" : domain], addresses: self == .otherName ? [] : addresses)
    if self == .expired { request.validDays = -30..<(-2) }
    return try own.issue(request, entropy: entropy.fork("leaf"))
  }
}
