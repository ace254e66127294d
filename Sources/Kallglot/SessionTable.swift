import KallglotPolicy
import SIPUserAgent

/// The sessions of the endpoint and their legs (contract 8.3).
struct SessionTable {
  enum Lookup: Equatable {
    case found(Session)
    /// 404: never existed, or belongs to another organization.
    case unknown
    /// 410.
    case ended
    /// 486: two legs are up already.
    case full
  }

  private var sessions: [String: Session] = [:]
  private var sessionsByLeg: [LegID: String] = [:]
  private var lastInbound = 0

  init(_ given: [Session]) {
    for session in given { sessions[session.id] = session }
  }

  subscript(id: String) -> Session? { sessions[id] }

  func lookUp(_ id: String, account: String?) -> Lookup {
    guard let session = sessions[id], account == nil || session.account == account else { return .unknown }
    if session.state == .ended { return .ended }
    return session.legs.count < Session.maximumLegs ? .found(session) : .full
  }

  /// A session for a call that came without one (inbound-first).
  mutating func create(account: String) -> Session {
    lastInbound += 1
    let session = Session(id: "sess_inbound\(lastInbound)", account: account)
    sessions[session.id] = session
    return session
  }

  /// Adds a leg; its role is the one asked for if that is free, else customer first, agent second.
  mutating func join(_ leg: LegID, _ id: String, role asked: SessionRole?) -> SessionRole {
    let taken = sessions[id]?.legs.first.flatMap { sessions[id]?.roles[$0] }
    let role = taken?.other ?? asked ?? .customer
    sessions[id]?.legs.append(leg)
    sessions[id]?.roles[leg] = role
    sessionsByLeg[leg] = id
    return role
  }

  /// A session that was made for a call which was then refused.
  mutating func discard(_ id: String) {
    if sessions[id]?.legs.isEmpty == true, id.hasPrefix("sess_inbound") { sessions[id] = nil }
  }

  /// Ends a session, as the API does; its legs, in the order they joined, have to be hung up.
  mutating func end(_ id: String) -> [LegID] {
    sessions[id]?.state = .ended
    return sessions[id]?.legs ?? []
  }

  mutating func activate(_ leg: LegID) {
    if let id = sessionsByLeg[leg] { sessions[id]?.state = .active }
  }

  /// A leg is gone. The id of its session when that was the last leg of an active one: it ends after its grace, by ``complete(_:)``. A
  /// session that never was active stays open for another try, and a reusable one for as many as come.
  mutating func leave(_ leg: LegID) -> String? {
    guard let id = sessionsByLeg.removeValue(forKey: leg), sessions[id] != nil else { return nil }
    sessions[id]?.legs.removeAll { $0 == leg }
    sessions[id]?.roles[leg] = nil
    guard let session = sessions[id], session.legs.isEmpty else { return nil }
    if session.state == .active, !session.isReusable { return id }
    if session.state == .active { sessions[id]?.state = .created }
    forgetInbound(id)
    return nil
  }

  /// Ends a session that is without legs still.
  mutating func complete(_ id: String) -> Bool {
    guard let session = sessions[id], session.legs.isEmpty, session.state == .active else { return false }
    sessions[id]?.state = .ended
    forgetInbound(id)
    return true
  }

  /// Sessions that a call made are not looked up again once they are over.
  private mutating func forgetInbound(_ id: String) { if id.hasPrefix("sess_inbound") { sessions[id] = nil } }

  /// Sessions, and legs in them.
  var counts: (sessions: Int, legs: Int) { (sessions.count, sessionsByLeg.count) }
}
