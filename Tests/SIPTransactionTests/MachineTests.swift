import SIPMessage
import SansIO
import Testing

@testable import SIPTransaction

private func seconds(_ value: Double) -> Instant { Instant(nanoseconds: Int64(value * 1_000_000_000)) }
private func time(_ instant: Instant) -> Double { Double(instant.nanoseconds) / 1_000_000_000 }

extension TransactionMachine {
  init(isReliable: Bool) { self.init(RunningTimers(TimerValues(.standard), isReliable: isReliable)) }

  /// What it answers to one input.
  mutating func handle(_ input: Input, at now: Instant) -> [Output] {
    var outputs: [Output] = []
    handle(input, at: now, &outputs)
    return outputs
  }

  /// Lets the timers fire until the machine is quiet: when, and what it answers.
  mutating func run() -> [(Double, [Output])] {
    var log: [(Double, [Output])] = []
    while let due = timers.next, let timer = timers.takeExpired(at: due) {
      log.append((time(due), handle(.timer(timer), at: due)))
    }
    return log
  }

  var nextDeadline: Instant? { timers.next }
}

@Suite struct InviteClientTransactionTests {
  @Test func `over UDP the INVITE leaves at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, and Timer B ends it at 32 s (RFC 3261 §17.1.1.2)`() {
    var machine = InviteClientTransaction(isReliable: false)
    #expect(machine.handle(.start, at: .zero) == [.send(.first, attempt: 0)])
    let log = machine.run()
    #expect(log.map(\.0) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 32])
    #expect(log.dropLast().map(\.1) == (1...6).map { [.send(.timerA, attempt: $0)] })
    #expect(log.last?.1 == [.fail(.timerB), .end])
  }

  @Test func `over TCP nothing is sent again, and Timer B still holds (RFC 3261 §17.1.1.2)`() {
    var machine = InviteClientTransaction(isReliable: true)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.run().map(\.0) == [32])
  }

  @Test func `a provisional stops Timers A and B`() {
    var machine = InviteClientTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.response(status: 100), at: seconds(0.1)) == [.deliver])
    #expect(machine.nextDeadline == nil)
  }

  @Test func `a refusal is acknowledged each time it comes, for Timer D's 32 s (RFC 3261 §17.1.1.2)`() {
    var machine = InviteClientTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.response(status: 486), at: seconds(1)) == [.sendAck(attempt: 0), .deliver])
    #expect(machine.handle(.response(status: 486), at: seconds(2)) == [.sendAck(attempt: 1)])
    #expect(machine.nextDeadline == seconds(33))
    #expect(machine.run().last?.1 == [.end])
  }

  @Test func `2xx of every branch reach the user agent while Accepted (RFC 6026 §7.2)`() {
    var machine = InviteClientTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.response(status: 200), at: seconds(1)) == [.deliver])
    #expect(machine.handle(.response(status: 200), at: seconds(2)) == [.deliver])
    #expect(machine.handle(.response(status: 486), at: seconds(2)) == [])
    #expect(machine.nextDeadline == seconds(33))
  }

  @Test func `a broken transport fails the call at once (RFC 3261 §17.1.4)`() {
    var machine = InviteClientTransaction(isReliable: true)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.transportFailed(.unreachable), at: seconds(1)) == [.fail(.transport(.unreachable)), .end])
  }
}

@Suite struct UnreachableTests {
  @Test func `an ICMP error ends no transaction that has had a response: who answered is there (RFC 3261 §18.4)`() {
    var invite = InviteClientTransaction(isReliable: false)
    _ = invite.handle(.start, at: .zero)
    _ = invite.handle(.response(status: 180), at: seconds(1))
    #expect(invite.handle(.transportFailed(.unreachable), at: seconds(2)) == [] && invite.state == .proceeding)
    #expect(invite.handle(.transportFailed(.closed(.reset)), at: seconds(3)) == [.fail(.transport(.closed(.reset))), .end])
    var other = NonInviteClientTransaction(isReliable: false)
    _ = other.handle(.start, at: .zero)
    _ = other.handle(.response(status: 100), at: seconds(1))
    #expect(other.handle(.transportFailed(.unreachable), at: seconds(2)) == [] && other.state == .proceeding)
  }

  @Test func `a response that could not be sent ends a transaction other than INVITE's (RFC 3261 §17.2.4)`() {
    var machine = NonInviteServerTransaction(isReliable: false)
    #expect(machine.handle(.transportFailed, at: .zero) == [])
    _ = machine.handle(.respond(status: 200), at: .zero)
    #expect(machine.handle(.transportFailed, at: .zero) == [.end] && machine.state == .terminated)
  }
}

