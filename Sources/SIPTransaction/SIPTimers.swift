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

/// The timers of transactions by their letters (RFC 3261 Table 4, RFC 6026 §7), and the one before a 100 (RFC 3261 §17.2.1).
enum TransactionTimer: UInt8, Hashable, Sendable {
  case a, b, d, e, f, g, h, i, j, k, l, m
  case trying

  /// Sends again when it fires; any other one ends a state.
  var isRepeating: Bool { self == .a || self == .e || self == .g }
}

/// The base values in nanoseconds, as the machines use them.
struct TimerValues: Hashable, Sendable {
  let t1: Int64
  let t2: Int64
  let t4: Int64

  init(_ timers: SIPTimers) {
    t1 = timers.t1.wholeNanoseconds
    t2 = timers.t2.wholeNanoseconds
    t4 = timers.t4.wholeNanoseconds
  }

  var sixtyFourT1: Int64 { 64 * t1 }

  /// What a timer is started with (RFC 3261 Table 4); nil where it does not run: a reliable transport sends nothing twice.
  func duration(of timer: TransactionTimer, isReliable: Bool) -> Int64? {
    switch timer {
    case .a, .e, .g: isReliable ? nil : t1
    case .b, .f, .h, .l, .m: sixtyFourT1
    // At least 32 s (§17.1.1.2).
    case .d: isReliable ? nil : max(32_000_000_000, sixtyFourT1)
    case .i, .k: isReliable ? nil : t4
    case .j: isReliable ? nil : sixtyFourT1
    case .trying: 200_000_000
    }
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
