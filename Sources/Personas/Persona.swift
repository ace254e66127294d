import CallControl
import Media
import Rules
import SDP
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SRTP
import SansIO
import SecureTransport

/// A host that behaves like a named product: a ``CallAgent`` with a profile. It answers every call it gets.
public final class Persona: ScriptedHost, TimerNaming {
  public struct Configuration: Sendable {
    public var profile: PersonaProfile
    public var listeners: [TransportListener]
    public var mediaAddress: IPAddress
    /// Of the other family; nil = one family alone.
    public var otherMediaAddress: IPAddress?
    public var mediaPorts: ClosedRange<UInt16>
    public var aor: NameAddress
    /// Used for every challenge; nil = challenges are final.
    public var credentials: Credentials?
    /// From an INVITE to the 200.
    public var answerDelay: Duration
    /// Status for every INVITE instead of an answer.
    public var rejectsWith: Int?
    public var sendsMedia: Bool
    /// Answer calls in a 183 first.
    public var hasEarlyMedia = false
    /// Where music on hold comes from; nil = `mediaAddress`.
    public var musicAddress: IPAddress?
    /// As soon as a call is up its media is moved there by a re-INVITE; nil = it stays.
    public var directMedia: TransportAddress?
    /// How often it keeps its TCP and TLS connections alive by CRLF (RFC 5626 §4.4.1); nil = never.
    public var keepAlive: Duration?
    /// Over what it opens connections though it does not listen there.
    public var opens: Set<SIPTransportProtocol> = []
    /// What it does about SRTP.
    public var security = MediaSecurity.none
    /// What a new key of SRTP at another address does to its rollover counters.
    public var rekey = RolloverReading.keepROC
    /// The sequence number of the first packet of each stream; nil = drawn.
    public var firstSequence: UInt16?
    /// What it makes of the RTP that comes.
    public var reception = ReceptionSettings()
    /// What its streams listen for beside tones.
    public var listening = AudioListening.none
    /// How its audio is set, where not as the product's is.
    public var audio = AudioSettings()
    /// The user part of the Contact of REGISTER; nil = the address of record's.
    public var registrationContactUser: String?
    /// Digits are listened for in the audio as well.
    public var hearsTonesAsDigits = false

    public init(
      profile: PersonaProfile, listeners: [TransportListener], mediaAddress: IPAddress,
      mediaPorts: ClosedRange<UInt16> = 10_000...20_000, aor: NameAddress, credentials: Credentials? = nil, answerDelay: Duration = .zero,
      rejectsWith: Int? = nil, sendsMedia: Bool = true
    ) {
      self.profile = profile
      self.listeners = listeners
      self.mediaAddress = mediaAddress
      self.mediaPorts = mediaPorts
      self.aor = aor
      self.credentials = credentials
      self.answerDelay = answerDelay
      self.rejectsWith = rejectsWith
      self.sendsMedia = sendsMedia
    }
  }

  public typealias Command = CallAgentCommand
  public typealias Event = CallAgentEvent

  // Unchecked: looked at in every turn by code that cannot overlap itself.
  @exclusivity(unchecked) private var configuration: Configuration
  private let agent: CallAgent

  public init(_ configuration: Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch) {
    self.configuration = configuration
    let habits = configuration.profile.habits
    var own = CallAgent.Configuration(
      userAgent: UserAgent.Configuration(
        style: habits.style, features: configuration.profile.features, behaviour: habits.behaviour, listeners: configuration.listeners),
      capability: configuration.audio.capability(habits, configuration.security),
      mediaAddress: configuration.mediaAddress, mediaPorts: configuration.mediaPorts,
      descriptions: configuration.audio.style(habits.descriptions), aor: configuration.aor, answerDelay: configuration.answerDelay,
      sendsMedia: configuration.sendsMedia)
    own.userAgent.keepAlive = configuration.keepAlive
    own.userAgent.opens = configuration.opens
    own.habits = habits.calls
    own.habits.behaviour = habits.behaviour
    own.musicAddress = configuration.musicAddress
    (own.rekey, own.firstSequence, own.reception) = (configuration.rekey, configuration.firstSequence, configuration.reception)
    own.otherMediaAddress = configuration.otherMediaAddress
    (own.listening, own.hearsTonesAsDigits) = (configuration.listening, configuration.hearsTonesAsDigits)
    agent = CallAgent(own, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy, epoch: epoch)
  }

