import SDP
import SIPTransport
import SansIO
import ScenarioModel

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

  /// What it does about SRTP.
  public var srtp = Scenario.SRTPUse.off

  /// In order of preference; nil = PCMU and PCMA.
  public var codecs: [AudioCodec]?

  public init() {}

  private static let username = Key.optional("username", .text, "For the digest, and the user of From.")
  private static let password = Key.optional("password", .text, "For the digest.").with(.key("username"))
  private static let from = Key.optional("from", .text, "URI of From.")
  private static let address = Key.optional("address", .address, "Our own address.")
  private static let transport = Key.optional("transport", .transport, "Instead of what the URI says.")
  private static let trust = Key.optional("trust", .text, "PEM file of authorities for TLS.")

  private static let srtp = Key.standard(
    "srtp", .words(Scenario.SRTPUse.allCases.map { ($0.rawValue, $0) }), "off",
    "What the call does about SRTP: `accept` offers RTP/AVP, `osrtp` RTP/AVP with keys of SDES, `best-effort` RTP/SAVP beside RTP/AVP, "
      + "`require` RTP/SAVP alone, `dtls` UDP/TLS/RTP/SAVP.")

  private static let codecList = Key.optional(
    "codecs", .oneOrMore(.words(AudioCodec.allCases.map { ($0.rawValue, $0) })),
    "What the call offers, in order of preference; `[PCMU, PCMA]` when missing.")

  public static func read(_ text: String, file: String) throws(SourceProblem) -> CallConfiguration {
    let shape = MappingShape([username, password, from, address, transport, trust, srtp, codecList])
    let fields = try NodeReader.root(text, file: file).fields(shape, .empty)
    var configuration = CallConfiguration()
    configuration.username = try fields[username]
    configuration.password = try fields[password]
    configuration.from = try fields[from]
    configuration.address = try fields[address]
    configuration.transport = try fields[transport]
    configuration.trust = try fields[trust]
    configuration.srtp = try fields[srtp]
    configuration.codecs = try fields[codecList]
    return configuration
  }
}
