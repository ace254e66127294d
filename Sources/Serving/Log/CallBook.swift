import Kallglot
import KallglotPolicy
import CallControl
import SDP
import SIPUserAgent
import SansIO

/// The calls of a live host as its users count and see them: legs by the number that the log gives them, from 1 without a gap.
///
/// ```
///   calling (ours) ──┐
///   arriving ────────┼── ringing ── early media ──► up ◄──► held by the peer, on hold by us, held by both ──► over
/// ```
public struct CallBook {
  public enum State: String, Hashable, Sendable {
    case arriving, calling, ringing
    case earlyMedia = "early media"
    case up
    case heldByPeer = "held by the peer"
    case onHold = "on hold by us"
    case heldByBoth = "held by both"
  }

  public struct Entry: Hashable, Sendable {
    public var number: Int
    public var leg: LegID
    public var facts: LegFacts
    /// Empty where none is known.
    public var account: String
    public var session: String
    public var state: State
    /// Of the state.
    public var since: Instant
    public var codec: String?
    /// We asked for hold.
    var isHeldHere = false

    fileprivate mutating func move(to next: State, at now: Instant) {
      guard state != next else { return }
      state = next
      since = now
    }
  }

  /// What a summary tells.
  public struct Totals: Hashable, Sendable {
    public var calls = 0
    public var answered = 0
    /// By `method, by rule (status)`.
    public var refusals: [String: Int] = [:]
  }

  public private(set) var totals = Totals()
  /// The number of the last leg.
  public private(set) var lastNumber: Int
  private var entries: [LegID: Entry] = [:]
  private var legs: [Int: LegID] = [:]
  private var joined: [LegID: (session: String, account: String, role: String)] = [:]

  /// - Parameter last: the number of the last leg of an earlier run.
  public init(after last: Int = 0) { lastNumber = last }

  public subscript(leg: LegID) -> Entry? { entries[leg] }
  public func leg(numbered number: Int) -> LegID? { legs[number] }
  /// In the order of their numbers.
  public var live: [Entry] { entries.values.sorted { $0.number < $1.number } }

  /// What a leg that has not been told as started yet joined.
  func session(joinedBy leg: LegID) -> (session: String, account: String, role: String)? { joined[leg] }

  // MARK: - Events

  public mutating func take(_ event: EndpointEvent, at now: Instant) {
    switch event {
    case .party(let event): take(event, at: now)
    case .joined(let leg, let session, let account, let role): joined[leg] = (session, account, role.rawValue)
    case .decision(_, let decision, let request): count(decision, request)
    case .carried, .relayed, .notRelayed, .sessionEnded, .notCalled, .tlsKept: break
    }
  }

  public mutating func take(_ event: CallAgentEvent, at now: Instant) {
    switch event {
    case .started(let leg, let facts): begin(leg, facts, at: now)
    case .ringing(let leg, _): change(leg) { $0.move(to: .ringing, at: now) }
    case .earlyMedia(let leg, let agreement):
      change(leg) { entry in
        entry.codec = agreement.codec.rawValue
        entry.move(to: .earlyMedia, at: now)
      }
    case .established(let leg, let agreement):
      totals.answered += 1
      change(leg) { entry in
        entry.codec = agreement.codec.rawValue
        entry.move(to: .up, at: now)
      }
    case .renegotiated(let leg, let agreement):
      change(leg) { entry in
        entry.codec = agreement.codec.rawValue
        entry.move(to: Self.state(agreement.direction, of: entry), at: now)
      }
    case .ended(let leg, _, _):
      if let number = entries.removeValue(forKey: leg)?.number { legs[number] = nil }
      joined[leg] = nil
    default: break
    }
  }

  private mutating func begin(_ leg: LegID, _ facts: LegFacts, at now: Instant) {
    lastNumber += 1
    totals.calls += 1
    let place = joined.removeValue(forKey: leg)
    entries[leg] = Entry(
      number: lastNumber, leg: leg, facts: facts, account: place?.account ?? "", session: place?.session ?? "",
      state: facts.direction == .outgoing ? .calling : .arriving, since: now)
    legs[lastNumber] = leg
  }

  /// In place: an entry is large.
  private mutating func change(_ leg: LegID, _ body: (inout Entry) -> Void) {
    if let index = entries.index(forKey: leg) { body(&entries.values[index]) }
  }

  private mutating func count(_ decision: PolicyDecision, _ request: JudgedRequest) {
    let what = request.method.isEmpty ? "connection" : request.method
    switch decision.verdict {
    case .refused(let status): totals.refusals["\(what) by \(decision.rule.rawValue) (\(status))", default: 0] += 1
    case .dropped: totals.refusals["\(what) by \(decision.rule.rawValue) (dropped)", default: 0] += 1
    case .passed, .challenged: break
    }
  }

  /// A refusal that no policy step decided about.
  mutating func count(_ refused: RefusedRequest) { totals.refusals["\(refused.method) with \(refused.status)", default: 0] += 1 }

  // MARK: - Hold

  /// We asked for this; the agreement that follows shows whether the peer took it.
  public mutating func asked(for change: SessionChange, on leg: LegID) {
    switch change {
    case .hold: entries[leg]?.isHeldHere = true
    case .resume: entries[leg]?.isHeldHere = false
    case .refresh, .renew, .askForOffer, .directMedia: break
    }
  }

  /// Who holds, by the direction as we have it (RFC 3264 §8.4): who does not want to hear the other.
  private static func state(_ direction: MediaDirection, of entry: Entry) -> State {
    switch direction {
    case .sendrecv: .up
    case .sendonly: .onHold
    case .recvonly: .heldByPeer
    case .inactive: !entry.isHeldHere ? .heldByPeer : entry.state == .onHold || entry.state == .up ? .onHold : .heldByBoth
    }
  }
}
