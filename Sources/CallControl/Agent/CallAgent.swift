import Media
import SDP
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SIPUserAgent
import SRTP
import SansIO
import SecureTransport

/// A user agent with calls: signalling, the legs over it and their media, behind one set of addresses.
///
/// It knows how to carry calls and nothing about whether it should: the host that owns it (the Kallglot endpoint, a persona) takes the
/// ``Signal``s in their order (``nextSignal()``), decides, and calls
/// ``admit(_:_:_:capability:answerWith:answerFields:rtpTimeout:prefersFlow:at:_:)`` or ``refuse(_:_:status:reason:fields:at:_:)``. What
/// comes of that goes to the end of the same list.
///
/// It carries out what its machines ask for. ``Leg`` decides; ``MediaPorts``, ``LegStreams`` and ``Registrations`` have a state of their
/// own.
public final class CallAgent {
  public struct Configuration: Sendable {
    public var userAgent: UserAgent.Configuration
    public var capability: AudioCapability
    public var mediaAddress: IPAddress
    /// The media address of the other family, for peers that are called, or call, in that (RFC 6157 §4.2); nil = one family alone.
    public var otherMediaAddress: IPAddress?
    public var mediaPorts: ClosedRange<UInt16>
    public var descriptions: DescriptionStyle
    /// The address of record that our own calls come from.
    public var aor: NameAddress
    /// From the INVITE to the 200.
    public var answerDelay: Duration
    /// BYE after so long without RTP while we may receive; nil = never.
    public var rtpTimeout: Duration?
    /// Send RTP at all; a user agent under load may leave it out.
    public var sendsMedia: Bool
    public var habits = CallHabits()
    /// Where music on hold comes from; nil = `mediaAddress`.
    public var musicAddress: IPAddress?
    /// What a new key of SRTP on another address does to the rollover counter.
    public var rekey = RolloverReading.keepROC
    /// The sequence number of the first packet of each stream; nil = drawn (RFC 3550 §5.1).
    public var firstSequence: UInt16?
    /// What becomes of RTP and RTCP that come before the agreement or its keys.
    public var earlyRTP = EarlyRTP.drop
    /// What is made of the RTP that comes.
    public var reception = ReceptionSettings()
    /// What its streams listen for beside tones.
    public var listening = AudioListening.none
    /// Digits are listened for in the audio as well.
    public var hearsTonesAsDigits = false

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
    case event(CallAgentEvent)
    /// An initial INVITE.
    case incoming(LegID, SIPRequest)
    /// A request that RFC 3261 wants refused whatever it asks for: ``CallAgent/refuse(_:_:_:_:at:_:)``, or ``CallAgent/ignore(_:at:)``.
    case defective(ServerID, InboundMessage, RequestDefect)
    /// A request outside dialogs other than INVITE.
    case request(SIPRequest)
    /// A request within a dialog that is not answered here.
    case inDialog(LegID, SIPRequest)
    /// A peer connected; nothing was read yet.
    case accepted(Flow)
    /// A request of a source that hears nothing.
    case dropped(LegID?, InboundMessage)
  }

  public let configuration: Configuration
  public let userAgent: UserAgent
  let settings: LegSettings
  /// Of the other family; nil where there is one alone.
  private let otherSettings: LegSettings?
  // Unchecked: touched for every message by code that cannot overlap itself, where the checks of exclusive access cost one part in thirty.
  @exclusivity(unchecked) var legs = Slab<LegSlot>()
  @exclusivity(unchecked) var places = SerialTable<SlabPlace>()
  @exclusivity(unchecked) var media: CallMedia
  @exclusivity(unchecked) var legDeadlines = DeadlineQueue<LegID>()
  @exclusivity(unchecked) var registrations: Registrations
  /// What our requests outside dialogs are for, while they wait for their answers.
  @exclusivity(unchecked) var purposes = SerialTable<RequestPurpose>()
  /// Digits that legs send by INFO.
  @exclusivity(unchecked) var infoPresses = SerialTable<InfoPresses>()
  @exclusivity(unchecked) var infoDeadlines = DeadlineQueue<LegID>()
  /// Our requests to names, while their servers are looked for.
  @exclusivity(unchecked) var locator: ServerLocator<Errand>
  @exclusivity(unchecked) var entropy: Entropy
  @exclusivity(unchecked) var work = WorkList()
  @exclusivity(unchecked) private var signals = Backlog<Signal>()

