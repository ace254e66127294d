import Inspection
import SansIO
import ScenarioModel

extension PolicyWatch {
  /// For a served endpoint, whose one account and listener have the policy of the configuration.
  ///
  /// - Parameter anchors: in PEM, who vouches for PBXs that connect over TLS.
  init(serving configuration: ServeConfiguration, _ account: ServeConfiguration.AccountGiven, anchors: String? = nil) {
    var secrets = SecretList()
    secrets.add(password: Secret(account.password), username: account.username, realm: configuration.domain, account: account.username)
    let name = PolicyLedger.Account(name: account.username, username: account.username, sessions: configuration.sessions.map(\.id))
    self.init(
      PolicyLedger(PolicyArms(configuration.policy, anchors: anchors), accounts: [name], secrets: secrets), isEndpoint: true,
      signalling: Set(configuration.listeners.map(\.address.port)))
  }

  /// For one call of ours: no policy is known, and what is forbidden always is.
  init(calling configuration: CallConfiguration) {
    var secrets = SecretList()
    if let password = configuration.password { secrets.add(Secret(password), named: "the password of \(configuration.username ?? "?")") }
    var arms = PolicyArms()
    arms.requiresSRTP = configuration.srtp == .require || configuration.srtp == .dtls
    self.init(PolicyLedger(arms, secrets: secrets), isEndpoint: true)
  }
}
