import Defects
import Inspection
import KallglotPolicy
import SansIO
import WireReader

extension PolicyArms {
  /// What observers are armed for by a policy.
  ///
  /// - Parameter anchors: in PEM, who vouches for clients over TLS; nil = that is not known.
  public init(_ policy: Policy, anchors: String? = nil) {
    self.init()
    let clients = policy.tls.clientCertificate
    if clients.use != .off {
      clientCertificate = ClientTerms(
        isRequired: clients.use == .required,
        proof: ClientProof(anchors: anchors, names: clients.names, takesWildcards: policy.tls.wildcardNames == .oneLevel))
    }
    (requiresSRTP, requiresTLS) = (policy.requireSRTP, policy.requireTLS)
    refusesKeysInClear = policy.sdesOverClear == .refuse
    transports = policy.transports.map { transport in
      switch transport {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .tls
      }
    }
    allow = policy.allow.map { AddressBlock($0.address, bits: $0.prefixLength) }
    dropsStrangers = policy.allowlistRefusal == .drop
    codecs = policy.codecs.map(\.rawValue)
  }
}

extension SecretList {
  /// A password, and H(A1) of it for each algorithm of digest, which is as good (RFC 7616 §5.2).
  public mutating func add(password: Secret, username: String, realm: String, account: String) {
    add(password, named: "the password of \(account)")
    for algorithm in WireCredentials.Algorithm.allCases {
      add(
        Secret(algorithm.hash("\(username):\(realm):\(password.reveal())")), named: "H(A1) of \(account), which is as good as its password,"
      )
    }
  }
}

extension Defect.Secrets {
  /// What is known of an account whose password this is.
  public init(username: String, password: Secret, realm: String) {
    let hash = WireCredentials.Algorithm.md5.hash("\(username):\(realm):\(password.reveal())")
    self.init(username: username, password: password, secretHash: Secret(hash))
  }
}

extension PolicyLedger {
  /// For a scenario, whose accounts all begin with its policy.
  ///
  /// - Parameters:
  ///   - passwords: by the accounts' names.
  ///   - anchors: in PEM, who vouches for clients over TLS.
  public convenience init(_ scenario: Scenario, passwords: [String: Secret], realm: String, anchors: String? = nil) {
    var secrets = SecretList()
    for account in scenario.accounts {
      guard let password = passwords[account.name] else { continue }
      secrets.add(password: password, username: account.username, realm: realm, account: account.name)
    }
    for member in scenario.cast {
      if let password = member.password { secrets.add(Secret(password), named: "the password of \(member.name)") }
    }
    let accounts = scenario.accounts.map { account in
      Account(
        name: account.name, username: account.username, sessions: scenario.sessions.filter { $0.account == account.name }.map(\.id))
    }
    self.init(PolicyArms(scenario.policy, anchors: anchors), accounts: accounts, secrets: secrets, anchors: anchors)
  }
}
