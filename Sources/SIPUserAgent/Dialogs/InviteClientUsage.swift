import KallglotPolicy
import SansIO
import SIPTransaction

/// The caller's side of one INVITE usage (RFC 3261 §9.1, §13.2, §15.1.1).
///
/// ```
///            dial
///             │
///             ▼   1xx                2xx / ACK
///       ┌─ calling ────► proceeding ───────────► established ──hang up / BYE──► terminating ──200 BYE──► ended
///       │     │              │                        │
///       │  cancel         cancel / CANCEL          BYE from peer
///       │     │              │  BYE / CANCEL ─► ended  └────────────────────────────────────────────────► ended
///       │     ▼    1xx / CANCEL
///       │  wanted ────► cancelling ──487──► ended
///       │                    └──────2xx / ACK, BYE ──► terminating         (the 200 crossed the CANCEL)
///       └── 3xx–6xx, Timer B, transport ──► ended
/// ```
///
/// A CANCEL may leave only after a provisional response (§9.1), hence `wanted`. A CANCEL that gets no final response is given up after
/// 64·T1 (§9.1), which is the guard timer.
///
/// Generic over the responses that it hands on, so that none travels beside its machine.
public struct InviteClientUsage<Response: Hashable & Sendable>: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case calling
    case cancelWanted
    case proceeding
    case cancelling
    case established
    case terminating(EndReason)
    case ended(EndReason)
  }

  public enum Input: Hashable, Sendable {
    case provisional(status: Int, Response)
    case success(Response)
    case rejected(status: Int, Response)
    case failed(TransactionFailure)
    case cancel
    case hangUp(EndReason)
    case bye
    /// The BYE transaction is over, with whatever answer.
    case byeCompleted
    /// 64·T1 after CANCEL without a final response.
    case guardExpired
  }

  public enum Output: Hashable, Sendable {
    case sendCancel
    /// The 2xx: the ACK, again where it had one.
    case acknowledge(Response)
    case sendBye
    case ringing(Response)
    case established(Response)
    /// Before ``ended(_:)``.
    case refused(Response)
    case ended(EndReason)
  }

  public private(set) var state: State = .calling

  public init() {}

  /// No final response yet and nobody wants to cancel: another INVITE may take the place of this one (a challenge, a redirection).
  public var isUnanswered: Bool { state == .calling || state == .proceeding }

  public mutating func handle(_ input: Input) -> Few<Output> {
    let next: State
    let outputs: Few<Output>
    switch (state, input) {
    case (.calling, .provisional(let status, let response)), (.proceeding, .provisional(let status, let response)):
      (next, outputs) = (.proceeding, status == 100 ? [] : [.ringing(response)])
    case (.cancelWanted, .provisional):
      (next, outputs) = (.cancelling, [.sendCancel])

    case (.calling, .success(let response)), (.proceeding, .success(let response)):
      (next, outputs) = (.established, [.acknowledge(response), .established(response)])
    case (.cancelWanted, .success(let response)), (.cancelling, .success(let response)):
      (next, outputs) = (.terminating(.cancelledHere), [.acknowledge(response), .sendBye])
    case (.established, .success(let response)), (.terminating, .success(let response)), (.ended, .success(let response)):
      (next, outputs) = (state, [.acknowledge(response)])

    case (.calling, .rejected(let status, let response)), (.proceeding, .rejected(let status, let response)):
      (next, outputs) = Self.refuse(status, response)
    case (.cancelWanted, .rejected(let status, let response)), (.cancelling, .rejected(let status, let response)):
      (next, outputs) = status == 487 ? Self.end(.cancelledHere) : Self.refuse(status, response)

    case (.calling, .failed(let failure)), (.proceeding, .failed(let failure)):
      (next, outputs) = Self.end(failure.endReason)
    case (.cancelWanted, .failed), (.cancelling, .failed), (.cancelling, .guardExpired):
      (next, outputs) = Self.end(.cancelledHere)

    case (.calling, .cancel), (.calling, .hangUp):
      (next, outputs) = (.cancelWanted, [])
    case (.proceeding, .cancel), (.proceeding, .hangUp):
      (next, outputs) = (.cancelling, [.sendCancel])

    case (.established, .hangUp(let reason)):
      (next, outputs) = (.terminating(reason), [.sendBye])
    case (.established, .cancel):
      // Too late to cancel: the call was answered, so this is a hang-up.
      (next, outputs) = (.terminating(.hungUpHere), [.sendBye])
    case (.established, .bye):
      (next, outputs) = Self.end(.hungUpByPeer)
    case (.terminating(let reason), .byeCompleted), (.terminating(let reason), .bye):
      (next, outputs) = Self.end(reason)
    case (.proceeding, .bye):
      // It ends the early dialog and not the INVITE, which is still open at the callee (RFC 3261 §15).
      (next, outputs) = (.ended(.hungUpByPeer), [.sendCancel, .ended(.hungUpByPeer)])
    case (.calling, .bye), (.cancelWanted, .bye), (.cancelling, .bye):
      (next, outputs) = Self.end(.hungUpByPeer)

    case (.calling, .byeCompleted), (.calling, .guardExpired), (.cancelWanted, .cancel), (.cancelWanted, .hangUp),
      (.cancelWanted, .byeCompleted), (.cancelWanted, .guardExpired), (.proceeding, .byeCompleted), (.proceeding, .guardExpired),
      (.cancelling, .provisional), (.cancelling, .cancel), (.cancelling, .hangUp), (.cancelling, .byeCompleted),
      (.established, .provisional), (.established, .rejected), (.established, .failed), (.established, .byeCompleted),
      (.established, .guardExpired), (.terminating, .provisional), (.terminating, .rejected), (.terminating, .failed),
      (.terminating, .cancel), (.terminating, .hangUp), (.terminating, .guardExpired), (.ended, .provisional), (.ended, .rejected),
      (.ended, .failed), (.ended, .cancel), (.ended, .hangUp), (.ended, .bye), (.ended, .byeCompleted), (.ended, .guardExpired):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private static func end(_ reason: EndReason) -> (State, Few<Output>) { (.ended(reason), [.ended(reason)]) }

  private static func refuse(_ status: Int, _ response: Response) -> (State, Few<Output>) {
    (.ended(.refused(status: status)), [.refused(response), .ended(.refused(status: status))])
  }
}

extension TransactionFailure {
  /// What an INVITE transaction's failure means for its leg.
  var endReason: EndReason {
    switch self {
    case .timerB: .timerB
    case .timerF, .transport: .transportFailed
    }
  }
}
