import Legs
import Media
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import SecureTransport

/// A host that behaves like a named product: a ``Party`` with a profile. It answers every call it gets.
public final class Persona: ScriptedHost {
  public struct Configuration: Sendable {
    public var profile: PersonaProfile
    public var listeners: [TransportListener]
    public var mediaAddress: IPAddress
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

  public typealias Command = PartyCommand
  public typealias Event = PartyEvent

  private let configuration: Configuration
  private let party: Party

  public init(_ configuration: Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch) {
    self.configuration = configuration
    let profile = configuration.profile
    party = Party(
      Party.Configuration(
        userAgent: UserAgent.Configuration(style: profile.style, listeners: configuration.listeners),
        capability: AudioCapability(codecs: profile.codecs), mediaAddress: configuration.mediaAddress,
        mediaPorts: configuration.mediaPorts, descriptions: profile.descriptions, aor: configuration.aor,
        answerDelay: configuration.answerDelay, sendsMedia: configuration.sendsMedia),
      serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy, epoch: epoch)
  }

  public func start(at now: Instant, _ out: inout Outbox) { handle(party.start(at: now, &out), at: now, &out) }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    handle(party.receive(arrival, at: now, &out), at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) { handle(party.wake(at: now, &out), at: now, &out) }

  public var nextDeadline: Instant? { party.nextDeadline }

  public func perform(_ command: PartyCommand, at now: Instant, _ out: inout Outbox) {
    handle(party.perform(withCredentials(command), at: now, &out), at: now, &out)
  }

  /// Calls that are up or being set up.
  public var liveCalls: Int { party.liveLegs }

  /// A command that names no credentials gets the persona's own.
  private func withCredentials(_ command: PartyCommand) -> PartyCommand {
    switch command {
    case .call(var request):
      request.credentials = request.credentials ?? configuration.credentials
      request.isOfferDelayed = request.isOfferDelayed || configuration.profile.delaysOffers
      return .call(request)
    case .register(var request):
      request.credentials = request.credentials ?? configuration.credentials
      return .register(request)
    case .cancel, .hangUp, .modify, .speak, .options, .hangUpAll: return command
    }
  }

  private func takeIn(_ id: LegID, _ message: SIPMessage, _ facts: LegFacts, at now: Instant, _ out: inout Outbox) -> [Party.Signal] {
    if let status = configuration.rejectsWith { return party.refuse(id, facts, status: status, at: now, &out) }
    do throws(AdmissionFailure) {
      return try party.admit(id, message, facts, earlyMedia: configuration.hasEarlyMedia, at: now, &out)
    } catch {
      switch error {
      case .noMediaPort: return party.refuse(id, facts, status: 503, fields: [.init(.retryAfter, "10")], at: now, &out)
      case .description(let failure):
        let warning = MessageDraft.Field(.warning, failure.warningValue(agent: configuration.mediaAddress))
        return party.refuse(id, facts, status: 488, fields: [warning], at: now, &out)
      }
    }
  }

  private func handle(_ signals: [Party.Signal], at now: Instant, _ out: inout Outbox) {
    for signal in signals {
      switch signal {
      case .event(let event): out.event(event)
      case .incoming(let id, let message, let flow):
        let facts = LegFacts(incoming: message, flow: flow)
        handle(takeIn(id, message, facts, at: now, &out), at: now, &out)
      case .request(let server, let message, let flow):
        let status = message.method == .options ? 200 : 501
        handle(party.respond(server, to: message, on: flow, status: status, at: now, &out), at: now, &out)
      case .inDialog(let id, let server, let message):
        let status = message.method == .options || message.method == .info ? 200 : 501
        handle(party.respondInDialog(id, server, to: message, status: status, at: now, &out), at: now, &out)
      case .accepted: break
      }
    }
  }
}
