import KallglotPolicy
import SIPMessage
import SansIO

/// The called side of one INVITE usage (RFC 3261 §13.3, §9.2, §15.1.2).
///
/// ```
///   INVITE ──► received ──ring / 180──► ringing ──accept / 200──► accepted ──ACK──► confirmed ──hang up / BYE──► terminating ──► ended
///                 │                        │ └ each minute: 180 again │  │             └ BYE from peer ──► ended
///                 │                        │                          │  └ T1, 2·T1 … T2: 200 again; 64·T1: BYE ──► terminating
///                 │                        │                          └ BYE from peer ──► ended
///                 ├──────── refuse / 3xx–6xx ──► ended
///                 └──────── CANCEL / 487 ──────► ended
///                           early BYE, Expires over / 487 ──► ended  (§15.1.2, §13.3.1)
/// ```
///
/// The user agent core, not the transaction, repeats the 2xx (§13.3.1.4): first after T1, then doubling up to T2, on any transport,
/// until the ACK comes. After 64·T1 without ACK the dialog is confirmed all the same and ended with a BYE. A callee that wants to hang up
/// earlier has to wait for the ACK (§15): the wish is kept in ``Acceptance/hangUp``.
///
/// Generic over the ACK that it hands on, so that none travels beside its machine.
public struct InviteServerUsage<Request: Hashable & Sendable>: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case received
    /// `repeats`: when 180 is sent again, so that no proxy gives the call up (RFC 3261 §13.3.1.1).
    case ringing(repeats: Instant)
    case accepted(Acceptance)
    case confirmed
    case terminating(EndReason)
    case ended(EndReason)
  }

  /// A 2xx that waits for its ACK.
  public struct Acceptance: Hashable, Sendable {
    public var retransmission: SuccessRetransmission
    /// Why to send BYE as soon as the ACK is there.
    public var hangUp: EndReason?
  }

  public enum Input: Hashable, Sendable {
    case ring
    case accept
    case refuse(Refusal)
    case cancelled
    case ack(Request)
    case hangUp(EndReason)
    case bye
    case byeCompleted
    /// The deadline given by ``nextDeadline``.
    case timer
    case transportFailed
    /// The INVITE's Expires is over.
    case expired
  }

  public enum Output: Hashable, Sendable {
    case sendRinging
    case sendSuccess
    case repeatSuccess(attempt: Int)
    case sendRefusal(Refusal)
    case sendBye
    case confirmed(Request)
    case ended(EndReason)
  }

  public private(set) var state: State = .received
  /// When `.timer` is due.
  public var nextDeadline: Instant? {
    switch state {
    case .ringing(let repeats): repeats
    case .accepted(let acceptance): acceptance.retransmission.due
    case .received, .confirmed, .terminating, .ended: nil
    }
  }
  /// Nanoseconds between two provisional responses (RFC 3261 §13.3.1.1).
  private static var minute: Int64 { 60_000_000_000 }
  private let t1: Int64
  private let t2: Int64

  /// - Parameters:
  ///   - t1: round-trip estimate in nanoseconds (500 ms, RFC 3261 §17.1.1.1).
  ///   - t2: longest interval in nanoseconds (4 s).
  public init(t1: Int64 = 500_000_000, t2: Int64 = 4_000_000_000) {
    self.t1 = t1
    self.t2 = t2
  }

  /// No final response yet.
  public var isUnanswered: Bool {
    switch state {
    case .received, .ringing: true
    case .accepted, .confirmed, .terminating, .ended: false
    }
  }

  public mutating func handle(_ input: Input, at now: Instant) -> Few<Output> {
    let next: State
    let outputs: Few<Output>
    switch (state, input) {
    case (.received, .ring), (.ringing, .ring), (.ringing, .timer):
      (next, outputs) = (.ringing(repeats: now.adding(nanoseconds: Self.minute)), [.sendRinging])
    case (.received, .accept), (.ringing, .accept):
      let first = Acceptance(retransmission: SuccessRetransmission(at: now, t1: t1, t2: t2), hangUp: nil)
      (next, outputs) = (.accepted(first), [.sendSuccess])
    case (.received, .refuse(let refusal)), (.ringing, .refuse(let refusal)):
      let end = EndReason.refused(status: refusal.status)
      (next, outputs) = (.ended(end), [.sendRefusal(refusal), .ended(end)])
    case (.received, .cancelled), (.ringing, .cancelled):
      (next, outputs) = (.ended(.cancelledByPeer), [.sendRefusal(Refusal(487)), .ended(.cancelledByPeer)])
    case (.received, .hangUp(let reason)), (.ringing, .hangUp(let reason)):
      (next, outputs) = (.ended(reason), [.sendRefusal(Refusal(480)), .ended(reason)])
    case (.received, .transportFailed), (.ringing, .transportFailed):
      (next, outputs) = (.ended(.transportFailed), [.ended(.transportFailed)])

    case (.accepted(let acceptance), .timer):
      (next, outputs) = repeatOrGiveUp(acceptance, at: now)
    case (.accepted(let acceptance), .ack(let request)):
      if let reason = acceptance.hangUp {
        (next, outputs) = (.terminating(reason), [.confirmed(request), .sendBye])
      } else {
        (next, outputs) = (.confirmed, [.confirmed(request)])
      }
    case (.accepted(var acceptance), .hangUp(let reason)):
      acceptance.hangUp = reason
      (next, outputs) = (.accepted(acceptance), [])
    case (.received, .bye), (.ringing, .bye):
      // The INVITE is still to be answered (RFC 3261 §15.1.2).
      (next, outputs) = (.ended(.hungUpByPeer), [.sendRefusal(Refusal(487)), .ended(.hungUpByPeer)])
    case (.received, .expired), (.ringing, .expired):
      (next, outputs) = (.ended(.expired), [.sendRefusal(Refusal(487)), .ended(.expired)])
    case (.accepted, .bye), (.confirmed, .bye):
      (next, outputs) = (.ended(.hungUpByPeer), [.ended(.hungUpByPeer)])

    case (.confirmed, .hangUp(let reason)):
      (next, outputs) = (.terminating(reason), [.sendBye])
    case (.terminating(let reason), .byeCompleted), (.terminating(let reason), .bye):
      (next, outputs) = (.ended(reason), [.ended(reason)])

    case (.received, .ack), (.received, .byeCompleted), (.received, .timer), (.ringing, .ack), (.ringing, .byeCompleted),
      (.accepted, .ring), (.accepted, .accept), (.accepted, .refuse), (.accepted, .cancelled),
      (.accepted, .byeCompleted), (.accepted, .transportFailed), (.accepted, .expired), (.confirmed, .expired), (.terminating, .expired),
      (.confirmed, .ring), (.confirmed, .accept), (.confirmed, .refuse),
      (.confirmed, .cancelled), (.confirmed, .ack), (.confirmed, .byeCompleted), (.confirmed, .timer), (.confirmed, .transportFailed),
      (.terminating, .ring), (.terminating, .accept), (.terminating, .refuse), (.terminating, .cancelled), (.terminating, .ack),
      (.terminating, .hangUp), (.terminating, .timer), (.terminating, .transportFailed), (.ended, .ring), (.ended, .accept),
      (.ended, .refuse), (.ended, .cancelled), (.ended, .ack),
      (.ended, .hangUp), (.ended, .bye), (.ended, .byeCompleted), (.ended, .timer), (.ended, .transportFailed), (.ended, .expired):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private func repeatOrGiveUp(_ acceptance: Acceptance, at now: Instant) -> (State, Few<Output>) {
    var following = acceptance
    switch following.retransmission.step(at: now) {
    case .again(let attempt): return (.accepted(following), [.repeatSuccess(attempt: attempt)])
    case .giveUp: return (.terminating(acceptance.hangUp ?? .ackMissing), [.sendBye])
    }
  }
}

/// What a refusal says beside what every response has.
public struct Refusal: Hashable, Sendable {
  public var status: Int
  /// nil = the phrase of RFC 3261 §21.
  public var reason: String?
  public var fields: [HeaderField]

  public init(_ status: Int, reason: String? = nil, fields: [HeaderField] = []) {
    self.status = status
    self.reason = reason
    self.fields = fields
  }
}
