import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct SessionModificationTests {
  private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test func `a re-INVITE of ours is over with its 2xx, and a refusal leaves the session as it was (RFC 3261 §14.1)`() {
    var modification = SessionModification()
    #expect(modification.handle(.modify, at: at(0)) == [.sendInvite])
    #expect(modification.handle(.success, at: at(10)) == [.succeeded])
    #expect(modification.handle(.modify, at: at(20)) == [.sendInvite])
    #expect(modification.handle(.rejected, at: at(30)) == [.failed])
    #expect(modification.state == .idle)
  }

  @Test func `481 and 408 end the dialog, any other refusal does not (RFC 3261 §12.2.1.2)`() {
    var modification = SessionModification()
    _ = modification.handle(.modify, at: at(0))
    #expect(modification.handle(.dialogGone, at: at(10)) == [.failed, .endDialog(.dialogLost)])
  }

  @Test func `two re-INVITEs that cross are both refused with 491, and ours is due again after its wait (RFC 3261 §14.1)`() {
    var modification = SessionModification()
    _ = modification.handle(.modify, at: at(0))
    #expect(modification.handle(.requested, at: at(5)) == [.refusePending])
    #expect(modification.handle(.glare(wait: 2_500_000_000), at: at(10)) == [])
    #expect(modification.nextDeadline == at(2_510))
    // Theirs may come meanwhile; ours waits for its ACK.
    #expect(modification.handle(.requested, at: at(2_500)) == [.handUp])
    #expect(modification.handle(.answer, at: at(2_500)) == [.sendSuccess])
    #expect(modification.handle(.ack, at: at(2_520)) == [.acknowledged])
    #expect(modification.nextDeadline == at(2_510))
    #expect(modification.handle(.timer, at: at(2_520)) == [.retryDue])
    #expect(modification.nextDeadline == nil)
  }

  @Test func `an INVITE before the last one is answered gets 500, one before its ACK 491 (RFC 3261 §14.2, RFC 5407 §3.1.5)`() {
    var modification = SessionModification()
    _ = modification.handle(.requested, at: at(0))
    #expect(modification.handle(.requested, at: at(1)) == [.refuseUnfinished])
    _ = modification.handle(.answer, at: at(2))
    #expect(modification.handle(.requested, at: at(3)) == [.refusePending])
  }

  @Test func `a change asked for while theirs is open waits until it is over`() {
    var modification = SessionModification()
    _ = modification.handle(.requested, at: at(0))
    #expect(modification.handle(.modify, at: at(1)) == [])
    _ = modification.handle(.answer, at: at(2))
    #expect(modification.nextDeadline == at(502))
    _ = modification.handle(.ack, at: at(20))
    #expect(modification.handle(.timer, at: at(20)) == [.retryDue])
  }

  @Test func `the 200 to a re-INVITE is repeated like any other, and without ACK the call ends after 64·T1 (RFC 3261 §13.3.1.4)`() {
    var modification = SessionModification()
    _ = modification.handle(.requested, at: at(0))
    _ = modification.handle(.answer, at: at(0))
    var times: [Int64] = []
    var last: [SessionModification.Output] = []
    while let due = modification.nextDeadline {
      last = modification.handle(.timer, at: due)
      times.append(due.nanoseconds / 1_000_000)
    }
    #expect(times == [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000])
    #expect(last == [.endDialog(.ackMissing)])
  }
}
