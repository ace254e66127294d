import KallglotPolicy

/// The life of one session, from its first leg to its end (contract 8.3).
///
/// ```
///            join                 established            last leg left               grace is over
///  created ───────▶ gathering ─────────────────▶ active ───────────────▶ lingering ─────────────────▶ ended
///     ▲                │                          │  ▲                      │
///     │  last leg left │                          │  └──────────────────────┘
///     ├────────────────┘                          │            join
///     │  last leg left, reusable                  │  last leg left, no grace: ended at once
///     └───────────────────────────────────────────┘
///
///  any state ── the API ends it ──▶ ended; its legs are hung up
/// ```
struct SessionLife<Leg: Hashable & Sendable> {
  struct Member: Hashable {
    var leg: Leg
    var role: SessionRole
  }

  enum State: Hashable {
    /// No leg, and none was up since it was made.
    case created
    /// Legs are being set up; none was up yet.
    case gathering([Member])
    /// A leg is or was up.
    case active([Member])
    /// Its last leg is gone; another may join until the grace is over.
    case lingering
    /// Over; what legs it has are being hung up.
    case ended([Member])
  }

  enum Input {
    /// A leg takes the role it asks for where that is free, else customer first, agent second.
    case join(Leg, SessionRole?)
    case established
    /// `grace`: how long a session that was active waits for another leg.
    case left(Leg, grace: Duration)
    case graceOver
    /// The API.
    case end
  }

  enum Output: Hashable {
    case joined(Leg, SessionRole)
    case startGrace(Duration)
    case stopGrace
    case hangUp(Leg)
    case ended(SessionEnd)
  }

  let isReusable: Bool
  private(set) var state: State

  init(_ state: SessionState, isReusable: Bool) {
    self.isReusable = isReusable
    self.state =
      switch state {
      case .created: .created
      case .active: .active([])
      case .ended: .ended([])
      }
  }

  var members: [Member] {
    switch state {
    case .created, .lingering: []
    case .gathering(let members), .active(let members), .ended(let members): members
    }
  }

  mutating func handle(_ input: Input) -> [Output] {
    let next: State, outputs: [Output]
    switch (state, input) {
    case (.created, .join(let leg, let asked)), (.gathering, .join(let leg, let asked)):
      let role = role(asked)
      (next, outputs) = (.gathering(members + [Member(leg: leg, role: role)]), [.joined(leg, role)])
    case (.active, .join(let leg, let asked)):
      let role = role(asked)
      (next, outputs) = (.active(members + [Member(leg: leg, role: role)]), [.joined(leg, role)])
    case (.lingering, .join(let leg, let asked)):
      let role = role(asked)
      (next, outputs) = (.active([Member(leg: leg, role: role)]), [.stopGrace, .joined(leg, role)])

    case (.gathering(let members), .established): (next, outputs) = (.active(members), [])

    case (.gathering(let before), .left(let leg, _)):
      let members = before.filter { $0.leg != leg }
      (next, outputs) = (members.isEmpty ? .created : .gathering(members), [])
    case (.active(let before), .left(let leg, let grace)):
      (next, outputs) = afterActive(before.filter { $0.leg != leg }, grace)
    case (.ended(let members), .left(let leg, _)): (next, outputs) = (.ended(members.filter { $0.leg != leg }), [])

    case (.lingering, .graceOver): (next, outputs) = (.ended([]), [.ended(.completed)])

    case (.created, .end), (.gathering, .end), (.active, .end):
      (next, outputs) = (.ended(members), [.ended(.byAPI)] + members.map { .hangUp($0.leg) })
    case (.lingering, .end): (next, outputs) = (.ended([]), [.stopGrace, .ended(.byAPI)])

    // Whoever lets legs in has looked the session up before: nobody joins one that is over. A leg that comes up while it is hung up
    // changes nothing.
    case (.ended, .join), (.ended, .established), (.ended, .graceOver), (.ended, .end), (.active, .established), (.created, .established),
      (.lingering, .established), (.created, .left), (.lingering, .left), (.created, .graceOver), (.gathering, .graceOver),
      (.active, .graceOver):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  /// The role that is free, else the one asked for, else customer.
  private func role(_ asked: SessionRole?) -> SessionRole { members.first?.role.other ?? asked ?? .customer }

  /// A leg has left an active session.
  private func afterActive(_ members: [Member], _ grace: Duration) -> (State, [Output]) {
    switch (members.isEmpty, isReusable, grace > .zero) {
    case (false, _, _): (.active(members), [])
    case (true, true, _): (.created, [])
    case (true, false, true): (.lingering, [.startGrace(grace)])
    case (true, false, false): (.ended([]), [.ended(.completed)])
    }
  }
}

/// Why a session is over.
enum SessionEnd: Hashable, Sendable {
  case completed
  case byAPI

  /// As the journal says it.
  var reason: String {
    switch self {
    case .completed: "completed"
    case .byAPI: "ended by the API"
    }
  }
}
