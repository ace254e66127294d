import Codecs
import Media
import SDP
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SansIO
import SecureTransport

/// One party on the network: a user agent, its legs and their media, behind one set of addresses.
///
/// It knows how to carry calls and nothing about whether it should: a host that owns a party (the Kallglot endpoint, a persona) reads the
/// ``Signal``s, decides, and calls ``admit(_:at:_:)`` or ``refuse(_:status:reason:fields:at:_:)``. All of a host's exchanges with the
/// world go through here.
public final class Party {
  public struct Configuration: Sendable {
    public var userAgent: UserAgent.Configuration
    public var capability: AudioCapability
    public var mediaAddress: IPAddress
    public var mediaPorts: ClosedRange<UInt16>
    public var descriptions: DescriptionStyle
    /// The address of record that our own calls come from.
    public var aor: NameAddress
    /// From the INVITE to the 200.
    public var answerDelay: Duration
    /// BYE after so long without RTP while we may receive; nil = never.
    public var rtpTimeout: Duration?
    /// Send RTP at all; a party under load may leave it out.
    public var sendsMedia: Bool
    public var habits = CallHabits()
    /// Where music on hold comes from; nil = `mediaAddress`.
    public var musicAddress: IPAddress?

    public init(
      userAgent: UserAgent.Configuration, capability: AudioCapability, mediaAddress: IPAddress,
      mediaPorts: ClosedRange<UInt16> = 20_000...20_100, descriptions: DescriptionStyle = .plain, aor: NameAddress,
      answerDelay: Duration = .zero, rtpTimeout: Duration? = nil, sendsMedia: Bool = true
    ) {
      self.userAgent = userAgent
      self.capability = capability
      self.mediaAddress = mediaAddress
      self.mediaPorts = mediaPorts
      self.descriptions = descriptions
      self.aor = aor
      self.answerDelay = answerDelay
      self.rtpTimeout = rtpTimeout
      self.sendsMedia = sendsMedia
    }
  }

  /// What the owner must decide or may want to know.
  public enum Signal: Sendable {
    case event(PartyEvent)
    /// An initial INVITE.
    case incoming(LegID, SIPMessage, Flow)
    /// A request that RFC 3261 wants refused whatever it asks for: ``Party/refuse(_:_:_:_:at:_:)``, or ``Party/ignore(_:at:)``.
    case defective(ServerID, SIPMessage, Flow, RequestDefect)
    /// A request outside dialogs other than INVITE.
    case request(ServerID, SIPMessage, Flow)
    /// A request within a dialog that the party does not answer itself.
    case inDialog(LegID, ServerID, SIPMessage)
    /// A peer connected; nothing was read yet.
    case accepted(Flow)
    /// A request of a source that hears nothing.
    case dropped(LegID?, SIPMessage, Flow)
  }

  /// Pairs of ports tried for one leg.
  static let portAttemptLimit = 128

  public let configuration: Configuration
  public let userAgent: UserAgent
  var ports: MediaPortPool
  // Unchecked: touched for every message by code that cannot overlap itself, where the checks of exclusive access cost one part in thirty.
  @exclusivity(unchecked) var legs: [LegID: Leg] = [:]
  @exclusivity(unchecked) var legsByPort: [PortID: LegID] = [:]
  @exclusivity(unchecked) var mediaDeadlines = DeadlineQueue<LegID>()
  @exclusivity(unchecked) var answerDeadlines = DeadlineQueue<LegID>()
  var mediaEntropy: Entropy
  var lastPort: UInt32 = 1_000
  var registrations: [Registration] = []
  @exclusivity(unchecked) var registrationDeadlines = DeadlineQueue<Int>()
  var pings: Set<RequestID> = []
  @exclusivity(unchecked) var signals: [Signal] = []
  let epoch: Epoch

  public init(_ configuration: Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch) {
    self.configuration = configuration
    self.epoch = epoch
    var settings = configuration.userAgent
    settings.declining = OfferDecliner(style: configuration.descriptions, address: configuration.mediaAddress)
    userAgent = UserAgent(
      settings, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy.fork("sip"), epoch: epoch)
    ports = MediaPortPool(configuration.mediaPorts)
    mediaEntropy = entropy.fork("media")
  }

  // MARK: - Driving

  public func start(at now: Instant, _ out: inout Outbox) -> [Signal] {
    absorb(userAgent.start(at: now, &out), at: now, &out)
    return takeSignals()
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) -> [Signal] {
    if userAgent.owns(arrival) {
      absorb(userAgent.receive(arrival, at: now, &out), at: now, &out)
    } else {
      receiveMedia(arrival, at: now, &out)
    }
    return takeSignals()
  }

  public func wake(at now: Instant, _ out: inout Outbox) -> [Signal] {
    if let due = userAgent.nextDeadline, due <= now { absorb(userAgent.wake(at: now, &out), at: now, &out) }
    while let id = answerDeadlines.takeExpired(at: now) {
      if let leg = legs[id] { answerIfReady(leg, at: now, &out) }
    }
    while let id = mediaDeadlines.takeExpired(at: now) { wakeMedia(id, at: now, &out) }
    while let index = registrationDeadlines.takeExpired(at: now) { refreshRegistration(index, at: now, &out) }
    return takeSignals()
  }