@Suite struct NonInviteClientTransactionTests {
  @Test func `over UDP the request leaves at 0.5, 1.5, 3.5, 7.5 s and then every 4 s until Timer F (RFC 3261 §17.1.2.2)`() {
    var machine = NonInviteClientTransaction(isReliable: false)
    #expect(machine.handle(.start, at: .zero) == [.send(.first, attempt: 0)])
    let log = machine.run()
    #expect(log.map(\.0) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32])
    #expect(log.last?.1 == [.fail(.timerF), .end])
  }

  @Test func `after a provisional the interval is T2, and Timer F goes on (RFC 3261 §17.1.2.2)`() {
    var machine = NonInviteClientTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.response(status: 100), at: seconds(0.2)) == [.deliver])
    #expect(machine.run().map(\.0) == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5, 32])
  }

  @Test func `a final response is delivered once, its repetitions are absorbed for T4 (RFC 3261 §17.1.2.2)`() {
    var machine = NonInviteClientTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.response(status: 200), at: seconds(1)) == [.deliver])
    #expect(machine.handle(.response(status: 200), at: seconds(2)) == [])
    #expect(machine.nextDeadline == seconds(6))
    var reliable = NonInviteClientTransaction(isReliable: true)
    _ = reliable.handle(.start, at: .zero)
    #expect(reliable.handle(.response(status: 200), at: seconds(1)) == [.deliver, .end])
  }
}

@Suite struct InviteServerTransactionTests {
  @Test func `100 leaves after 200 ms of silence, and not when the user agent spoke before (RFC 3261 §17.2.1)`() {
    var machine = InviteServerTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.retransmission, at: seconds(0.1)) == [])
    let log = machine.run()
    #expect(log.map(\.0) == [0.2])
    #expect(log.map(\.1) == [[.sendTrying]])
    #expect(machine.handle(.retransmission, at: seconds(0.5)) == [.sendAgain(.repeated, attempt: 1)])
    var ringing = InviteServerTransaction(isReliable: false)
    _ = ringing.handle(.start, at: .zero)
    #expect(ringing.handle(.respond(status: 180), at: seconds(0.1)) == [.sendNew])
    #expect(ringing.nextDeadline == nil)
  }

  @Test func `a refusal is repeated by Timer G up to T2 and given up by Timer H (RFC 3261 §17.2.1)`() {
    var machine = InviteServerTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.respond(status: 486), at: .zero) == [.sendNew])
    let log = machine.run()
    #expect(log.map(\.0) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32])
    #expect(log.first?.1 == [.sendAgain(.timerG, attempt: 1)])
    #expect(log.last?.1 == [.ackMissing, .end])
  }

  @Test func `the ACK stops Timer G, and Timer I absorbs its repetitions (RFC 3261 §17.2.1)`() {
    var machine = InviteServerTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    _ = machine.handle(.respond(status: 486), at: .zero)
    #expect(machine.handle(.ack, at: seconds(0.1)) == [])
    #expect(machine.handle(.ack, at: seconds(0.2)) == [])
    #expect(machine.nextDeadline == seconds(5.1))
    var reliable = InviteServerTransaction(isReliable: true)
    _ = reliable.handle(.respond(status: 486), at: .zero)
    #expect(reliable.handle(.ack, at: seconds(0.1)) == [.end])
  }

  @Test func `after a 2xx an INVITE again is absorbed, 2xx pass and no timer repeats them (RFC 6026 §7.1)`() {
    var machine = InviteServerTransaction(isReliable: false)
    _ = machine.handle(.start, at: .zero)
    #expect(machine.handle(.respond(status: 200), at: .zero) == [.sendNew])
    #expect(machine.handle(.retransmission, at: seconds(0.4)) == [])
    #expect(machine.handle(.respond(status: 200), at: seconds(0.5)) == [.sendNew])
    #expect(machine.nextDeadline == seconds(32))
    #expect(machine.handle(.ack, at: seconds(0.6)) == [.deliverAck])
  }
}

@Suite struct NonInviteServerTransactionTests {
  @Test func `a request again is absorbed before the answer and answered after it for Timer J (RFC 3261 §17.2.2)`() {
    var machine = NonInviteServerTransaction(isReliable: false)
    #expect(machine.handle(.retransmission, at: .zero) == [])
    #expect(machine.handle(.respond(status: 200), at: .zero) == [.sendNew])
    #expect(machine.handle(.retransmission, at: seconds(1)) == [.sendAgain(.repeated, attempt: 1)])
    #expect(machine.handle(.respond(status: 500), at: seconds(2)) == [])
    #expect(machine.nextDeadline == seconds(32))
    var reliable = NonInviteServerTransaction(isReliable: true)
    #expect(reliable.handle(.respond(status: 200), at: .zero) == [.sendNew, .end])
  }
}
