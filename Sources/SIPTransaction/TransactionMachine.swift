import SIPMessage
import SIPTransport
import SansIO

/// One of the four state machines of RFC 3261 §17. It is told what happened and when, and appends what has to be done.
protocol TransactionMachine: Hashable, Sendable {
  associatedtype State: TransactionState
  associatedtype Input: TransactionInput
  associatedtype Output: TransactionOutput

  var state: State { get }
  var timers: RunningTimers { get set }

  init(_ timers: RunningTimers)
  mutating func handle(_ input: Input, at now: Instant, _ outputs: inout [Output])
}

protocol TransactionState: Hashable, Sendable {
  static var terminated: Self { get }
}

protocol TransactionInput: Hashable, Sendable {
  static func timer(_ timer: TransactionTimer) -> Self
}

protocol TransactionOutput: Hashable, Sendable {
  static var end: Self { get }
}

extension TransactionMachine {
  /// Absorbs repetitions in this state while the timer runs; a reliable transport has none, and the transaction ends at once.
  mutating func linger(_ timer: TransactionTimer, in state: State, at now: Instant, _ outputs: inout [Output]) -> State {
    timers.stop()
    if timers.start(timer, at: now) { return state }
    outputs.append(.end)
    return .terminated
  }
}

// MARK: - The vocabulary of the clients

enum ClientInput: TransactionInput {
  case start
  case response(status: Int)
  case timer(TransactionTimer)
  case transportFailed(FlowFailure)
}

enum ClientOutput: TransactionOutput {
  /// The request; attempt 0 is the first transmission.
  case send(Label.Cause, attempt: Int)
  /// The ACK for a final response other than 2xx; `attempt` counts repetitions.
  case sendAck(attempt: Int)
  case deliver
  case fail(TransactionFailure)
  case end
}

extension TransactionMachine where Output == ClientOutput {
  /// Ends without a final response.
  mutating func fail(_ failure: TransactionFailure, _ outputs: inout [Output]) -> State {
    timers.stop()
    outputs.append(.fail(failure))
    outputs.append(.end)
    return .terminated
  }
}

// MARK: - The vocabulary of the servers

enum ServerInput: TransactionInput {
  case start
  /// The request came again.
  case retransmission
  case ack
  case respond(status: Int)
  case timer(TransactionTimer)
  /// A response could not be sent.
  case transportFailed
}

enum ServerOutput: TransactionOutput {
  /// The response the user agent just gave.
  case sendNew
  /// The last response once more.
  case sendAgain(Label.Cause, attempt: Int)
  case sendTrying
  case deliverAck
  case ackMissing
  case end
}

// MARK: - Either of a side

/// The machine for INVITE, or the one for the other methods.
enum EitherMachine<Invite: TransactionMachine, Other: TransactionMachine>: Sendable
where Invite.Input == Other.Input, Invite.Output == Other.Output {
  case invite(Invite)
  case other(Other)

  init(_ method: SIPMethod, _ timers: RunningTimers) { self = method == .invite ? .invite(Invite(timers)) : .other(Other(timers)) }

  var isOver: Bool {
    switch self {
    case .invite(let machine): machine.state == .terminated
    case .other(let machine): machine.state == .terminated
    }
  }

  var nextDeadline: Instant? {
    switch self {
    case .invite(let machine): machine.timers.next
    case .other(let machine): machine.timers.next
    }
  }

  mutating func handle(_ input: Invite.Input, at now: Instant, _ outputs: inout [Invite.Output]) {
    switch self {
    case .invite(var machine):
      machine.handle(input, at: now, &outputs)
      self = .invite(machine)
    case .other(var machine):
      machine.handle(input, at: now, &outputs)
      self = .other(machine)
    }
  }

  /// Takes one timer that is due; call until nil.
  mutating func takeExpired(at now: Instant) -> Invite.Input? {
    let timer: TransactionTimer?
    switch self {
    case .invite(var machine):
      timer = machine.timers.takeExpired(at: now)
      self = .invite(machine)
    case .other(var machine):
      timer = machine.timers.takeExpired(at: now)
      self = .other(machine)
    }
    return timer.map(Invite.Input.timer)
  }
}

typealias ClientMachine = EitherMachine<InviteClientTransaction, NonInviteClientTransaction>
typealias ServerMachine = EitherMachine<InviteServerTransaction, NonInviteServerTransaction>
