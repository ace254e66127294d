import LabBench
import SIPMessage
import SIPTransport
import SansIO
import Testing

@Suite struct ResponseWayTests {
  @Test(arguments: [
    ("192.0.2.20:5070;branch=z9hG4bK1", "192.0.2.20:5070", false), ("192.0.2.20;branch=z9hG4bK1", "192.0.2.20:5060", false),
    ("192.0.2.20:5070;rport;branch=z9hG4bK1", "192.0.2.20:40000", false),
    ("h:5070;maddr=192.0.2.20;rport;branch=z9hG4bK1", "192.0.2.20:5070", false), ("h;maddr=192.0.2.20", "192.0.2.20:5060", false),
    ("192.0.2.20:5070;maddr=192.0.2.99;rport", "192.0.2.20:40000", true), ("192.0.2.20:5070;maddr=224.0.1.75", "192.0.2.20:5070", true),
    ("192.0.2.20:5070;maddr=elsewhere.example", "192.0.2.20:5070", true),
  ])
  func `maddr is followed to the source and to nobody else (RFC 3261 §18.2.2, RFC 3581 §4)`(
    hop: String, target: String, isTurnedAway: Bool
  ) throws {
    var flow = Flow(
      transport: .udp, local: TransportAddress(.loopbackV4, port: 5060), remote: try #require(TransportAddress("192.0.2.20:40000")),
      path: .port(PortID(1)))
    let message = try SIPMessage.parse(Bytes(SIPText.message("OPTIONS sip:b SIP/2.0", ["Via: SIP/2.0/UDP \(hop)"])))
    #expect("\(InboundMessage(message, on: flow).replyFlow.remote)" == target)
    #expect(InboundMessage(message, on: flow).isTurnedAway == isTurnedAway)
    flow.transport = .tcp
    let streamed = InboundMessage(message, on: flow)
    #expect(streamed.replyFlow == flow && !streamed.isTurnedAway, "a connection answers on itself")
  }
}
