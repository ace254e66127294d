import Kallglot
import KallglotPolicy
import CallControl
import Media
import SDP
import SIPUserAgent
import SansIO

/// Says what a live endpoint or caller does, in lines that a telephony engineer reads at night. No secret is ever in one.
///
/// A line about a call begins with the number of its leg and ends with its Call-ID.
public struct CallLog {
  public private(set) var book: CallBook
  /// Sessions of the configuration that are good for one call.
  private let singleUse: Set<String>
  /// The packets are judged: of rules that those show to be broken nothing is said here.
  private let isJudged: Bool
  /// The decision whose response comes next, so that it is not told twice.
  private var decided: (callID: String, method: String)?
  private let digits: DigitLines

  /// - Parameter masksDigits: says that a digit came, and not which.
  public init(after lastLeg: Int = 0, singleUse: Set<String> = [], isJudged: Bool = false, masksDigits: Bool = false) {
    digits = DigitLines(isMasked: masksDigits)
    book = CallBook(after: lastLeg)
    self.singleUse = singleUse
    self.isJudged = isJudged
  }

  public mutating func asked(for change: SessionChange, on leg: LegID) { book.asked(for: change, on: leg) }

  /// Counts an event without a line.
  public mutating func note(_ event: EndpointEvent, at now: Instant) {
    switch event {
    case .party(let party): _ = count(party)
    case .decision(_, let decision, let request): remember(decision, request)
    case .joined, .carried, .relayed, .notRelayed, .sessionEnded, .notCalled, .tlsKept: break
    }
    book.take(event, at: now)
  }

  /// The line for an event of the endpoint; nil for what needs none.
  public mutating func line(for event: EndpointEvent, at now: Instant) -> String? {
    if case .party(let party) = event { return line(for: party, at: now) }
    book.take(event, at: now)
    switch event {
    case .decision(let leg, let decision, let request): return line(leg, decision, request)
    case .notCalled(let account, let reason): return "account \(account) is not called: \(reason)"
    case .tlsKept(let reason): return "TLS stays as it was: \(reason)"
    case .sessionEnded(let session, _) where singleUse.contains(session):
      return "session \(session) has ended: it was valid for one call; further calls to it get 410 until serve is restarted. "
        + "'reusable: true' in the configuration makes it valid for any number of calls"
    case .relayed(let leg, let other, let digit, let way):
      return book[leg].map { "leg \($0.number): \(digits.relayed(digit, to: book[other]?.number, by: way)) (Call-ID \($0.facts.callID))" }
    case .notRelayed(let leg, let other, let digit, let reason):
      return book[leg].map { "leg \($0.number): \(digits.notRelayed(digit, to: book[other]?.number, reason)) (Call-ID \($0.facts.callID))" }
    case .party, .joined, .carried, .sessionEnded: return nil
    }
  }

  /// The line for an event of a party; nil for what needs none.
  public mutating func line(for party: CallAgentEvent, at now: Instant) -> String? {
    let before = party.leg.flatMap { book[$0] }
    let joined = party.leg.flatMap { book.session(joinedBy: $0) }
    let isNews = count(party)
    book.take(party, at: now)
    guard isNews else { return nil }
    let after = party.leg.flatMap { book[$0] } ?? before
    guard let text = text(party, before, after, joined) else { return nil }
    return after.map { "leg \($0.number): \(text) (Call-ID \($0.facts.callID))" } ?? text
  }

  /// What the response that follows is for, unless the request passed.
  private mutating func remember(_ decision: PolicyDecision, _ request: JudgedRequest) {
    if decision.verdict != .passed { decided = (request.callID, request.method) }
  }

  /// Counts a response that no policy decision has told already; false for one that was told.
  private mutating func count(_ party: CallAgentEvent) -> Bool {
    guard case .requestRefused(_, let request) = party else { return true }
    defer { decided = nil }
    if let decided, decided.callID == request.callID, decided.method == request.method { return false }
    book.count(request)
    return true
  }

  /// The line for what the captures say.
  public func line(for event: CaptureEvent) -> String {
    guard case .callOpened(let leg, let callID, let path) = event, let entry = book[leg] else { return "\(event)" }
    return "leg \(entry.number): captured in \(path) (Call-ID \(callID))"
  }

  private mutating func line(_ leg: LegID?, _ decision: PolicyDecision, _ request: JudgedRequest) -> String? {
    if case .passed = decision.verdict, decision.rule != .registration { return nil }
    remember(decision, request)
    let way = request.peer.map { "\(request.isOurs ? "to" : "from") \($0)" } ?? "to a registered name"
    let subject = request.method.isEmpty ? "connection" : request.method
    let callID = request.callID.isEmpty ? "" : " (Call-ID \(request.callID))"
    return "\(subject) \(way): policy step \(decision)\(callID)"
  }

