import KallglotPolicy
import SansIO

/// The sessions of an endpoint, the calls in them, and what both may last.
///
/// A leg is a number to it: what a leg is made of, and how it is hung up, is its owner's. The life of each session is a ``SessionLife``;
/// a call counts against its account from its admission to its end:
///
/// ```
///           admitted                  ended
///  (none) ───────────▶ counted call ─────────▶ (none)
///                          │ established: maxCallDuration starts
///                          │ maxCallDuration is over: hangUp
/// ```
struct SessionCore<Leg: SerialKey> {
  /// What a call was admitted with; the policy of that moment holds to its end.
  struct Terms: Hashable, Sendable {
    var account: String
    var policy: Policy
  }

  /// Where a call goes.
  enum Destination: Hashable, Sendable {
    case session(String)
    /// A session of its own (inbound-first).
    case inbound
  }

  enum Lookup: Hashable {
    case found
    /// Never existed, or belongs to another organization.
    case unknown
    case ended
    /// Two legs are up or being set up already.
    case full
  }

  enum Input {
    case admitted(Leg, Terms, to: Destination, role: SessionRole?)
    case established(Leg)
    case ended(Leg)
    /// The API ends a session.
    case endSession(String)
  }

  enum Output: Hashable {
    case joined(Leg, session: String, account: String, SessionRole)
    case hangUp(Leg, HangUpCause)
    case sessionEnded(String, SessionEnd)
  }

  enum HangUpCause: Hashable, Sendable { case sessionEnded, durationReached }

  private struct Entry {
    let number: UInt32
    var given: Session
    var life: SessionLife<Leg>
    /// A call made it: it is forgotten when it is over.
    var isInbound = false
  }

  /// The session whose grace runs.
  private struct Grace: SerialKey {
    let number: UInt32
    let session: String
  }

  private struct Call {
    var terms: Terms
    var session: String
  }

  private var sessions: [String: Entry] = [:]
  private var calls = SerialTable<Call>()
  private var callsByAccount: [String: Int] = [:]
  private var lastInbound = 0
  private var lastNumber: UInt32 = 0
  /// Sessions without legs, until their grace is over.
  private var graces = DeadlineQueue<Grace>()
  private var durations = DeadlineQueue<Leg>()

  init(_ given: [Session]) {
    for session in given { keep(session, SessionLife(session.state, isReusable: session.isReusable)) }
  }

  // MARK: - Queries

  subscript(id: String) -> Session? { sessions[id]?.given }

  /// - Parameter account: whose session it has to be; nil = anybody's.
  func lookUp(_ id: String, account: String?) -> Lookup {
    guard let entry = sessions[id], account == nil || entry.given.account == account else { return .unknown }
    if case .ended = entry.life.state { return .ended }
    return entry.life.members.count < Session.maximumLegs ? .found : .full
  }

  func terms(of leg: Leg) -> Terms? { calls[leg.number]?.terms }

  /// The other leg of its session, once both are in it.
  func partner(of leg: Leg) -> Leg? {
    guard let id = calls[leg.number]?.session, let entry = sessions[id] else { return nil }
    return entry.life.members.first { $0.leg != leg }?.leg
  }

  /// Calls of the account that are up or being set up.
  func calls(of account: String) -> Int { callsByAccount[account, default: 0] }

  var nextDeadline: Instant? {
    guard let duration = durations.next else { return graces.next }
    return graces.next.map { min($0, duration) } ?? duration
  }

  var sessionCount: Int { sessions.count }

  // MARK: - Inputs

  mutating func handle(_ input: Input, at now: Instant) -> [Output] {
    switch input {
    case .admitted(let leg, let terms, let destination, let role):
      let id = self.id(of: destination, account: terms.account)
      calls[leg.number] = Call(terms: terms, session: id)
      callsByAccount[terms.account, default: 0] += 1
      return advance(id, .join(leg, role), at: now)
    case .established(let leg):
      guard let call = calls[leg.number] else { return [] }
      if let limit = call.terms.policy.maxCallDuration { durations.set(leg, at: now.advanced(by: limit)) }
      return advance(call.session, .established, at: now)
    case .ended(let leg):
      durations.remove(leg)
      guard let call = calls.remove(leg.number) else { return [] }
      let left = callsByAccount[call.terms.account, default: 1] - 1
      callsByAccount[call.terms.account] = left > 0 ? left : nil
      return advance(call.session, .left(leg, grace: call.terms.policy.byeGrace), at: now)
    case .endSession(let id): return advance(id, .end, at: now)
    }
  }

  /// What the first deadline that is over leads to; nil when none is.
  mutating func takeExpired(at now: Instant) -> [Output]? {
    if let leg = durations.takeExpired(at: now) { return [.hangUp(leg, .durationReached)] }
    return graces.takeExpired(at: now).map { advance($0.session, .graceOver, at: now) }
  }

  private mutating func id(of destination: Destination, account: String) -> String {
    switch destination {
    case .session(let id): return id
    case .inbound:
      lastInbound += 1
      let session = Session(id: "sess_inbound\(lastInbound)", account: account)
      keep(session, SessionLife(.created, isReusable: false), isInbound: true)
      return session.id
    }
  }

  private mutating func keep(_ session: Session, _ life: SessionLife<Leg>, isInbound: Bool = false) {
    lastNumber += 1
    sessions[session.id] = Entry(number: lastNumber, given: session, life: life, isInbound: isInbound)
  }

  private mutating func advance(_ id: String, _ input: SessionLife<Leg>.Input, at now: Instant) -> [Output] {
    guard var entry = sessions[id] else { return [] }
    let outputs = entry.life.handle(input)
    let isOver = entry.isInbound && entry.life.isIdle
    sessions[id] = isOver ? nil : entry
    return outputs.compactMap { output in
      switch output {
      case .joined(let leg, let role):
        return .joined(leg, session: id, account: calls[leg.number]?.terms.account ?? entry.given.account, role)
      case .hangUp(let leg): return .hangUp(leg, .sessionEnded)
      case .ended(let why): return .sessionEnded(id, why)
      case .startGrace(let grace): graces.set(Grace(number: entry.number, session: id), at: now.advanced(by: grace))
      case .stopGrace: graces.remove(Grace(number: entry.number, session: id))
      }
      return nil
    }
  }
}

extension SessionLife {
  /// Nothing is left of it that a leg could come to or be hung up in.
  fileprivate var isIdle: Bool {
    switch state {
    case .created, .ended([]): true
    case .gathering, .active, .lingering, .ended: false
    }
  }
}
