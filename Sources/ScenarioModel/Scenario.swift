import Defects
import Impairments
import KallglotPolicy
import SDP
import SIPMessage
import SIPTransport
import SansIO
import SecureTransport

/// A run as a file describes it: who is on stage, what the network is like, what happens.
public struct Scenario: Sendable {
  public struct AccountGiven: Sendable, Hashable {
    public var name: String
    public var username: String
    /// nil = made from the run's seed.
    public var password: String?
  }

  public struct SessionGiven: Sendable, Hashable {
    /// The word steps use; the id on the wire is `sess_` and it.
    public var name: String
    public var account: String
    public var state: SessionState
    /// It stays joinable after the BYE of its last leg.
    public var isReusable: Bool

    public var id: String { "sess_\(name)" }
  }

  public struct Member: Sendable {
    public enum Role: Sendable {
      case endpoint
      case persona(KnownPersona)
      /// A host without a stack that sends bytes as they are written.
      case wire
      /// A proxy that forks what comes to its own address to these members.
      case proxy(branches: [String])
    }

    public var name: String
    public var role: Role
    public var address: IPAddress
    /// What a persona calls over.
    public var transport: SIPTransportProtocol
    /// The account whose credentials a persona uses.
    public var account: String?
    /// Instead of the account's username.
    public var username: String?
    /// Instead of the account's password.
    public var password: String?
    /// From INVITE to 200 when this member is called.
    public var answerDelay: Duration
    /// Refuses every call with this status.
    public var rejectsWith: Int?
    /// A persona answers calls in a 183 first.
    public var hasEarlyMedia: Bool
    /// Where a persona's RTP, and its music on hold, is; nil = `address`.
    public var media: IPAddress?
    public var music: IPAddress?
    /// Its address of the other family, where it has both (RFC 4213 §2).
    public var otherAddress: IPAddress?
    /// In both families.
    public var addresses: [IPAddress] { [address, otherAddress].compactMap(\.self) }
    /// With those of its media.
    var allAddresses: [IPAddress] { addresses + [media, music, directMedia].compactMap(\.self) }
    /// Where a persona moves the media of its calls to as soon as they are up.
    public var directMedia: IPAddress?
    /// What it does wrong on purpose.
    public var defects: [Defect] = []
    /// Where it listens instead of the transport's default; the endpoint over UDP and TCP, and with TLS one above.
    public var port: UInt16?
    /// The port of a wire member's RTP.
    public var mediaPort: UInt16?
    /// The proxy to which it sends everything that is for the endpoint.
    public var outboundProxy: String?
    /// What it shows, also to those who ask it as a client; nil = the common certificate, and none as a client.
    public var certificate: CertificateGiven?
    /// The TLS versions it speaks; nil = its product's.
    public var versions: ClosedRange<TLSVersion>?
    /// The cipher suites it speaks, in OpenSSL's notation; nil = the standard ones.
    public var suites: String?
    /// How often a persona keeps its connections alive.
    public var keepAlive: Duration?
    /// What a persona does about SRTP.
    public var srtp: SRTPUse = .off
    /// What a new key of SDES at another address does to its rollover counters.
    public var rekey = Policy.Rekey.keepROC
    /// The sequence number of the first packet of each of its streams; nil = drawn.
    public var firstSequence: UInt16?
    /// How long a persona's received frames wait, and whether its RTCP has VoIP metrics.
    public var jitterBuffer = Policy.JitterBuffer.none
    public var voipMetrics = false
    /// What a persona's offers say by a=setup.
    public var setup = DTLSSetup.actpass
    public var rtcpMux = false
    /// How a persona's audio is set.
    public var audio = AudioGiven()

    /// It takes every transport.
    private var isMultiTransport: Bool {
      switch role {
      case .endpoint, .proxy: true
      case .persona, .wire: false
      }
    }

    /// Where it listens for a transport.
    public func port(_ transport: SIPTransportProtocol) -> UInt16 {
      guard let port else { return transport.defaultPort }
      guard isMultiTransport, transport == .tls else { return port }
      return port + 1
    }
  }

