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
  mutating func join(_ leg: LegID, _ id: String, role asked: Session.Role?) -> Session.Role {
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

  /// A leg is gone. The session ends with its last leg if it was active; one that never was stays open for another try.
  mutating func leave(_ leg: LegID) {
    guard let id = sessionsByLeg.removeValue(forKey: leg), var session = sessions[id] else { return }
    session.legs.removeAll { $0 == leg }
    session.roles[leg] = nil
    if session.legs.isEmpty, session.state == .active { session.state = .ended }
    // Sessions that a call made are not looked up again once they are over.
    sessions[id] = session.legs.isEmpty && id.hasPrefix("sess_inbound") ? nil : session
  }
}
