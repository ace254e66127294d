import SIPTransaction
import Testing

@testable import SIPUserAgent

@Suite struct InviteClientUsageTests {
  @Test func `an answered call is acknowledged, then ended by its BYE (RFC 3261 §13.2.2.4, §15.1.1)`() {
    var usage = InviteClientUsage<String>()
    #expect(usage.handle(.provisional(status: 100, "100")) == [])
    #expect(usage.handle(.provisional(status: 180, "180")) == [.ringing("180")])
    #expect(usage.handle(.success("200")) == [.acknowledge("200"), .established("200")])
    #expect(usage.handle(.hangUp(.hungUpHere)) == [.sendBye])
    #expect(usage.handle(.byeCompleted) == [.ended(.hungUpHere)])
  }

  @Test func `a 2xx that comes again is acknowledged again and tells nothing new (RFC 3261 §13.2.2.4)`() {
    var usage = InviteClientUsage<String>()
    _ = usage.handle(.success("200"))
    #expect(usage.handle(.success("200")) == [.acknowledge("200")])
    #expect(usage.state == .established)
  }

  @Test func `no CANCEL leaves before a provisional response (RFC 3261 §9.1)`() {
    var usage = InviteClientUsage<String>()
    #expect(usage.handle(.cancel) == [])
    #expect(usage.handle(.provisional(status: 100, "100")) == [.sendCancel])
    #expect(usage.handle(.rejected(status: 487, "487")) == [.ended(.cancelledHere)])
  }

  @Test func `a 200 that crossed the CANCEL is acknowledged and ended with BYE (RFC 3261 §15)`() {
    var usage = InviteClientUsage<String>()
    _ = usage.handle(.provisional(status: 180, "180"))
    #expect(usage.handle(.cancel) == [.sendCancel])
    #expect(usage.handle(.success("200")) == [.acknowledge("200"), .sendBye])
    #expect(usage.handle(.byeCompleted) == [.ended(.cancelledHere)])
  }

  @Test func `a CANCEL that brings no final response is given up after 64·T1 (RFC 3261 §9.1)`() {
    var usage = InviteClientUsage<String>()
    _ = usage.handle(.provisional(status: 180, "180"))
    _ = usage.handle(.cancel)
    #expect(usage.handle(.guardExpired) == [.ended(.cancelledHere)])
  }

  @Test func `a refusal that is no 487 stays what it was even after CANCEL`() {
    var usage = InviteClientUsage<String>()
    _ = usage.handle(.provisional(status: 180, "180"))
    _ = usage.handle(.cancel)
    #expect(usage.handle(.rejected(status: 486, "486")) == [.refused("486"), .ended(.refused(status: 486))])
  }

  @Test func `Timer B is named in the end of the leg (RFC 3261 §17.1.1.2)`() {
    var usage = InviteClientUsage<String>()
    #expect(usage.handle(.failed(.timerB)) == [.ended(.timerB)])
  }

  @Test(arguments: [
    InviteClientUsage<String>.Input.provisional(status: 180, "180"), .rejected(status: 486, "486"), .failed(.timerB), .cancel,
    .hangUp(.hungUpHere), .bye,
    .byeCompleted, .guardExpired,
  ])
  func `an ended usage stays ended`(input: InviteClientUsage<String>.Input) {
    var usage = InviteClientUsage<String>()
    _ = usage.handle(.rejected(status: 404, "404"))
    #expect(usage.handle(input) == [])
    #expect(usage.state == .ended(.refused(status: 404)))
  }
}
