import Kallglot
import KallglotPolicy
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioModel

/// What `serve --config` reads: the policy keys of contract 8.8 at top level, and where to listen.
public struct ServeConfiguration: Sendable {
  public struct AccountGiven: Sendable, Hashable {
    public var username: String
    public var password: String

    public init(username: String, password: String) {
      self.username = username
      self.password = password
    }
  }

  /// A session that exists from the start.
  public struct SessionGiven: Sendable, Hashable {
    /// With `sess_`.
    public var id: String
    /// It stays joinable after the BYE of its last leg.
    public var isReusable: Bool

    public init(id: String, isReusable: Bool = false) {
      self.id = id
      self.isReusable = isReusable
    }
  }

  public var policy: Policy = .standard
  public var listeners: [TransportListener]
  public var domain = "sip.kallglot.com"
  /// nil = one is made and kept from run to run.
  public var account: AccountGiven?
  public var sessions: [SessionGiven] = []
  /// What answered legs hear, in hertz; nil = silence.
  public var tone: Int?
  /// What legs hear that no tone is played to.
  public var audio = KallglotEndpoint.LegAudio.silence
  public var answerDelay: Duration = .zero
  public var sendsMedia = true
  /// The log says that a digit came, and not which.
  public var masksDigits = false
  /// Digits are listened for in the audio as well.
  public var hearsTonesAsDigits = false
  /// PEM files; nil = a certificate of an authority that is made and kept from run to run.
  public var certificate: String?
  public var privateKey: String?
  /// PEM file of authorities that vouch for PBXs, besides our own; with it the servers that we call are checked.
  public var trust: String?

  /// UDP and TCP 5060 and TLS 5061 on loopback.
  public static let standard = ServeConfiguration(
    listeners: [
      TransportListener(.udp, TransportAddress(.loopbackV4, port: 5060)),
      TransportListener(.tcp, TransportAddress(.loopbackV4, port: 5060)),
      TransportListener(.tls, TransportAddress(.loopbackV4, port: 5061)),
    ])

  init(listeners: [TransportListener]) {
    self.listeners = listeners
    policy.jitterBuffer = .adaptive
  }

  /// The JSON Schema of the file.
  public static var schema: String { JSONSchema.configuration("Kallglot Lab serve configuration", ServeKeys.all) }

  /// Reads a configuration file's text.
  public static func read(_ text: String, file: String) throws(SourceProblem) -> ServeConfiguration {
    var configuration = ServeConfiguration.standard
    let fields = try PolicySchema.read(NodeReader.root(text, file: file), into: &configuration.policy, others: MappingShape(ServeKeys.all))
    if let listeners = try fields[ServeKeys.listen] { configuration.listeners = listeners }
    configuration.account = try fields[ServeKeys.account]
    configuration.sessions = try fields[ServeKeys.sessions] ?? []
    configuration.domain = try fields[ServeKeys.domain]
    configuration.tone = try fields[ServeKeys.tone]
    configuration.audio = try fields[ServeKeys.audio]
    configuration.answerDelay = try fields[ServeKeys.answerDelay]
    configuration.sendsMedia = try fields[ServeKeys.sendsMedia]
    configuration.certificate = try fields[ServeKeys.certificate]
    configuration.privateKey = try fields[ServeKeys.privateKey]
    configuration.trust = try fields[ServeKeys.trust]
    return configuration
  }
}

/// The keys of `serve --config` beside those of the policy.
enum ServeKeys {
  enum Account {
    static let username = Key.required("username", .text, "The username of the digest.")
    static let password = Key.required("password", .text, "Its password.")
    static let shape = MappingShape([username, password])
  }

  static let listen = Key.optional("listen", .oneOrMore(.listener), "Transport and address of each listener: `udp 127.0.0.1:5060`.")
  static let domain = Key.standard("domain", .text, "sip.kallglot.com", "Our domain in Request URIs, To and realm.")
  static let account = Key.optional(
    "account", .accountGiven, "The one account; when missing it is made and kept in the state file.")
  enum Session {
    static let id = Key.required("id", .sessionID, "Its id on the wire: `sess_demo`.")
    static let reusable = Key.standard(
      "reusable", .flag, "false", "It can be joined again after the BYE of its last leg; otherwise it has ended then (410).")
    static let shape = MappingShape([id, reusable], bare: "id")
  }

  static let sessions = Key.optional(
    "sessions", .oneOrMore(.sessionGiven), "Sessions that exist from the start: `sess_demo`, or `{ id: sess_demo, reusable: true }`.")
  static let tone = Key.optional("tone", .frequency, "What answered legs hear; silence when missing.").with(.key("sendsMedia", "true"))
  static let audio = Key.standard(
    "audio", .words(KallglotEndpoint.LegAudio.allCases.map { ($0.rawValue, $0) }), "silence",
    "What answered legs hear without a `tone`: `silence`, `echo` (themselves), `bridge` (the other leg of their session)."
  ).with(.key("sendsMedia", "true"))
  static let answerDelay = Key.standard("answerDelay", .duration, "0", "From INVITE to 200.")
  static let sendsMedia = Key.standard("sendsMedia", .flag, "true", "Whether answered legs send RTP.")
  static let certificate = Key.optional("certificate", .text, "PEM file of the certificate and its chain.").with(.key("privateKey"))
  static let privateKey = Key.optional("privateKey", .text, "PEM file of its key.").with(.key("certificate"))
  static let trust = Key.optional(
    "trust", .text,
    "PEM file of authorities that vouch for PBXs, besides the Lab's own: for `clientCertificate`, and for PBXs that are called."
  )

  static let all: [any DescribedField] = [
    listen, domain, account, sessions, tone, audio, answerDelay, sendsMedia, certificate, privateKey, trust,
  ]
}

extension ValueType where Value == ServeConfiguration.AccountGiven {
  static var accountGiven: ValueType {
    ValueType(.mapping(ServeKeys.Account.shape)) { (place, scope) throws(SourceProblem) in
      let fields = try place.fields(ServeKeys.Account.shape, scope)
      return .init(username: try fields[ServeKeys.Account.username], password: try fields[ServeKeys.Account.password])
    }
  }
}

extension ValueType where Value == ServeConfiguration.SessionGiven {
  static var sessionGiven: ValueType {
    ValueType(.mapping(ServeKeys.Session.shape)) { (place, scope) throws(SourceProblem) in
      let fields = try place.fields(ServeKeys.Session.shape, scope)
      return .init(id: try fields[ServeKeys.Session.id], isReusable: try fields[ServeKeys.Session.reusable])
    }
  }
}

extension ValueType where Value == String {
  static var sessionID: ValueType {
    ValueType(.quantity(.sessionID)) { (place, _) throws(SourceProblem) in
      try place.value("a session id such as sess_demo") { $0.hasPrefix("sess_") ? $0 : nil }
    }
  }
}

extension ServeConfiguration {
  /// Where media is: at the first listener, and for peers of the other family at the first one of that, where there is one.
  var mediaAddresses: [IPAddress] {
    let all = listeners.map(\.address.address)
    let first = all.first ?? .loopbackV4
    return [first] + all.lazy.filter { $0.isIPv6 != first.isIPv6 }.prefix(1)
  }
}
