import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO
import Testing

@testable import Personas

/// What a proxy makes of the responses of its branches.
@Suite struct ResponseContextTests {
  private typealias Client = TransactionLayer.ClientID

  private func message(_ start: String) throws -> InboundMessage {
    let fields = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
    let place = TransportAddress(.loopbackV4, port: 5060)
    let flow = Flow(transport: .udp, local: place, remote: place, path: .port(PortID(1)))
    return InboundMessage(try SIPMessage.parse(Bytes("\(start)\r\n\(fields)Content-Length: 0\r\n\r\n")), on: flow)
  }

  private func context(_ branches: Int) throws -> ResponseContext {
    var context = ResponseContext(try message("INVITE sip:c@d SIP/2.0"))
    for number in 0..<branches { context.add(Client(UInt32(number))) }
    return context
  }

  @Test func `of several refusals the best goes upstream, once all are there (RFC 3261 §16.7 step 6)`() throws {
    for (first, second, best) in [("486", "503", 486), ("503", "486", 486), ("486", "603", 603), ("480", "486", 480)] {
      var context = try context(2)
      let outputs1 = context.receive(try message("SIP/2.0 \(first) A"), from: Client(0))
      #expect(outputs1 == [])
      let outputs = context.receive(try message("SIP/2.0 \(second) B"), from: Client(1))
      guard case .best(let response?)? = outputs.last else {
        Issue.record("\(first) and \(second): \(outputs)")
        continue
      }
      #expect(response.message.status == best)
    }
  }

  @Test func `a 2xx goes upstream at once and the branches are cancelled, silent ones when they ring (RFC 3261 §9.1)`() throws {
    var context = try context(3)
    let ringing = try message("SIP/2.0 180 Ringing")
    let outputs2 = context.receive(ringing, from: Client(1))
    #expect(outputs2 == [.forward(ringing)])
    let answer = try message("SIP/2.0 200 OK")
    let outputs3 = context.receive(answer, from: Client(0))
    #expect(outputs3 == [.forward(answer), .cancel(Client(1))])
    let outputs4 = context.receive(try message("SIP/2.0 180 Ringing"), from: Client(2))
    #expect(outputs4 == [.cancel(Client(2))])
    let outputs5 = context.receive(try message("SIP/2.0 487 Terminated"), from: Client(1))
    #expect(outputs5 == [])
    let outputs6 = context.receive(try message("SIP/2.0 487 Terminated"), from: Client(2))
    #expect(outputs6 == [])
  }

  @Test func `100 stays with the proxy, and where nobody answers there is nothing to forward (RFC 3261 §16.7 steps 5 and 6)`() throws {
    var context = try context(1)
    let outputs7 = context.receive(try message("SIP/2.0 100 Trying"), from: Client(0))
    #expect(outputs7 == [])
    let outputs8 = context.fail(Client(0))
    #expect(outputs8 == [.best(nil)])
  }
}
