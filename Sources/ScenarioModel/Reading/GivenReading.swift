import KallglotPolicy
import SansIO

/// The keys of `given:`.
enum GivenKeys {
  enum Account {
    static let username = Key.optional("username", .text, "The username of the digest; the account's own name when missing.")
    static let password = Key.standard("password", .text, "generated", "Its password; `generated` = made from the run's seed.")
    static let shape = MappingShape([username, password])
  }

  enum Session {
    static let account = Key.required("account", .account, "The account that owns it.", inherits: true)
    static let state = Key.standard(
      "state", ValueType<SessionState>.word, "created",
      "Its state when the run begins.")
    static let reusable = Key.standard(
      "reusable", .flag, "false", "It can be joined again after the BYE of its last leg; otherwise it has ended then (410).")
    static let shape = MappingShape([account, state, reusable])
  }

  static let accounts = Key.optional("accounts", .place(.named(.mapping(Account.shape))), "Accounts by the name that this file uses.")
  static let sessions = Key.optional(
    "sessions", .place(.named(.mapping(Session.shape))), "Sessions by name; the id on the wire is `sess_` and the name.")
  static let certificates = Key.optional(
    "certificates", .place(.named(.mapping(CertificateKeys.givenShape))),
    "Certificates by the words that `certificate` of a member and `certificates` of the policy use.")
  static let names = Key.optional(
    "names", .place(.list(NameKeys.element)), "The zone that members resolve domain names by (RFC 3263): hosts, services, NAPTR.")
  static let shape = MappingShape([accounts, sessions, certificates, names])
}

extension Scenario {
  mutating func readGiven(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    let given = try place.fields(GivenKeys.shape, scope)
    if let zone = try given[GivenKeys.names] { try readNames(zone, scope) }
    for (name, keyPlace, value) in try given[GivenKeys.accounts]?.pairs() ?? [] {
      scope.notes.give(.account, name, at: keyPlace)
      let account = scope.notes.attempt { () throws(SourceProblem) in
        let fields = try value.fields(GivenKeys.Account.shape, scope)
        let password = try fields[GivenKeys.Account.password]
        return AccountGiven(
          name: name, username: try fields[GivenKeys.Account.username] ?? name, password: password == "generated" ? nil : password)
      }
      accounts.append(account ?? AccountGiven(name: name, username: name, password: nil))
    }
    var reading = StepScope(scenario: self, notes: scope.notes)
    reading.defaults = scope.defaults
    for (name, keyPlace, value) in try given[GivenKeys.sessions]?.pairs() ?? [] {
      scope.notes.give(.session, name, at: keyPlace)
      let session = scope.notes.attempt { () throws(SourceProblem) in
        let fields = try value.fields(GivenKeys.Session.shape, reading)
        return SessionGiven(
          name: name, account: try fields[GivenKeys.Session.account], state: try fields[GivenKeys.Session.state],
          isReusable: try fields[GivenKeys.Session.reusable])
      }
      sessions.append(session ?? SessionGiven(name: name, account: "", state: .created, isReusable: false))
    }
    for (name, keyPlace, value) in try given[GivenKeys.certificates]?.pairs() ?? [] {
      scope.notes.give(.certificate, name, at: keyPlace)
      let type = ValueType<CertificateGiven>.certificateOfGiven
      var certificate = scope.notes.attempt { () throws(SourceProblem) in try type.read(value, reading) } ?? CertificateGiven()
      certificate.word = name
      certificates.append(certificate)
    }
  }
}
