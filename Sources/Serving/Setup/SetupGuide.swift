import Kallglot
import Media
import SDP
import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel
import SecureTransport

/// What a PBX has to be told to reach a served endpoint over one of its listeners, as text that can be used unchanged.
///
/// It holds the account's password: that is what it is asked for, and it goes nowhere else.
public struct SetupGuide: Sendable {
  let listener: TransportListener
  let domain: String
  let account: ServeConfiguration.AccountGiven
  let codecs: [AudioCodec]
  /// Whom to call: a session of the configuration, or any name where inbound-first calls are allowed.
  let callee: String
  private let session: ServeConfiguration.SessionGiven?
  /// The authority to be trusted, with TLS; nil = somebody else's, who signed the configured certificate.
  let authority: PEM?
  /// What the PBX shows when it is called over TLS: certificate and key in one text.
  let pbxCertificate: PEM?
  /// A port of the PBX's own, which no listener of ours has: 5070, and 5071 for TLS, or the next tens.
  let pbxPort: UInt16
  /// Calls without SRTP are refused.
  let requiresSRTP: Bool
  /// Our own offers ask for SRTP by DTLS.
  let offersDTLS: Bool
  /// The folder of the PBX's configuration; nil = where the product usually has it.
  let folder: String?

  /// - Parameter transport: nil = the best of the listeners, in the order TLS, TCP, UDP.
  public init(
    _ configuration: ServeConfiguration, _ identity: ServeIdentity, transport: SIPTransportProtocol? = nil, folder: String? = nil
  ) throws(LiveFailure) {
    listener = try Self.listener(configuration.listeners, transport)
    (domain, account) = (configuration.domain, identity.account)
    for (name, text) in [("domain", domain), ("username", account.username), ("password", account.password)]
    where text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      throw LiveFailure("the \(name) has a control character, which no PBX configuration can carry")
    }
    codecs = configuration.policy.spokenCodecs
    requiresSRTP = configuration.policy.requireSRTP
    offersDTLS = configuration.policy.srtpOffer == .dtls
    session = configuration.sessions.first
    callee = session?.id ?? "test"
    authority = listener.transport == .tls ? identity.authority?.certificate : nil
    pbxCertificate = listener.transport == .tls ? identity.pbx.map { $0.certificate.followed(by: $0.privateKey) } : nil
    pbxPort = Self.freePort(listener.transport == .tls ? 5_071 : 5_070, configuration.listeners)
    self.folder = folder
  }

  private static func listener(_ listeners: [TransportListener], _ transport: SIPTransportProtocol?) throws(LiveFailure)
    -> TransportListener
  {
    let order = transport.map { [$0] } ?? [.tls, .tcp, .udp]
    guard let listener = order.lazy.compactMap({ wanted in listeners.first { $0.transport == wanted } }).first else {
      let name = transport?.viaToken ?? "a known transport"
      throw LiveFailure("nothing listens on \(name); the listeners are \(listeners.map(\.description).joined(separator: ", "))")
    }
    guard listener.address.port != 0 else {
      throw LiveFailure("the port of '\(listener)' is chosen when serve starts; a PBX needs one that is named")
    }
    return listener
  }

  private static func freePort(_ first: UInt16, _ listeners: [TransportListener]) -> UInt16 {
    let taken = Set(listeners.map(\.address.port))
    return stride(from: first, through: first + 90, by: 10).first { !taken.contains($0) } ?? first
  }

  public func text(for product: PBXProduct) -> String {
    let folder = folder ?? product.folder
    return switch product {
    case .asterisk: AsteriskGuide(self, folder: folder).guide.text
    case .asteriskChanSIP: ChanSIPGuide(self, folder: folder).guide.text
    case .freeswitch: FreeSwitchGuide(self, folder: folder).guide.text
    case .cucm: CallManagerGuide(self, folder: folder).guide.text
    }
  }

  // MARK: - What the products share

  var transport: String { listener.transport.rawValue }
  var isTLS: Bool { listener.transport == .tls }

  /// Where the PBX stands on this machine too, the address that both can use; nil = it may stand elsewhere.
  var sharedAddress: IPAddress? { listener.address.address.isLoopback ? listener.address.address : nil }

  /// What the PBX binds.
  var pbxAddress: String {
    sharedAddress.map { "\(TransportAddress($0, port: pbxPort))" } ?? (listener.address.address.isIPv6 ? "[::]:" : "0.0.0.0:")
      + "\(pbxPort)"
  }

  /// Who the Lab's calls are for, as the PBX's dialplan names it.
  static let extensionName = "kallglot-lab"
  /// A number that phones behind the PBX may dial.
  static let testNumber = "5255"

  /// What the Lab is to the PBX.
  func title(_ role: String) -> String { "Kallglot Lab as \(role) over \(listener.transport.viaToken)." }

  /// How a text of configuration files begins.
  ///
  /// - Parameters:
  ///   - files: where its parts go.
  ///   - first: what has to be so before, then what makes the PBX read them.
  ///   - command: calls the Lab from the PBX.
  func introduction(_ role: String, files: String, first: [String], then: [String], try command: String) -> [String] {
    let steps = [("First:", first), ("Then:", then), ("Try:", [command, "and, at serve, 'call \(account.username)'."])]
    let lines = steps.flatMap { name, lines in
      lines.enumerated().map { index, line in
        let head = index == 0 ? name : ""
        return head + String(repeating: " ", count: 8 - head.count) + line
      }
    }
    return [title(role), files, ""] + lines + [""] + sessionNote
  }

  var sessionNote: [String] {
    guard let session else { return ["The Lab makes a session for any name that is called, such as \(callee)."] }
    if session.isReusable { return ["\(callee) is a session of serve's configuration, valid for any number of calls (reusable)."] }
    return [
      "\(callee) is a session of serve's configuration. It is good for one call of a run of serve: when its last leg has ended, calls to "
        + "it",
      "get 410 Gone until serve is started again. 'sessions: [{ id: \(callee), reusable: true }]' makes it good for any number.",
    ]
  }

  /// The echo and the number, in the words of Asterisk's dialplan.
  func asteriskDialplan(_ dial: String) -> [String] {
    [
      "; Calls from the Lab arrive here: an echo shows that both directions are heard.",
      "[from-kallglot-lab]",
      "exten => \(Self.extensionName),1,Answer()",
      " same => n,Echo()",
      "; 'include => to-kallglot-lab' in the context of your phones lets them dial \(Self.testNumber).",
      "[to-kallglot-lab]",
      "exten => \(Self.testNumber),1,Dial(\(dial))",
    ]
  }

  /// The authority, and the PBX's own certificate, for TLS.
  func certificateParts(authority authorityPath: String, own ownPath: String) -> [GuideText.Part] {
    [(authorityPath, authority), (ownPath, pbxCertificate)].compactMap { path, pem in
      pem.map { GuideText.Part(path: path, lines: $0.text.split(separator: "\n").map(String.init)) }
    }
  }
}

extension IPAddress {
  /// 127/8 and ::1 (RFC 6890): this machine only.
  var isLoopback: Bool {
    let address = unmapped
    return address.isIPv6 ? address == .loopbackV6 : address.networkBytes.first == 127
  }
}