  /// What a member does about SRTP, as settings of PBXs name it.
  public enum SRTPUse: String, Sendable, Hashable, CaseIterable {
    /// It has none.
    case off
    /// It offers RTP/AVP, and takes SRTP where it is offered.
    case accept
    /// It offers RTP/AVP with keys (RFC 8643), and takes both.
    case osrtp
    /// It offers RTP/SAVP beside RTP/AVP, and takes both.
    case bestEffort = "best-effort"
    /// It offers RTP/SAVP, and takes nothing else.
    case require
    /// It offers UDP/TLS/RTP/SAVP (RFC 5763), and takes nothing else.
    case dtls
  }

  public struct LinkGiven: Sendable {
    public var ends: LinkEnds
    public var impairment: Impairment
    /// Where it was written: a later one of another file stands over it.
    var file: String
  }

  /// The file as it was named, for messages and replay commands.
  public var file: String
  /// Folder and name without suffix: `basic/answered-udp`.
  public var name: String
  public var summary: String
  /// RFC sections and check ids.
  public var proves: [String]
  public var policy: Policy
  public var accounts: [AccountGiven]
  public var sessions: [SessionGiven]
  public var certificates: [CertificateGiven] = []
  public var cast: [Member]
  public var network: [LinkGiven]
  /// NATs and firewalls, those inside others first.
  public var boxes: [BoxGiven] = []
  /// The zone that members resolve names by.
  public var names: [NameGiven] = []
  public var steps: [PlacedStep]
  /// What must not become true during the whole run.
  public var never: [Prohibition]
  /// What keeps the file from being read: such a scenario never runs, and its result says why.
  public var mistakes: [SourceProblem] = []
  /// The tree it was read from, includes and the row of its table filled in.
  var source: SourceNode?
  /// The rules that peers may break; any other that one breaks fails the run.
  public var allowedViolations: [Rule] = []
  /// An expectation looks at rules that were broken, so that they are judged while the run goes on.
  public var asksForRules = false
  /// The file, or one that it includes, gives a policy: the run ends with what was proven of it.
  public var givesPolicy = false
  /// An expectation, or something that must never be, looks at what is sent in clear.
  public var asksForPlaintext = false
  /// A step asks how good a stream was.
  public var asksForQuality = false
  /// Whether a run with captures keeps what each leg heard beside them.
  public var recordsAudio = false
  /// Where the present run keeps it.
  public var recordings: AudioRecordings?
  /// The marks that steps speak.
  public var marks: [SpokenMark] = []
  /// An expectation, or something that must never be, looks at what marks tell.
  public var listensForMarks = false
  /// Members that listen for digits in the audio.
  public internal(set) var toneListeners: Set<String> = []

  init(file: String, name: String) {
    self.file = file
    self.name = name
    (summary, proves, policy) = ("", [], .standard)
    (accounts, sessions, cast, network, steps, never) = ([], [], [], [], [], [])
  }

  /// Stands in a run for a file that cannot be read, so that reports name it and the other files run.
  public static func unreadable(_ file: String, _ mistakes: [SourceProblem]) -> Scenario {
    var scenario = Scenario(file: file, name: ScenarioFile.defaultName(file))
    (scenario.summary, scenario.mistakes) = ("The file cannot be read.", mistakes)
    return scenario
  }

  public var isReadable: Bool { mistakes.isEmpty }

  /// Where below an output folder its captures go: its name, with a table's values in a form that every shell takes.
  public var folderName: String { Self.folderName(of: name) }

  static func folderName(of name: String) -> String {
    guard let bracket = name.firstIndex(of: "[") else { return name }
    var row = ""
    for character in name[bracket...].dropFirst().dropLast() {
      if character.isASCII, character.isLetter || character.isNumber || "._".contains(character) {
        row.append(character)
      } else if row.last != "-" {
        row.append("-")
      }
    }
    return "\(name[..<bracket])-\(row)"
  }

  public func member(_ name: String) -> Member? { cast.first { $0.name == name } }
  /// The Kallglot endpoint, if one is on stage.
  public var endpoint: Member? { cast.first { if case .endpoint = $0.role { true } else { false } } }
}
