import SansIO

/// The re-INVITEs of one dialog, ours and the peer's (RFC 3261 §14). At most one is open at a time.
///
/// ```
///   ours:    idle ──modify / INVITE──► offered ──2xx / ACK by the party──► idle
///            offered ── 491 ──► idle ── the wait of §14.1 is over / the party is told, and may try again ──► idle
///            offered ── 408, 481, Timer B / BYE ──► idle                   the dialog is gone (§12.2.1.2)
///            offered ── any other 3xx–6xx, transport ──► idle               the session stays as it was
///
///   theirs:  idle ──INVITE──► answering ──200──► answered ──ACK──► idle
///                                 │                 ├ T1, 2·T1 … T2: 200 again
///                                 └ refused ► idle  └ 64·T1: BYE ──► idle
/// ```
/// An INVITE of theirs is refused with 491 while one of ours is open or theirs waits for its ACK (RFC 5407 §3.1.5), and with 500 while
/// the last one is not answered (§14.2).
public struct SessionModification: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case idle
    case offered
    case answering
    case answered(SuccessRetransmission)
  }

  public enum Input: Hashable, Sendable {
    case modify
    case success
    /// 491; nanoseconds to wait.
    case glare(wait: Int64)
    /// 408, 481 or Timer B.
    case dialogGone
    case rejected
    /// The peer sent an INVITE.
    case requested
    case answer
    case refuse
    case ack
    case timer
  }

  public enum Output: Hashable, Sendable {
    case sendInvite
    /// There is an open INVITE already: nothing was sent.
    case busy
    case succeeded
    case failed
    /// The wait after a 491 is over: an offer made now may be another one than before.
    case retryDue
    case handUp
    case refusePending
    case refuseUnfinished
    case sendSuccess
    case repeatSuccess(attempt: Int)
    case acknowledged
    case endDialog(LegEnd)
  }

  public private(set) var state: State = .idle
  /// When a change of ours that met a 491 may be tried again.
  private var retryAt: Instant?
  private let t1: Int64
  private let t2: Int64

  /// - Parameters:
  ///   - t1: nanoseconds.
  ///   - t2: nanoseconds.
  public init(t1: Int64 = 500_000_000, t2: Int64 = 4_000_000_000) {
    self.t1 = t1
    self.t2 = t2
  }

  /// When `.timer` is due.
  public var nextDeadline: Instant? {
    switch state {
    case .idle: retryAt
    case .answered(let retransmission): retransmission.due
    case .offered, .answering: nil
    }
  }

  public mutating func handle(_ input: Input, at now: Instant) -> [Output] {
    let next: State
    let outputs: [Output]
    switch (state, input) {
    case (.idle, .modify): (next, outputs) = retryAt == nil ? (.offered, [.sendInvite]) : (.idle, [])
    case (.idle, .timer):
      guard let due = retryAt, due <= now else { return [] }
      retryAt = nil
      (next, outputs) = (.idle, [.retryDue])
    case (.offered, .modify): (next, outputs) = (state, [.busy])
    case (.answering, .modify), (.answered, .modify):
      // Theirs first; the party is asked again once it is over.
      retryAt = now
      (next, outputs) = (state, [])

    case (.offered, .success): (next, outputs) = (.idle, [.succeeded])
    case (.offered, .glare(let wait)):
      retryAt = now.adding(nanoseconds: wait)
      (next, outputs) = (.idle, [])
    case (.offered, .dialogGone): (next, outputs) = (.idle, [.failed, .endDialog(.dialogLost)])
    case (.offered, .rejected): (next, outputs) = (.idle, [.failed])

    case (.idle, .requested): (next, outputs) = (.answering, [.handUp])
    case (.offered, .requested), (.answered, .requested): (next, outputs) = (state, [.refusePending])
    case (.answering, .requested): (next, outputs) = (state, [.refuseUnfinished])
    case (.answering, .answer): (next, outputs) = (.answered(SuccessRetransmission(at: now, t1: t1, t2: t2)), [.sendSuccess])
    case (.answering, .refuse): (next, outputs) = (.idle, [])
    case (.answered, .ack): (next, outputs) = (.idle, [.acknowledged])
    case (.answered(var retransmission), .timer):
      switch retransmission.step(at: now) {
      case .again(let attempt): (next, outputs) = (.answered(retransmission), [.repeatSuccess(attempt: attempt)])
      case .giveUp: (next, outputs) = (.idle, [.endDialog(.ackMissing)])
      }

    case (.idle, .success), (.idle, .glare), (.idle, .dialogGone), (.idle, .rejected), (.idle, .answer), (.idle, .refuse), (.idle, .ack),
      (.offered, .answer), (.offered, .refuse), (.offered, .ack), (.offered, .timer), (.answering, .success), (.answering, .glare),
      (.answering, .dialogGone), (.answering, .rejected), (.answering, .ack),
      (.answering, .timer), (.answered, .success), (.answered, .glare), (.answered, .dialogGone), (.answered, .rejected),
      (.answered, .answer), (.answered, .refuse):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }
}
