import SIPTransaction
import SIPTransport
import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct ServerFailoverTests {
  private let a = SIPTarget(transport: .tls, address: TransportAddress(IPAddress(v4: 0xC000_0201), port: 5_061), serverName: "example.com")
  private let b = SIPTarget(transport: .udp, address: TransportAddress(IPAddress(v4: 0xC000_0202), port: 5_060))
  private let c = SIPTarget(transport: .tcp, address: TransportAddress(IPAddress(v4: 0xC000_0203), port: 5_060))

  private func status(_ status: Int) -> ServerFailover.Input { .response(status: status) }

  @Test func `each server that fails hands over to the next, and the last one ends it with all reasons (RFC 3263 §4.3)`() {
    var failover = ServerFailover(a, others: [b, c])
    let refused = FailedServer(a, "the handshake failed")
    #expect(failover.handle(.failed(.transport(.tls("the handshake failed")))) == .next(b, after: refused))
    #expect(failover.state == .trying(b, others: [c]))
    let silent = FailedServer(b, "Timer B: no response within 64·T1")
    #expect(failover.handle(.failed(.timerB)) == .next(c, after: silent))
    let busy = FailedServer(c, "503 Service Unavailable")
    #expect(failover.handle(status(503)) == .exhausted([refused, silent, busy]))
    #expect(failover.state == .exhausted)
    #expect(failover.handle(status(503)) == nil)
    #expect("\(silent)" == "192.0.2.2:5060 over UDP: Timer B: no response within 64·T1")
  }

  @Test(arguments: [101, 180, 183, 200, 302, 404, 486, 500, 504, 603])
  func `who has taken a request keeps it, whatever fails afterwards (RFC 3263 §4.3, RFC 3261 §13.2.2)`(_ code: Int) {
    var failover = ServerFailover(a, others: [b])
    #expect(failover.handle(status(code)) == .answered(a))
    #expect(failover.state == .settled)
    #expect(failover.handle(status(503)) == nil)
    #expect(failover.handle(.failed(.timerB)) == nil)
    #expect(failover.state == .settled)
  }

  @Test(arguments: [100, 401, 407])
  func `100 and a challenge take nothing: what fails after them goes on to the next server`(_ code: Int) {
    var failover = ServerFailover(a, others: [b])
    #expect(failover.handle(status(code)) == nil)
    #expect(failover.handle(.failed(.transport(.closed(.reset)))) == .next(b, after: FailedServer(a, "reset by the peer")))
  }
}