  private func text(
    _ event: CallAgentEvent, _ before: CallBook.Entry?, _ after: CallBook.Entry?,
    _ joined: (session: String, account: String, role: String)?
  ) -> String? {
    switch event {
    case .started(_, let facts): return started(facts, joined)
    case .established(_, let agreement): return "up, \(Self.text(agreement))"
    case .earlyMedia(_, let agreement): return "early media, \(Self.text(agreement))"
    case .renegotiated(_, let agreement): return "re-INVITE, \(Self.hold(before, after))\(Self.text(agreement))"
    case .reinviteFailed(_, _, let reason): return "re-INVITE failed, the session is unchanged: \(reason)"
    case .ringing(_, let status): return "\(status)"
    case .refused(_, let status, let phrase, let explanation): return "\(status) \(phrase)\(explanation.map { ": \($0)" } ?? "")"
    case .mediaStarted: return "first RTP packet received"
    case .mediaLatched(_, let source): return "RTP arrives from \(source), not from the address in SDP; RTP is sent there"
    case .toneHeard(_, let frequency): return "tone of \(frequency) Hz detected"
    case .toneEnded: return "the tone ended"
    case .markFound: return nil
    case .reason(_, let text): return "Reason from the peer: \(text)"
    case .ended(_, let reason, let report): return "\(reason)\(report.map { "; \(Self.text($0))" } ?? "")"
    case .mediaPorts: return nil
    case .redirected(_, let status, let uri, let target):
      return "\(status.map { "\($0): redirected, " } ?? "no answer: ")INVITE sent to \(uri) at \(target)"
    case .failedOver(_, let failed, let reason, let next): return "\(failed): \(reason); sent to \(next)"
    default: return digits.text(event) ?? unbound(event, isOfCall: after != nil)
    }
  }

  /// What may concern no call.
  private func unbound(_ event: CallAgentEvent, isOfCall: Bool) -> String? {
    switch event {
    case .listening(let listener): return "listening on \(listener)"
    case .listenFailed(let listener, let failure): return "cannot listen on \(listener): \(failure)"
    case .connectionFailed(let remote, let reason): return "connection to \(remote): \(reason)"
    case .socketFailed(_, let failure): return "\(failure)"
    case .acceptsAgain(let listener): return "connections to \(listener) are accepted again"
    case .malformed(let source, let rule): return "\(source) sent what cannot be processed: \(rule)"
    case .registered(let aor, let expires): return "\(aor) is registered for \(expires) s"
    case .registrationFailed(let aor, let reason): return "registration of \(aor) failed: \(reason)"
    case .optionsAnswered(let status): return "OPTIONS answered with \(status)"
    case .optionsFailed(let reason): return "OPTIONS: \(reason)"
    case .note(_, let note): return "\(note)"
    case .violation(_, let violation):
      return isJudged && violation.rule.watchers.contains(.reader) ? nil : "the peer broke a rule: \(violation)"
    case .portsMissing(_, let reason), .serversFailed(_, let reason): return reason
    case .requestRefused(_, let request): return "\(request)\(isOfCall || request.callID.isEmpty ? "" : " (Call-ID \(request.callID))")"
    default: return nil
    }
  }

  private func started(_ facts: LegFacts, _ joined: (session: String, account: String, role: String)?) -> String {
    let way =
      facts.direction == .incoming
      ? "from \(facts.from) (\(facts.peer)) to \(facts.to)" : "to \(facts.to) (\(facts.peer)) from \(facts.from)"
    let place = joined.map { ", session \($0.session) as \($0.role)\($0.account.isEmpty ? "" : ", account \($0.account)")" } ?? ""
    return "call \(way) over \(facts.transport.viaToken)\(place)"
  }

  /// What a re-INVITE did to hold, for its line.
  private static func hold(_ before: CallBook.Entry?, _ after: CallBook.Entry?) -> String {
    guard let before, let after, before.state != after.state else { return "" }
    if after.state != .up { return "\(after.state.rawValue): " }
    return before.state == .heldByPeer ? "resumed by the peer: " : before.state == .onHold ? "resumed by us: " : "resumed: "
  }

  /// `RTP out 250, in 248, 2 lost, jitter 0.4 ms`.
  public static func text(_ report: MediaReport) -> String {
    let micro = report.jitter.wholeNanoseconds / 1_000
    let tones = report.tones.isEmpty ? "" : ", heard \(report.tones.map { "\($0) Hz" }.joined(separator: ", "))"
    return
      "RTP out \(report.packetsSent), in \(report.packetsReceived), \(report.packetsLost) lost, jitter "
      + "\(micro / 1_000).\(micro % 1_000 / 100) ms\(tones)\(report.quality.map { ", \($0.text)" } ?? "")"
  }

  /// `PCMU 20 ms, RTP 192.0.2.1:20000 to 192.0.2.2:10000, sendrecv`.
  static func text(_ agreement: AudioAgreement) -> String {
    "\(agreement.codec.rawValue) \(agreement.packetTime) ms, RTP \(agreement.local) to \(agreement.remote), \(agreement.direction.rawValue)"
  }
}