  public func start(at now: Instant, _ out: inout Outbox) {
    agent.start(at: now, &out)
    handleSignals(at: now, &out)
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    agent.receive(arrival, at: now, &out)
    handleSignals(at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    agent.wake(at: now, &out)
    handleSignals(at: now, &out)
  }

  public var nextDeadline: Instant? { agent.nextDeadline }

  public var nextTimer: String? { agent.nextTimer }

  public func perform(_ command: CallAgentCommand, at now: Instant, _ out: inout Outbox) {
    agent.perform(withCredentials(command), at: now, &out)
    handleSignals(at: now, &out)
  }

  /// From the next call and the next REGISTER on; what has begun goes on with the old one.
  public func setPassword(_ password: Secret) { configuration.credentials?.password = password }

  private var habits: Habits { configuration.profile.habits }

  /// Calls that are up or being set up.
  public var liveCalls: Int { agent.liveLegs }

  /// A command that names no credentials gets the persona's own.
  private func withCredentials(_ command: CallAgentCommand) -> CallAgentCommand {
    switch command {
    case .call(var request):
      request.credentials = request.credentials ?? configuration.credentials
      request.isOfferDelayed = request.isOfferDelayed || habits.behaviour.does(.delayOffer, in: .callPlaced)
      return .call(request)
    case .register(var request):
      request.credentials = request.credentials ?? configuration.credentials
      request.contactUser = request.contactUser ?? configuration.registrationContactUser
      return .register(request)
    case .cancel, .hangUp, .reinvite, .speak, .press, .send, .bridge, .options, .hangUpAll: return command
    }
  }

  private func takeIn(_ id: LegID, _ request: SIPRequest, at now: Instant, _ out: inout Outbox) {
    let behaviour = habits.behaviour
    if let answer = behaviour.answer(to: .callFromStranger), let uri = request.uri, !agent.isRegisteredContact(uri) {
      out.event(CallAgentEvent.violation(nil, PeerViolation(.registeredContact, "INVITE to \(uri)")))
      return agent.refuse(id, request, status: answer.status ?? 401, fields: answer.fields, at: now, &out)
    }
    if let status = configuration.rejectsWith { return agent.refuse(id, request, status: status, at: now, &out) }
    if let answer = behaviour.answer(to: .unreadableOffer), !request.message.body.isEmpty,
      (try? SessionDescription.parse(request.message.body)) == nil
    {
      return agent.refuse(id, request, status: answer.status ?? 488, fields: answer.fields, at: now, &out)
    }
    do throws(AdmissionFailure) {
      try agent.admit(id, request, answerWith: configuration.hasEarlyMedia ? .earlyMedia : .ringing, at: now, &out)
    } catch {
      switch error {
      case .noMediaPort: return agent.refuse(id, request, status: 503, fields: [.init(.retryAfter, "10")], at: now, &out)
      case .description(let failure):
        let warning = HeaderField(.warning, failure.warningValue(agent: configuration.mediaAddress))
        let answer = behaviour.answer(to: .unacceptableOffer)
        return agent.refuse(id, request, status: answer?.status ?? 488, fields: answer?.fields ?? [warning], at: now, &out)
      }
    }
  }

  /// One list: what a reaction causes comes after what had already happened.
  private func handleSignals(at now: Instant, _ out: inout Outbox) {
    while let signal = agent.nextSignal() {
      switch signal {
      case .event(let event):
        out.event(event)
        if case .established(let id, _) = event, let place = configuration.directMedia {
          agent.perform(.reinvite(id, .directMedia(to: place)), at: now, &out)
        }
      case .incoming(let id, let request): takeIn(id, request, at: now, &out)
      case .defective(let server, let message, let defect): agent.refuse(server, message, defect, at: now, &out)
      case .request(let request):
        guard let status = reaction(to: request.message, .outside) else {
          agent.ignore(request.server, at: now)
          continue
        }
        agent.respond(request.server, status: status, at: now, &out)
      case .inDialog(let id, let request):
        guard let status = reaction(to: request.message, .inDialog) else {
          agent.ignore(request.server, at: now)
          continue
        }
        agent.respondInDialog(id, request.server, status: status, at: now, &out)
        if request.method == .info, (200..<300).contains(status), case .digit(let digit) = InfoDigit.read(request.message) {
          agent.hear(digit, on: id)
        }
      case .accepted, .dropped: break
      }
    }
  }

  /// The status of the answer; nil = none.
  private func reaction(to message: SIPMessage, _ place: Reaction.Place) -> Int? {
    if let reaction = habits.reactions.first(where: { $0.fits(message, place) }) { return reaction.status }
    switch (message.method, place) {
    case (.options?, _), (.info?, .inDialog): return 200
    default: return 501
    }
  }
}
