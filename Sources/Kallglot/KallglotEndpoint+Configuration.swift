import KallglotPolicy
import CallControl
import Media
import SDP
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

extension KallglotEndpoint {
  /// What an answered leg hears, until a translator stands between the legs of a session (contract 8.5).
  public enum LegAudio: String, Hashable, Sendable, CaseIterable {
    case silence
    /// Itself.
    case echo
    /// The other leg of its session, in its own codec.
    case bridge
  }

  public struct Configuration: Sendable {
    /// Realm and our domain in URIs.
    public var domain: String
    public var accounts: [Account]
    public var sessions: [Session]
    /// The policy that holds where no account can be told.
    public var listener: Policy
    public var listeners: [TransportListener]
    public var mediaAddress: IPAddress
    /// Of the other family; nil = one family alone.
    public var otherMediaAddress: IPAddress?
    /// From the INVITE to the 200.
    public var answerDelay: Duration
    /// A tone that every answered leg hears; nil = silence.
    public var tone: Tone?
    public var sendsMedia: Bool
    /// What legs hear that no tone is played to.
    public var audio = LegAudio.silence
    /// The sequence number of the first packet of each stream; nil = drawn (RFC 3550 §5.1).
    public var firstSequence: UInt16?
    /// What its streams listen for beside tones.
    public var listening = AudioListening.none
    public var style: MessageStyle
    /// Digits are listened for in the audio as well.
    public var hearsTonesAsDigits = false

    public init(
      domain: String = "sip.kallglot.com", accounts: [Account] = [], sessions: [Session] = [], listener: Policy = .standard,
      listeners: [TransportListener], mediaAddress: IPAddress, answerDelay: Duration = .zero, tone: Tone? = nil,
      sendsMedia: Bool = true, style: MessageStyle = .kallglot
    ) {
      self.domain = domain
      self.accounts = accounts
      self.sessions = sessions
      self.listener = listener
      self.listeners = listeners
      self.mediaAddress = mediaAddress
      self.answerDelay = answerDelay
      self.tone = tone
      self.sendsMedia = sendsMedia
      self.style = style
    }

    /// The user agent behind the policy.
    var callAgent: CallAgent.Configuration {
      var agent = CallAgent.Configuration(
        userAgent: UserAgent.Configuration(
          style: style, listeners: listeners, prefersFlowOverContact: listener.natContact == .flow, contactHost: listener.contactHost),
        capability: AudioCapability(codecs: listener.spokenCodecs, security: listener.security), mediaAddress: mediaAddress,
        mediaPorts: listener.mediaPorts,
        descriptions: .kallglot,
        aor: NameAddress(uri: SIPURI(host: domain, user: "kallglot")), answerDelay: answerDelay, rtpTimeout: listener.rtpTimeout,
        sendsMedia: sendsMedia)
      agent.rekey = listener.rekey == .keepROC ? .keepROC : .restartROC
      (agent.firstSequence, agent.listening, agent.otherMediaAddress) = (firstSequence, listening, otherMediaAddress)
      (agent.reception, agent.hearsTonesAsDigits) = (ReceptionSettings(listener), hearsTonesAsDigits)
      agent.earlyRTP = listener.earlyRTP == .drop ? .drop : .buffer
      return agent
    }

    var place: EndpointPlace { EndpointPlace(domain: domain, contactHost: listener.contactHost, listeners: listeners) }
  }

  public enum Command: Sendable {
    case party(CallAgentCommand)
    case administer(Administration)
  }
}

extension ReceptionSettings {
  /// What a policy, or a member of a scenario, says of it.
  public init(_ buffer: Policy.JitterBuffer, voipMetrics: Bool) {
    let mode: JitterBufferMode =
      switch buffer {
      case .none: .none
      case .fixed(let delay): .fixed(delay)
      case .adaptive(let minimum, let maximum): .adaptive(minimum: minimum, maximum: maximum)
      }
    self.init(jitterBuffer: mode, sendsVoIPMetrics: voipMetrics)
  }

  init(_ policy: Policy) { self.init(policy.jitterBuffer, voipMetrics: policy.voipMetrics) }
}

extension MessageStyle {
  /// How the endpoint writes: the RFC's order, its own name.
  public static let kallglot: MessageStyle = {
    var style = MessageStyle.plain
    style.product = "Kallglot"
    style.allow = [.invite, .ack, .bye, .cancel, .options, .register, .info]
    return style
  }()
}
