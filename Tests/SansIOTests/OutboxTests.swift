import SansIO
import Testing

@Suite struct OutboxTests {
  private func drain(_ out: inout Outbox) -> [UInt32] {
    var ports: [UInt32] = []
    out.drain { if case .unbind(let port) = $0 { ports.append(port.rawValue) } }
    return ports
  }

  @Test func `departures are handed over in the order in which a host asked for them, once`() {
    var out = Outbox()
    for count in [1, 2, 5] as [UInt32] {
      for port in 0..<count { out.unbind(PortID(port)) }
      #expect(out.departures.count == Int(count))
      #expect(drain(&out) == Array(0..<count))
      #expect(out.isEmpty && drain(&out).isEmpty)
    }
  }

  @Test func `what TLS carried is collected only where somebody watches`() {
    var (plain, observed) = (Outbox(), Outbox(isObserved: true))
    plain.plaintext(ConnectionID(2), .sent, "INVITE", .none)
    observed.plaintext(ConnectionID(2), .sent, "INVITE", .none)
    #expect(plain.isEmpty && observed.departures.count == 1)
  }
}
