import KallglotPolicy
import SansIO

/// The re-INVITEs of one dialog, ours and the peer's (RFC 3261 §14). At most one is open at a time.
///
/// ```
///   ours:    idle ──reinvite / INVITE──► offered ──2xx / ACK by the owner──► idle
///            offered ── 491 ──► waiting ── the wait of §14.1 is over / the owner may try again ──► idle
///            offered ── 408, 481, Timer B / BYE ──► idle                   the dialog is gone (§12.2.1.2)
///            offered ── any other 3xx–6xx, transport ──► idle               the session stays as it was
///
///   theirs:  idle, waiting ──INVITE──► answering ──200──► answered ──ACK──► idle, or waiting where one of ours has to wait
///                                         │                 ├ T1, 2·T1 … T2: 200 again
///                                         └ refused ► idle  └ 64·T1: BYE ──► idle
/// ```
/// An INVITE of theirs is refused with 491 while one of ours is open or theirs waits for its ACK (RFC 5407 §3.1.5), and with 500 while
/// the last one is not answered (§14.2). Generic over the messages that it hands on, so that none travels beside its machine.
public struct OfferAnswerExchange<Message: Hashable & Sendable>: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case idle
    /// One of ours may be tried at this instant.
    case waiting(until: Instant)
    case offered
    /// `then`: when one of ours may be tried that has to wait for theirs.
    case answering(then: Instant?)
    case answered(SuccessRetransmission, then: Instant?)
  }

  public enum Input: Hashable, Sendable {
    case reinvite
    case success(Message)
    /// 491; nanoseconds to wait.
    case glare(wait: Int64)
    /// 408, 481 or Timer B; nil = no answer.
    case dialogGone(Message?)
    /// nil = it was never delivered.
    case rejected(Message?)
    /// The peer sent an INVITE.
    case requested(Message)
    case answer
    case refuse
    case ack(Message)
    case timer
  }

  public enum Output: Hashable, Sendable {
    case sendInvite
    /// There is an open INVITE already: nothing was sent.
    case busy
    case succeeded(Message)
    case failed(Message?)
    /// The wait after a 491 is over: an offer made now may be another one than before.
    case retryDue
    case handUp(Message)
    case refusePending(Message)
    case refuseUnfinished(Message)
    case sendSuccess
    case repeatSuccess(attempt: Int)
    case acknowledged(Message)
    case endDialog(EndReason)
  }

  public private(set) var state: State = .idle
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
    case .waiting(let until): until
    case .answered(let retransmission, _): retransmission.due
    case .idle, .offered, .answering: nil
    }
  }

  /// Whether a change of ours may be prepared: none is open, and none waits.
  public var isIdle: Bool {
    switch state {
    case .idle, .waiting: true
    case .offered, .answering, .answered: false
    }
  }

  public mutating func handle(_ input: Input, at now: Instant) -> Few<Output> {
    let next: State
    let outputs: Few<Output>
    switch (state, input) {
    case (.idle, .reinvite): (next, outputs) = (.offered, [.sendInvite])
    case (.waiting(let until), .timer): (next, outputs) = until <= now ? (.idle, [.retryDue]) : (state, [])
    case (.offered, .reinvite): (next, outputs) = (state, [.busy])
    // Theirs first; the owner is asked again once it is over.
    case (.answering, .reinvite): (next, outputs) = (.answering(then: now), [])
    case (.answered(let retransmission, _), .reinvite): (next, outputs) = (.answered(retransmission, then: now), [])

    case (.offered, .success(let message)): (next, outputs) = (.idle, [.succeeded(message)])
    case (.offered, .glare(let wait)): (next, outputs) = (.waiting(until: now.adding(nanoseconds: wait)), [])
    case (.offered, .dialogGone(let message)): (next, outputs) = (.idle, [.failed(message), .endDialog(.dialogLost)])
    case (.offered, .rejected(let message)): (next, outputs) = (.idle, [.failed(message)])

    case (.idle, .requested(let message)): (next, outputs) = (.answering(then: nil), [.handUp(message)])
    case (.waiting(let until), .requested(let message)): (next, outputs) = (.answering(then: until), [.handUp(message)])
    case (.offered, .requested(let message)), (.answered, .requested(let message)): (next, outputs) = (state, [.refusePending(message)])
    case (.answering, .requested(let message)): (next, outputs) = (state, [.refuseUnfinished(message)])
    case (.answering(let then), .answer):
      (next, outputs) = (.answered(SuccessRetransmission(at: now, t1: t1, t2: t2), then: then), [.sendSuccess])
    case (.answering(let then), .refuse): (next, outputs) = (Self.rest(then), [])
    case (.answered(_, let then), .ack(let message)): (next, outputs) = (Self.rest(then), [.acknowledged(message)])
    case (.answered(var retransmission, let then), .timer):
      switch retransmission.step(at: now) {
      case .again(let attempt): (next, outputs) = (.answered(retransmission, then: then), [.repeatSuccess(attempt: attempt)])
      case .giveUp: (next, outputs) = (Self.rest(then), [.endDialog(.ackMissing)])
      }

    case (.idle, .success), (.idle, .glare), (.idle, .dialogGone), (.idle, .rejected), (.idle, .answer), (.idle, .refuse), (.idle, .ack),
      (.idle, .timer), (.waiting, .reinvite), (.waiting, .success), (.waiting, .glare), (.waiting, .dialogGone), (.waiting, .rejected),
      (.waiting, .answer), (.waiting, .refuse), (.waiting, .ack), (.offered, .answer), (.offered, .refuse), (.offered, .ack),
      (.offered, .timer), (.answering, .success), (.answering, .glare), (.answering, .dialogGone), (.answering, .rejected),
      (.answering, .ack), (.answering, .timer), (.answered, .success), (.answered, .glare), (.answered, .dialogGone),
      (.answered, .rejected), (.answered, .answer), (.answered, .refuse):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private static func rest(_ then: Instant?) -> State { then.map { .waiting(until: $0) } ?? .idle }
}
