import SDP
import SansIO

/// What this side changes of a session that is up: hold, resume, direct media, music, one re-INVITE after the other (RFC 3261 §14.1).
///
/// ```
///                  wanted                            succeeded, failed: the next one
///   settled ───────────────────► changing(change, later) ──┐
///      ▲                            │   ▲  ▲               │
///      │   none is left             │   │  └───────────────┘
///      ├────────────────────────────┤   └── due: the same once more (491)
///      │                            │
///      └─ leave: direct media is brought back first ──► leaving(change, later) ── succeeded, failed ──► hangUp
/// ```
struct SessionChanges: Hashable, Sendable {
  enum State: Hashable, Sendable {
    case settled
    case changing(SessionChange, later: [SessionChange])
    /// BYE follows when what is under way has come to an end.
    case leaving(SessionChange, later: [SessionChange])
  }

  enum Input: Hashable, Sendable {
    /// The re-INVITEs that a change takes.
    case wanted([SessionChange])
    /// The wait after a 491 is over.
    case due
    case succeeded
    case failed
    /// The call shall end.
    case leave
  }

  enum Output: Hashable, Sendable {
    /// Music will be needed one round trip later.
    case prepareMusic
    case send(SessionChange)
    case hangUp
  }

  private(set) var state = State.settled
  /// What this side wants: sendrecv but for a hold of ours.
  var wish: MediaDirection = .sendrecv
  /// Where our descriptions send the peer's media instead of here.
  private(set) var directMedia: TransportAddress?
  /// Where our media moves, with the re-INVITE that is under way: those ports are open.
  var next: TransportAddress?
  /// Where a held peer hears music from.
  var music: TransportAddress?

  /// What is under way.
  var current: SessionChange? {
    switch state {
    case .settled: nil
    case .changing(let change, _), .leaving(let change, _): change
    }
  }

  var isLeaving: Bool { if case .leaving = state { true } else { false } }

  mutating func handle(_ input: Input) -> [Output] {
    let next: State
    let outputs: [Output]
    switch (state, input) {
    case (.settled, .wanted(let changes)):
      guard let first = changes.first else { return [] }
      let later = Array(changes.dropFirst())
      let needsMusic = first == .hold(.inactive) && later.first == .askForOffer(answering: .sendonly)
      (next, outputs) = (.changing(first, later: later), needsMusic ? [.prepareMusic, .send(first)] : [.send(first)])
    case (.changing(let change, let later), .wanted(let changes)):
      (next, outputs) = (.changing(change, later: later + changes), [])
    case (.leaving(let change, let later), .wanted(let changes)):
      (next, outputs) = (.leaving(change, later: later + changes), [])

    case (.changing(let change, _), .due), (.leaving(let change, _), .due): (next, outputs) = (state, [.send(change)])

    case (.changing(let change, let later), .succeeded):
      if case .directMedia(let place) = change { directMedia = place }
      if case .renew(_, ports: true) = change { directMedia = nil }
      (next, outputs) = Self.following(later)
    case (.changing(_, let later), .failed): (next, outputs) = Self.following(later)
    case (.leaving(.askForOffer, let later), .succeeded):
      // Media is not back yet.
      (next, outputs) = later.isEmpty ? (.settled, [.hangUp]) : (.leaving(later[0], later: Array(later.dropFirst())), [.send(later[0])])
    case (.leaving, .succeeded), (.leaving, .failed): (next, outputs) = (.settled, [.hangUp])

    case (.settled, .leave): (next, outputs) = (.leaving(.directMedia(to: nil), later: []), [.send(.directMedia(to: nil))])
    case (.changing(let change, _), .leave): (next, outputs) = (.leaving(change, later: [.directMedia(to: nil)]), [])

    case (.settled, .due), (.settled, .succeeded), (.settled, .failed), (.leaving, .leave): (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private static func following(_ later: [SessionChange]) -> (State, [Output]) {
    guard let first = later.first else { return (.settled, []) }
    return (.changing(first, later: Array(later.dropFirst())), [.send(first)])
  }
}
