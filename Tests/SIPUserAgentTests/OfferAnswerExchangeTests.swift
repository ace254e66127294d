import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct OfferAnswerExchangeTests {
  private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test func `a re-INVITE of ours is over with its 2xx, and a refusal leaves the session as it was (RFC 3261 §14.1)`() {
    var exchange = OfferAnswerExchange<String>()
    #expect(exchange.handle(.reinvite, at: at(0)) == [.sendInvite])
    #expect(exchange.handle(.success("200"), at: at(10)) == [.succeeded("200")])
    #expect(exchange.handle(.reinvite, at: at(20)) == [.sendInvite])
    #expect(exchange.handle(.rejected("488"), at: at(30)) == [.failed("488")])
    #expect(exchange.state == .idle)
  }

  @Test func `a re-INVITE by which the dialog is known to be gone ends it, a refused one does not (RFC 3261 §12.2.1.2)`() {
    var exchange = OfferAnswerExchange<String>()
    _ = exchange.handle(.reinvite, at: at(0))
    #expect(exchange.handle(.rejected("500"), at: at(5)) == [.failed("500")])
    _ = exchange.handle(.reinvite, at: at(10))
    #expect(exchange.handle(.dialogGone("481"), at: at(20)) == [.failed("481"), .endDialog(.dialogLost)])
  }

  @Test func `two re-INVITEs that cross are both refused with 491, and ours is due again after its wait (RFC 3261 §14.1)`() {
    var exchange = OfferAnswerExchange<String>()
    _ = exchange.handle(.reinvite, at: at(0))
    #expect(exchange.handle(.requested("INVITE"), at: at(5)) == [.refusePending("INVITE")])
    #expect(exchange.handle(.glare(wait: 2_500_000_000), at: at(10)) == [])
    #expect(exchange.nextDeadline == at(2_510))
    // Theirs may come meanwhile; ours waits for its ACK.
    #expect(exchange.handle(.requested("INVITE"), at: at(2_500)) == [.handUp("INVITE")])
    #expect(exchange.handle(.answer, at: at(2_500)) == [.sendSuccess])
    #expect(exchange.handle(.ack("ACK"), at: at(2_520)) == [.acknowledged("ACK")])
    #expect(exchange.nextDeadline == at(2_510))
    #expect(exchange.handle(.timer, at: at(2_520)) == [.retryDue])
    #expect(exchange.nextDeadline == nil)
  }

  @Test func `an INVITE before the last one is answered gets 500, one before its ACK 491 (RFC 3261 §14.2, RFC 5407 §3.1.5)`() {
    var exchange = OfferAnswerExchange<String>()
    _ = exchange.handle(.requested("INVITE"), at: at(0))
    #expect(exchange.handle(.requested("INVITE"), at: at(1)) == [.refuseUnfinished("INVITE")])
    _ = exchange.handle(.answer, at: at(2))
    #expect(exchange.handle(.requested("INVITE"), at: at(3)) == [.refusePending("INVITE")])
  }

  @Test func `a change asked for while theirs is open waits until it is over`() {
    var exchange = OfferAnswerExchange<String>()
    _ = exchange.handle(.requested("INVITE"), at: at(0))
    #expect(exchange.handle(.reinvite, at: at(1)) == [])
    _ = exchange.handle(.answer, at: at(2))
    #expect(exchange.nextDeadline == at(502))
    _ = exchange.handle(.ack("ACK"), at: at(20))
    #expect(exchange.handle(.timer, at: at(20)) == [.retryDue])
  }

  @Test func `the 200 to a re-INVITE is repeated like any other, and without ACK the call ends after 64·T1 (RFC 3261 §13.3.1.4)`() {
    var exchange = OfferAnswerExchange<String>()
    _ = exchange.handle(.requested("INVITE"), at: at(0))
    _ = exchange.handle(.answer, at: at(0))
    var times: [Int64] = []
    var last: Few<OfferAnswerExchange<String>.Output> = []
    while let due = exchange.nextDeadline {
      last = exchange.handle(.timer, at: due)
      times.append(due.nanoseconds / 1_000_000)
    }
    #expect(times == [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000])
    #expect(last == [.endDialog(.ackMissing)])
  }
}