  public init(_ configuration: Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch) {
    self.configuration = configuration
    let identity = DTLSIdentity(
      profiles: configuration.capability.security.suites.compactMap { $0.protectionProfile.flatMap(DTLSProtectionProfile.init) },
      entropy: entropy.fork("dtls"), epoch: epoch)
    settings = LegSettings(configuration, keys: entropy.fork("keys"), identity: identity)
    var other = configuration
    if let address = configuration.otherMediaAddress { other.mediaAddress = address }
    otherSettings = configuration.otherMediaAddress.map { _ in LegSettings(other, keys: entropy.fork("keys"), identity: identity) }
    var agent = configuration.userAgent
    agent.declining = settings.declining
    userAgent = UserAgent(agent, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy.fork("sip"), epoch: epoch)
    registrations = Registrations(lead: configuration.habits.registrationLead)
    locator = ServerLocator(configuration.userAgent.means, entropy.fork("servers"))
    let own = entropy.fork("media")
    self.entropy = own
    media = CallMedia(configuration, identity: identity, entropy: own, epoch: epoch)
  }

  // MARK: - Driving

  public func start(at now: Instant, _ out: inout Outbox) {
    userAgent.start(at: now, &out)
    takeNews()
    run(at: now, &out)
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    if userAgent.owns(arrival) {
      userAgent.receive(arrival, at: now, &out)
      takeNews()
    } else if case .resolved(let query, let answer) = arrival {
      located(query, answer, at: now, &out)
    } else {
      media.receive(arrival, at: now, &out, sessionID: newSessionID)
      takeMediaNews()
    }
    run(at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    if let due = userAgent.nextDeadline, due <= now {
      userAgent.wake(at: now, &out)
      takeNews()
      run(at: now, &out)
    }
    while let id = legDeadlines.takeExpired(at: now) { feed(id, .due, at: now, &out) }
    while wakeInfos(at: now, &out) { run(at: now, &out) }
    while media.wake(at: now, &out) {
      takeMediaNews()
      run(at: now, &out)
    }
    while let outputs = registrations.wake(at: now, using: &entropy) { carryOut(outputs, at: now, &out) }
    run(at: now, &out)
  }

  /// O(1).
  public var nextDeadline: Instant? {
    var earliest = userAgent.nextDeadline ?? .distantFuture
    if let candidate = media.nextDeadline { earliest = min(earliest, candidate) }
    if let candidate = legDeadlines.next { earliest = min(earliest, candidate) }
    if let candidate = infoDeadlines.next { earliest = min(earliest, candidate) }
    if let candidate = registrations.nextDeadline { earliest = min(earliest, candidate) }
    return earliest == .distantFuture ? nil : earliest
  }

  /// What is due at ``nextDeadline``.
  public var nextTimer: String? {
    guard let due = nextDeadline else { return nil }
    if userAgent.nextDeadline == due { return userAgent.nextTimer }
    if media.nextDeadline == due { return "a media stream" }
    if infoDeadlines.next == due { return "the next digit by INFO" }
    return legDeadlines.next == due ? "a call that waits to be answered, or for keys" : "a registration"
  }

  /// What happened next, until nil. The owner's reactions may add to it.
  public func nextSignal() -> Signal? { signals.next() }

  public func perform(_ command: CallAgentCommand, at now: Instant, _ out: inout Outbox) {
    switch command {
    case .call(let request): send(.call(request), to: request.hop, at: now, &out)
    case .cancel(let id):
      userAgent.cancel(id, at: now, &out)
      takeNews()
    case .hangUp(let id): hangUp(id, at: now, &out)
    case .reinvite(let id, let change):
      if places[id.rawValue] == nil { report(.reinviteFailed(id, status: nil, reason: "the call is not established")) }
      feed(id, .command(.change(change)), at: now, &out)
    case .speak(let id, let audio, let duration):
      feed(id, .command(.speak(audio, until: duration.map { now.advanced(by: $0) })), at: now, &out)
    case .press(let id, let plan, let way, let form):
      if places[id.rawValue] == nil { report(.pressFailed(id, .noStream)) }
      press(id, plan, by: way ?? .rfc4733, form, at: now, &out)
    case .bridge(let one, let other): bridge(one, other, at: now, &out)
    case .send(let id, let codec): feed(id, .command(.send(codec)), at: now, &out)
    case .register(let request):
      let outputs = registrations.register(
        request, parameters: userAgent.registrationContactParameters, at: now, using: &entropy)
      carryOut(outputs, at: now, &out)
    case .options(let hop, let uri): send(.options(uri), to: hop, at: now, &out)
    case .hangUpAll:
      // One after the other: what one says at its end is said before the next one ends.
      for number in places.numbers { hangUp(LegID(number), at: now, &out) }
    }
    run(at: now, &out)
  }

  /// Legs that have not ended.
  public var liveLegs: Int { legs.count }

  /// What was sent and received so far on a leg that has not ended; nil before its media began.
  public func mediaReport(of id: LegID) -> MediaReport? { places[id.rawValue].flatMap { legs[$0] }.flatMap { media.report(of: $0.media) } }

  /// What holds on a leg that is up; nil before and afterwards.
  public func agreement(of id: LegID) -> AudioAgreement? {
    guard let place = places[id.rawValue], case .up(let session)? = legs[place]?.leg.state else { return nil }
    return session.agreement
  }

  /// Whether a call to this URI came to a Contact that we registered, by the parameters we put into it. True while no binding of ours has
  /// any.
  public func isRegisteredContact(_ uri: SIPURI) -> Bool { registrations.isRegisteredContact(uri) }

  // MARK: - News

  func report(_ event: CallAgentEvent) { signals.append(.event(event)) }

  func signal(_ signal: Signal) { signals.append(signal) }

  // MARK: - Making and ending legs

  func place(_ request: CallRequest, to first: SIPTarget, _ others: [SIPTarget], at now: Instant, _ out: inout Outbox) {
    var request = request
    request.hop = .servers(first, others: others)
    let from = request.from ?? configuration.aor
    let facts = LegFacts(
      direction: .outgoing, callID: "", from: from.uri.description, to: request.uri.description,
      transport: first.transport, peer: first.address, name: request.name)
    let id = userAgent.reserveLeg()
    guard let port = media.reserve() else {
      report(.portsMissing(id, reason: "no free media port in \(configuration.mediaPorts) for a call to \(request.uri)"))
      report(.ended(id, .transportFailed, nil))
      return
    }
    let leg = Leg(
      id, calling: request, facts, settings(towards: first.address.address), port: port, sessionID: newSessionID(),
      rtpTimeout: configuration.rtpTimeout)
    keep(leg, port: port)
    feed(id, .begin, at: now, &out)
  }

  private func hangUp(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    // One that was not taken in yet has its INVITE alone.
    guard places[id.rawValue] != nil else {
      userAgent.hangUp(id, at: now, &out)
      return takeNews()
    }
    feed(id, .command(.hangUp(.hungUpHere)), at: now, &out)
  }

  func keep(_ leg: Leg, port: UInt16) {
    places[leg.id.rawValue] = legs.insert(LegSlot(leg: leg, media: media.add(leg.id, port: port, at: leg.settings.mediaAddress)))
  }

  /// What a leg has whose signalling goes to this address: media has its family.
  func settings(towards peer: IPAddress) -> LegSettings {
    guard let otherSettings, peer.isIPv6 == otherSettings.mediaAddress.isIPv6 else { return settings }
    return otherSettings
  }

  /// Of o= (RFC 8866 §5.2).
  func newSessionID() -> UInt64 { UInt64.random(in: 1...0x7FFF_FFFF, using: &entropy) }

  func forget(_ id: LegID) {
    guard let place = places.remove(id.rawValue), let slot = legs.remove(place) else { return }
    media.remove(slot.media)
    legDeadlines.remove(id)
    _ = infoPresses.remove(id.rawValue)
    infoDeadlines.remove(id)
  }
}
