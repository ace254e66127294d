import SansIO

/// The settings of one account's SIP access: the portal's settings and the Lab's (contract 8.8). The same keys stand in
/// `serve --config` and in a scenario's `policy:`.
public struct Policy: Hashable, Sendable {
  public enum AllowlistRefusal: String, Hashable, Sendable, Codable, CaseIterable {
    case forbidden = "403"
    /// No answer at all; on TCP and TLS a reset before any byte.
    case drop
  }

  public enum Authentication: String, Hashable, Sendable, Codable, CaseIterable {
    case digest
    /// For tools that cannot authenticate; a Lab setting, never a Kallglot one.
    case none
  }

  /// The transports of a trunk.
  public enum Transport: String, Hashable, Sendable, Codable, CaseIterable {
    case udp, tcp, tls

    /// As a Via and the portal spell it.
    public var name: String { rawValue.uppercased() }
  }

  /// The codecs of a trunk, as the portal names them.
  public enum Codec: String, Hashable, Sendable, Codable, CaseIterable {
    case opus
    case g722 = "G722"
    case pcmu = "PCMU"
    case pcma = "PCMA"
  }

  /// As a challenge spells it (RFC 7616 §3.3).
  public enum DigestAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
    case md5 = "MD5"
    case sha256 = "SHA-256"
  }

  /// What comes before the 200 (contract 8.4).
  public enum AnswerForm: String, Hashable, Sendable, Codable, CaseIterable {
    /// 180.
    case ringing
    /// The 200 alone.
    case nothing
    /// 183 with the answer, and media from then on.
    case earlyMedia
  }

  /// How our own offers ask for SRTP (contract 8.5).
  public enum SRTPOffer: String, Hashable, Sendable, Codable, CaseIterable {
    /// RTP/SAVP with keys when SRTP is required, else RTP/AVP.
    case sdes
    /// RTP/AVP with keys (RFC 8643).
    case osrtp
    /// UDP/TLS/RTP/SAVP with a fingerprint (RFC 5763): SRTP or no call.
    case dtls
  }

  /// What becomes of keys that an offer brings over UDP or TCP, where everybody on the way reads them.
  public enum SDESOverClear: String, Hashable, Sendable, Codable, CaseIterable { case accept, refuse }

  /// What a new key on another address does to the rollover counter of SRTP.
  public enum Rekey: String, Hashable, Sendable, Codable, CaseIterable {
    /// It goes on (RFC 3711 §3.3.1).
    case keepROC
    /// It begins at 0 (RFC 4568 §7.1.4).
    case restartROC
  }

  /// What becomes of RTP that comes before the answer, the ACK or the keys that open it.
  public enum EarlyRTP: String, Hashable, Sendable, Codable, CaseIterable {
    case drop
    /// It is kept for a second at most, and taken when there are keys.
    case buffer
  }

  /// How long received frames wait for those behind them.
  public enum JitterBuffer: Hashable, Sendable {
    /// Not at all: what was overtaken is not heard.
    case none
    case fixed(Duration)
    case adaptive(minimum: Duration, maximum: Duration)

    public static let adaptive = JitterBuffer.adaptive(minimum: .milliseconds(40), maximum: .milliseconds(300))
  }

  public enum NATContact: String, Hashable, Sendable, Codable, CaseIterable { case flow, contact }

  public var sipAccess = true
  public var allow: [AddressRange] = []
  public var allowlistRefusal: AllowlistRefusal = .forbidden
  public var transports: [Transport] = [.tls, .tcp, .udp]
  public var requireTLS = false
  public var tls = TLS()
  public var requireSRTP = false
  public var sdesOverClear: SDESOverClear = .accept
  public var srtpOffer: SRTPOffer = .sdes
  public var rekey: Rekey = .keepROC
  public var earlyRTP: EarlyRTP = .drop
  public var jitterBuffer: JitterBuffer = .none
  /// RTCP has VoIP metrics (RFC 3611 §4.7).
  public var voipMetrics = false
  public var codecs: [Codec] = [.opus, .g722, .pcmu, .pcma]
  public var maxConcurrentCalls = 10
  /// 486 or 503.
  public var capReachedStatus = 486
  public var inboundFirst = true
  public var authentication: Authentication = .digest
  public var digestAlgorithms: [DigestAlgorithm] = [.sha256, .md5]
  public var anyDomain = false
  public var mediaPorts: ClosedRange<UInt16> = 20_000...20_100
  public var rtpTimeout: Duration = .seconds(60)
  /// How long a session waits for another leg after its last one is gone.
  public var byeGrace: Duration = .zero
  /// BYE after so long; nil = a call may last for ever (contract 8.7).
  public var maxCallDuration: Duration?
  public var natContact: NATContact = .flow
  public var answerWith: AnswerForm = .ringing
  /// 405, 501 or 603.
  public var referStatus = 405
  public var contactHost: String?

  /// A new account's settings (contract 8.7).
  public static let standard = Policy()

  /// The ready-made policy `production` (contract 8.7): TLS only, Require TLS and Require SRTP, and an allowlist.
  ///
  /// - Parameter allow: not empty; nobody else gets in.
  public static func production(allow: [AddressRange]) -> Policy {
    precondition(!allow.isEmpty, "the production policy needs an allowlist")
    var policy = Policy()
    (policy.transports, policy.requireTLS, policy.requireSRTP, policy.allow) = ([.tls], true, true, allow)
    return policy
  }

  public init() {}

  /// Whether the allowlist lets the address pass; an empty list lets everybody pass (the guide's own rule).
  public func allows(_ address: IPAddress) -> Bool { allow.isEmpty || allow.contains { $0.contains(address) } }
}
