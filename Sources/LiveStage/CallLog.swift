import Kallglot
import Legs
import Media
import SDP
import SIPUserAgent
import SansIO

/// Says what a live endpoint or caller does, in lines that a telephony engineer reads at night. No secret ever stands in one.
public struct CallLog {
  private var peers: [LegID: LegFacts] = [:]

  public init() {}

  /// A line for each call that is up or being set up.
  public var calls: [String] {
    peers.sorted { $0.key < $1.key }.map { leg, facts in
      facts.direction == .incoming ? "\(leg): from \(facts.from) to \(facts.to)" : "\(leg): to \(facts.to)"
    }
  }

  public func isLive(_ leg: LegID) -> Bool { peers[leg] != nil }

  /// The line for an event; nil for what needs none.
  public mutating func line(for event: any HostEvent, at now: Instant) -> String? {
    let text: String?
    switch event {
    case EndpointEvent.party(let event): text = line(event)
    case EndpointEvent.decision(let leg, let decision, let method, let source): text = line(leg, decision, method, source)
    case EndpointEvent.joined(let leg, let session, let account, let role):
      text = "\(leg): session \(session) as \(role.rawValue)\(account.isEmpty ? "" : ", account \(account)")"
    case EndpointEvent.notCalled(let account, let reason): text = "account \(account) is not called: \(reason)"
    case let event as PartyEvent: text = line(event)
    default: text = nil
    }
    return text.map { "\(Self.clock(now))  \($0)" }
  }

  /// The line for what the captures say.
  public func line(for event: CaptureEvent, at now: Instant) -> String { "\(Self.clock(now))  \(event)" }

  private func line(_ leg: LegID?, _ decision: PolicyDecision, _ method: String, _ source: TransportAddress) -> String? {
    if case .passed = decision.verdict, decision.rule != .registration { return nil }
    return "\(method) from \(source): policy step \(decision)"
  }

  private mutating func line(_ event: PartyEvent) -> String? {
    switch event {
    case .listening(let listener): return "listening on \(listener)"
    case .listenFailed(let listener, let failure): return "cannot listen on \(listener): \(failure)"
    case .connectionFailed(let remote, let reason): return "connection to \(remote): \(reason)"
    case .socketFailed(let leg, let failure): return "\(leg.map { "\($0): " } ?? "")\(failure)"
    case .acceptsAgain(let listener): return "connections to \(listener) are accepted again"
    case .malformed(let source, let rule): return "\(source) sent what is no SIP message: \(rule)"
    case .started(let leg, let facts):
      peers[leg] = facts
      let arrow =
        facts.direction == .incoming
        ? "from \(facts.from) (\(facts.peer)) to \(facts.to)" : "to \(facts.to) (\(facts.peer)) from \(facts.from)"
      return "\(leg): call \(arrow) over \(facts.transport.viaToken), Call-ID \(facts.callID)"
    case .mediaPorts: return nil
    case .ringing(let leg, let status): return "\(leg): \(status)"
    case .established(let leg, let agreement): return "\(leg): up, \(Self.text(agreement))"
    case .earlyMedia(let leg, let agreement): return "\(leg): early media, \(Self.text(agreement))"
    case .modified(let leg, let agreement): return "\(leg): re-INVITE, \(Self.text(agreement))"
    case .modificationFailed(let leg, _, let reason): return "\(leg): re-INVITE failed, the session stays as it was: \(reason)"
    case .refused(let leg, let status, let phrase, let explanation):
      return "\(leg): \(status) \(phrase)\(explanation.map { ": \($0)" } ?? "")"
    case .mediaStarted(let leg): return "\(leg): first RTP packet came"
    case .mediaLatched(let leg, let source): return "\(leg): RTP comes from \(source), not from where SDP says; it is answered there"
    case .toneHeard(let leg, let frequency): return "\(leg): hears a tone of \(frequency) Hz"
    case .toneEnded(let leg): return "\(leg): the tone ended"
    case .reason(let leg, let text): return "\(leg): the peer gives a reason: \(text)"
    case .ended(let leg, let reason, let report):
      peers[leg] = nil
      return "\(leg): \(reason)\(report.map { "; \(Self.text($0))" } ?? "")"
    case .registered(let aor, let expires): return "\(aor) is registered for \(expires) s"
    case .registrationFailed(let aor, let reason): return "registration of \(aor) failed: \(reason)"
    case .optionsAnswered(let status): return "OPTIONS answered with \(status)"
    case .optionsFailed(let reason): return "OPTIONS: \(reason)"
    case .note(let leg, let note): return "\(leg.map { "\($0): " } ?? "")\(note)"
    case .violation(let leg, let violation): return "\(leg.map { "\($0): " } ?? "")the peer broke a rule: \(violation)"
    case .portsMissing(let leg, let reason): return "\(leg.map { "\($0): " } ?? "")\(reason)"
    }
  }

  /// `RTP out 250, in 248, 2 lost, jitter 0.4 ms`.
  public static func text(_ report: MediaReport) -> String {
    let micro = report.jitter.wholeNanoseconds / 1_000
    let tones = report.tones.isEmpty ? "" : ", heard \(report.tones.map { "\($0) Hz" }.joined(separator: ", "))"
    return
      "RTP out \(report.packetsSent), in \(report.packetsReceived), \(report.packetsLost) lost, jitter \(micro / 1_000).\(micro % 1_000 / 100) ms\(tones)"
  }

  /// `PCMU 20 ms, RTP 192.0.2.1:20000 to 192.0.2.2:10000, sendrecv`.
  static func text(_ agreement: AudioAgreement) -> String {
    "\(agreement.codec.rawValue) \(agreement.packetTime) ms, RTP \(agreement.local) to \(agreement.remote), \(agreement.direction.rawValue)"
  }

  private static func clock(_ now: Instant) -> String {
    let milliseconds = now.nanoseconds / 1_000_000
    let fraction = String(milliseconds % 1_000)
    let seconds = String(milliseconds / 1_000)
    return String(repeating: " ", count: max(0, 5 - seconds.count)) + seconds + "." + String(repeating: "0", count: 3 - fraction.count)
      + fraction
  }
}
