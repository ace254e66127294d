import KallglotPolicy
import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct InviteServerUsageTests {
  private func seconds(_ value: Double) -> Instant { Instant(nanoseconds: Int64(value * 1_000_000_000)) }

  @Test func `a 200 without ACK is repeated at 0.5, 1.5, 3.5, 7.5 s, then every 4 s, and BYE leaves at 32 s (RFC 3261 §13.3.1.4)`() {
    var usage = InviteServerUsage<String>()
    #expect(usage.handle(.accept, at: .zero) == [.sendSuccess])
    var times: [Double] = []
    while let due = usage.nextDeadline {
      let outputs = usage.handle(.timer, at: due)
      times.append(Double(due.nanoseconds) / 1_000_000_000)
      if outputs == [.sendBye] { break }
      #expect(outputs == [.repeatSuccess(attempt: times.count)])
    }
    #expect(times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32])
    #expect(usage.state == .terminating(.ackMissing))
    #expect(usage.handle(.byeCompleted, at: seconds(33)) == [.ended(.ackMissing)])
  }

  @Test func `the ACK stops the repetition`() {
    var usage = InviteServerUsage<String>()
    _ = usage.handle(.accept, at: .zero)
    #expect(usage.handle(.ack("ACK"), at: seconds(0.2)) == [.confirmed("ACK")])
    #expect(usage.nextDeadline == nil)
  }

  @Test func `a callee that hangs up before the ACK waits for it (RFC 3261 §15)`() {
    var usage = InviteServerUsage<String>()
    _ = usage.handle(.accept, at: .zero)
    #expect(usage.handle(.hangUp(.hungUpHere), at: seconds(0.1)) == [])
    #expect(usage.nextDeadline == seconds(0.5))
    #expect(usage.handle(.ack("ACK"), at: seconds(0.2)) == [.confirmed("ACK"), .sendBye])
    #expect(usage.handle(.byeCompleted, at: seconds(0.3)) == [.ended(.hungUpHere)])
  }

  @Test func `CANCEL while ringing gives 487 (RFC 3261 §9.2)`() {
    var usage = InviteServerUsage<String>()
    #expect(usage.handle(.ring, at: .zero) == [.sendRinging])
    #expect(usage.handle(.cancelled, at: seconds(1)) == [.sendRefusal(Refusal(487)), .ended(.cancelledByPeer)])
  }

  @Test func `CANCEL after the 200 changes nothing (RFC 3261 §9.2)`() {
    var usage = InviteServerUsage<String>()
    _ = usage.handle(.accept, at: .zero)
    #expect(usage.handle(.cancelled, at: seconds(0.1)) == [])
    #expect(usage.nextDeadline == seconds(0.5))
  }

  @Test func `hanging up an unanswered call refuses it with 480`() {
    var usage = InviteServerUsage<String>()
    _ = usage.handle(.ring, at: .zero)
    #expect(usage.handle(.hangUp(.hungUpHere), at: seconds(1)) == [.sendRefusal(Refusal(480)), .ended(.hungUpHere)])
  }
}

@Suite struct EarlyEndTests {
  @Test(arguments: [InviteServerUsage<String>.Input.bye, .expired])
  func `an early BYE and an expired INVITE both leave the INVITE with 487 (RFC 3261 §15.1.2, §13.3.1)`(
    input: InviteServerUsage<String>.Input
  ) {
    for rings in [false, true] {
      var usage = InviteServerUsage<String>()
      if rings { _ = usage.handle(.ring, at: .zero) }
      let end: EndReason = input == .bye ? .hungUpByPeer : .expired
      #expect(usage.handle(input, at: .zero) == [.sendRefusal(Refusal(487)), .ended(end)])
    }
  }

  @Test func `once answered, Expires means nothing (RFC 3261 §13.3.1)`() {
    var usage = InviteServerUsage<String>()
    _ = usage.handle(.accept, at: .zero)
    #expect(usage.handle(.expired, at: .zero) == [])
    _ = usage.handle(.ack("ACK"), at: .zero)
    #expect(usage.handle(.expired, at: .zero) == [])
  }
}
