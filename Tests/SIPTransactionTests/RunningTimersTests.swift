import SansIO
import Testing

@testable import SIPTransaction

@Suite struct RunningTimersTests {
  private let second: Int64 = 1_000_000_000

  private func timers(isReliable: Bool = false, t1: Duration = .milliseconds(500)) -> RunningTimers {
    RunningTimers(TimerValues(SIPTimers(t1: t1, t2: .seconds(4), t4: .seconds(5))), isReliable: isReliable)
  }

  @Test func `timers fire in the order of their instants, one that sends again before one that ends a state, each once`() {
    var timers = timers()
    timers.start(.h, at: .zero)
    _ = timers.startAgain(.g, after: 32 * second, at: .zero)
    #expect(timers.next == Instant(nanoseconds: 32 * second))
    #expect(timers.takeExpired(at: Instant(nanoseconds: 32 * second - 1)) == nil)
    #expect(timers.takeExpired(at: Instant(nanoseconds: 32 * second)) == .g)
    #expect(timers.takeExpired(at: Instant(nanoseconds: 32 * second)) == .h)
    #expect(timers.takeExpired(at: Instant(nanoseconds: 32 * second)) == nil)
    #expect(timers.next == nil && timers.takeExpired(at: .distantFuture) == nil)
  }

  @Test func `starting moves a timer, stopping silences all`() {
    var timers = timers()
    timers.start(.a, at: .zero)
    #expect(timers.startAgain(.a, after: second, at: .zero) == 1 && timers.next == Instant(nanoseconds: second))
    #expect(timers.isRunning(.a) && !timers.isRunning(.b) && timers.interval == second)
    timers.stop()
    #expect(timers.next == nil && !timers.isRunning(.a))
  }

  @Test func `the values are those of RFC 3261 Table 4, Timers L and M those of RFC 6026 §7`() {
    let values = TimerValues(.standard)
    let seconds: [(TransactionTimer, Double, Double?)] = [
      (.a, 0.5, nil), (.b, 32, 32), (.d, 32, nil), (.e, 0.5, nil), (.f, 32, 32), (.g, 0.5, nil), (.h, 32, 32), (.i, 5, nil), (.j, 32, nil),
      (.k, 5, nil), (.l, 32, 32), (.m, 32, 32), (.trying, 0.2, 0.2),
    ]
    for (timer, unreliable, reliable) in seconds {
      #expect(values.duration(of: timer, isReliable: false) == Int64(unreliable * 1e9), "\(timer)")
      #expect(values.duration(of: timer, isReliable: true) == reliable.map { Int64($0 * 1e9) }, "\(timer)")
    }
    let quick = TimerValues(SIPTimers(t1: .milliseconds(10), t2: .seconds(4), t4: .seconds(5)))
    #expect(quick.duration(of: .d, isReliable: false) == 32 * second, "at least 32 s (RFC 3261 §17.1.1.2)")
  }
}
