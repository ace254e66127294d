import SIPMessage
import SIPTransport
import SansIO

/// The base values of RFC 3261 §17.1.1.1, Table 4; all other timers follow from them.
public struct SIPTimers: Hashable, Sendable {
  /// Round-trip estimate.
  public var t1: Duration
  /// Longest interval between retransmissions of a non-INVITE request or an INVITE response.
  public var t2: Duration
  /// How long a message stays in the network.
  public var t4: Duration

  public static let standard = SIPTimers(t1: .milliseconds(500), t2: .seconds(4), t4: .seconds(5))

  public init(t1: Duration, t2: Duration, t4: Duration) {
    self.t1 = t1
    self.t2 = t2
    self.t4 = t4
  }
}

/// The timers in nanoseconds, as the machines use them.
struct TimerValues: Hashable, Sendable {
  let t1: Int64
  let t2: Int64
  let t4: Int64
  var sixtyFourT1: Int64 { 64 * t1 }
  /// Timer D on an unreliable transport: at least 32 s (§17.1.1.2).
  var timerD: Int64 { max(32_000_000_000, sixtyFourT1) }
  /// After it an INVITE gets 100 if nothing else was said (§17.2.1).
  static let trying: Int64 = 200_000_000

  init(_ timers: SIPTimers) {
    t1 = timers.t1.wholeNanoseconds
    t2 = timers.t2.wholeNanoseconds
    t4 = timers.t4.wholeNanoseconds
  }
}

/// Why a client transaction got no final response.
public enum TransactionFailure: Hashable, Sendable {
  /// INVITE: 64·T1 without any response (RFC 3261 §17.1.1.2).
  case timerB
  /// Another method: 64·T1 without a final response (RFC 3261 §17.1.2.2).
  case timerF
  /// The flow broke (RFC 3261 §8.1.3.1).
  case transport(FlowFailure)
}

extension TransactionFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .timerB: "Timer B: no response within 64·T1"
    case .timerF: "Timer F: no final response within 64·T1"
    case .transport(let failure): "\(failure)"
    }
  }
}
