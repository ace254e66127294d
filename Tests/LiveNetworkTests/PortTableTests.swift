import SansIO
import Testing

@testable import LiveNetwork

@Suite struct PortTableTests {
  private final class Nobody: NetworkHost {
    func start(at now: Instant, _ out: inout Outbox) {}
    func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {}
    func wake(at now: Instant, _ out: inout Outbox) {}
    var nextDeadline: Instant? { nil }
  }

  @Test(arguments: 1...10)
  func `a table of ports holds what a dictionary holds, also where low bits are the same`(seed: UInt64) async throws {
    let loop = try SocketLoop()
    let driver = LiveDriver(Nobody(), name: "nobody", on: loop)
    var entropy = Entropy(seed: seed)
    var table = PortTable()
    var model: [PortID: DatagramSocket] = [:]
    for step in 0..<3_000 {
      let port = PortID(UInt32.random(in: 0..<200, using: &entropy) | (Bool.random(using: &entropy) ? 1 << 31 : 0))
      if Int.random(in: 0..<3, using: &entropy) < (step < 1_500 ? 2 : 1) {
        let socket = DatagramSocket(driver.datagrams, descriptor: -1, local: TransportAddress(.loopbackV4, port: 1))
        table.set(port, socket)
        model[port] = socket
      } else {
        #expect(table.remove(port) === model.removeValue(forKey: port))
      }
      #expect(table.count == model.count && table[port] === model[port])
    }
    for number in UInt32(0)..<200 {
      for port in [PortID(number), PortID(number | 1 << 31)] { #expect(table[port] === model[port]) }
    }
    #expect(table.sockets.count == model.count)
    try await driver.stop().get()
    try await loop.shutdownGracefully()
  }
}
