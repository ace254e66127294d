import Kallglot
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

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

  public var policy: Policy = .standard
  public var listeners: [TransportListener]
  public var domain = "sip.kallglot.com"
  /// nil = one is made, and its credentials are printed.
  public var account: AccountGiven?
  /// Session ids that exist from the start, with `sess_`.
  public var sessions: [String] = []
  /// What answered legs hear, in hertz; nil = silence.
  public var tone: Int?
  public var answerDelay: Duration = .zero
  public var sendsMedia = true
  /// PEM files; nil = a certificate of the Lab's own authority is made.
  public var certificate: String?
  public var privateKey: String?

  private static let keys = [
    "listen", "domain", "account", "sessions", "tone", "answerDelay", "sendsMedia", "certificate", "privateKey",
  ]

  /// UDP and TCP 5060 and TLS 5061 on loopback.
  public static let standard = ServeConfiguration(
    listeners: [
      TransportListener(.udp, TransportAddress(.loopbackV4, port: 5060)), TransportListener(.tcp, TransportAddress(.loopbackV4, port: 5060)),
      TransportListener(.tls, TransportAddress(.loopbackV4, port: 5061)),
    ])

  init(listeners: [TransportListener]) { self.listeners = listeners }

  /// Reads a configuration file's text.
  public static func read(_ text: String, file: String) throws(SourceProblem) -> ServeConfiguration {
    let root = try NodeReader.root(text, file: file)
    let pairs = try root.pairs()
    var configuration = ServeConfiguration.standard
    try PolicySchema.apply(pairs, to: &configuration.policy, cast: [:], others: keys)
    let fields = try root.fields(keys + PolicySchema.names)
    if let place = fields["listen"] {
      configuration.listeners = []
      for element in try place.elementsOrOne() { configuration.listeners.append(try listener(element)) }
    }
    if let place = fields["account"] {
      let account = try place.fields(["username", "password"])
      configuration.account = AccountGiven(
        username: try account.required("username").text(), password: try account.required("password").text())
    }
    if let place = fields["sessions"] {
      for element in try place.elementsOrOne() {
        configuration.sessions.append(try element.value("a session id such as sess_demo") { $0.hasPrefix("sess_") ? $0 : nil })
      }
    }
    configuration.domain = try fields["domain"]?.text() ?? configuration.domain
    configuration.tone = try fields["tone"].map(ToneText.read)
    configuration.answerDelay = try fields["answerDelay"]?.duration() ?? .zero
    configuration.sendsMedia = try fields["sendsMedia"]?.flag() ?? true
    configuration.certificate = try fields["certificate"]?.text()
    configuration.privateKey = try fields["privateKey"]?.text()
    if (configuration.certificate == nil) != (configuration.privateKey == nil) {
      throw root.problem("certificate and privateKey belong together")
    }
    return configuration
  }

  private static func listener(_ place: NodeReader) throws(SourceProblem) -> TransportListener {
    try place.value("a transport and an address such as 'udp 127.0.0.1:5060' (a concrete address: Contact and SDP name it)", listener)
  }

  /// Reads `udp 127.0.0.1:5060`.
  public static func listener(_ text: String) -> TransportListener? {
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 2, let transport = SIPTransportProtocol(rawValue: words[0].lowercased()), [.udp, .tcp, .tls].contains(transport),
      let address = TransportAddress(words[1]), !address.address.isUnspecified
    else { return nil }
    return TransportListener(transport, address)
  }
}

/// What `call --config` reads.
public struct CallConfiguration: Sendable {
  public var username: String?
  public var password: String?
  /// URI of From; nil = the username at our own address.
  public var from: String?
  public var address: IPAddress?
  public var transport: SIPTransportProtocol?
  /// PEM file of the authorities that a TLS peer's certificate is checked against; nil = no check, and the report says so.
  public var trust: String?

  public init() {}

  public static func read(_ text: String, file: String) throws(SourceProblem) -> CallConfiguration {
    let fields = try NodeReader.root(text, file: file).fields(["username", "password", "from", "address", "transport", "trust"])
    var configuration = CallConfiguration()
    configuration.username = try fields["username"]?.text()
    configuration.password = try fields["password"]?.text()
    configuration.from = try fields["from"]?.text()
    configuration.address = try fields["address"]?.address()
    configuration.transport = try fields["transport"].map { (place) throws(SourceProblem) in try PolicySchema.transport(place) }
    configuration.trust = try fields["trust"]?.text()
    return configuration
  }
}