  /// O(1).
  public var nextDeadline: Instant? {
    var earliest = userAgent.nextDeadline ?? .distantFuture
    if let candidate = mediaDeadlines.next { earliest = min(earliest, candidate) }
    if let candidate = answerDeadlines.next { earliest = min(earliest, candidate) }
    if let candidate = registrationDeadlines.next { earliest = min(earliest, candidate) }
    return earliest == .distantFuture ? nil : earliest
  }

  public func perform(_ command: PartyCommand, at now: Instant, _ out: inout Outbox) -> [Signal] {
    switch command {
    case .call(let request): placeCall(request, at: now, &out)
    case .cancel(let id): absorb(userAgent.cancel(id, at: now, &out), at: now, &out)
    case .hangUp(let id): hangUp(id, because: .hungUpHere, at: now, &out)
    case .modify(let id, let change): modify(id, change, at: now, &out)
    case .speak(let id, let tone, let duration): speak(id, tone, for: duration, at: now, &out)
    case .register(let request): register(request, at: now, &out)
    case .options(let target, let uri): sendOptions(to: target, uri: uri, at: now, &out)
    case .hangUpAll:
      for id in legs.keys.sorted() { hangUp(id, because: .hungUpHere, at: now, &out) }
    }
    return takeSignals()
  }

  func takeSignals() -> [Signal] {
    guard !signals.isEmpty else { return [] }
    defer { signals = [] }
    return signals
  }

  func tell(_ event: PartyEvent) { signals.append(.event(event)) }

  /// Legs that have not ended.
  public var liveLegs: Int { legs.count }

  /// What was sent and received so far on a leg that has not ended; nil before its media began.
  public func mediaReport(of id: LegID) -> MediaReport? { legs[id]?.media?.report }

  // MARK: - The user agent's news

  func absorb(_ events: [UserAgentEvent], at now: Instant, _ out: inout Outbox) {
    for event in events { absorb(event, at: now, &out) }
  }

  private func absorb(_ event: UserAgentEvent, at now: Instant, _ out: inout Outbox) {
    switch event {
    case .listening(let listener): tell(.listening(listener))
    case .listenFailed(let listener, let failure): tell(.listenFailed(listener, failure))
    case .accepted(let flow): signals.append(.accepted(flow))
    case .dropped(let id, let request): signals.append(.dropped(id, request.message, request.flow))
    case .flowFailed(let flow, let failure): tell(.connectionFailed(remote: flow.remote, reason: "\(failure)"))
    case .socketFailed(let id, let failure): tell(.socketFailed(id, failure))
    case .acceptsAgain(let listener): tell(.acceptsAgain(listener))
    case .redirected(let id, let status, let uri, let target): tell(.redirected(id, status: status, uri: uri, target: target))
    case .requestRefused(let id, let request): tell(.requestRefused(id, request))
    case .malformed(let rule, let flow): tell(.malformed(from: flow.remote, rule: rule))
    case .incoming(let id, let message, let flow): signals.append(.incoming(id, message, flow))
    case .acknowledged(let id, let message): acknowledged(id, message, at: now, &out)
    case .ringing(let id, let message): provisionalCame(id, message, at: now, &out)
    case .answered(let id, let message): answered(id, message, at: now, &out)
    case .refused(let id, let message): tell(Self.refusal(id, message))
    case .reinvite(let id, let server, let message): reinvited(id, server, message, at: now, &out)
    case .reinviteRefused(let id, let message): reinviteRefused(id, message)
    case .reinviteAcknowledged(let id, let message): reinviteAcknowledged(id, message, at: now, &out)
    case .modified(let id, let message): modified(id, message, at: now, &out)
    case .modificationDue(let id): retryModification(id, at: now, &out)
    case .modificationFailed(let id, let status, let reason): modificationFailed(id, status: status, reason: reason, at: now, &out)
    case .inDialog(let id, let server, let message): signals.append(.inDialog(id, server, message))
    case .reason(let id, let text): tell(.reason(id, text))
    case .ended(let id, let reason): ended(id, reason, at: now, &out)
    case .request(let server, let message, let flow): signals.append(.request(server, message, flow))
    case .defective(let server, let message, let flow, let defect): signals.append(.defective(server, message, flow, defect))
    case .response(let id, let message): requestAnswered(id, message, at: now, &out)
    case .requestFailed(let id, let failure, let sequence): requestFailed(id, failure, sequence, at: now, &out)
    case .note(let id, let note): tell(.note(id, note))
    case .violation(let id, let violation): tell(.violation(id, violation))
    }
  }

  private static func refusal(_ id: LegID, _ message: SIPMessage) -> PartyEvent {
    let explanation = message.first(.warning) ?? message.first(.reason)
    return .refused(
      id, status: message.status ?? 0, phrase: message.reasonPhrase?.text ?? "", explanation: explanation?.text)
  }
}
