import SansIO
import Testing

@testable import LiveNetwork

/// Sockets that no host uses at the moment, without a socket.
@Suite struct ParkedSocketsTests {
  private final class Nobody: NetworkHost {
    func start(at now: Instant, _ out: inout Outbox) {}
    func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {}
    func wake(at now: Instant, _ out: inout Outbox) {}
    var nextDeadline: Instant? { nil }
  }

  /// What is parked, by the ports of its sockets.
  private final class Lot {
    private var parked: ParkedSockets
    private let driver: LiveDriver

    init(_ driver: LiveDriver, descriptors: Int) {
      self.driver = driver
      parked = ParkedSockets(of: descriptors)
    }

    var next: Int64? { parked.next?.nanoseconds }

    func park(_ port: UInt16, until time: Int64) -> Bool { park(socket(port), until: time) }
    func park(_ socket: DatagramSocket, until time: Int64) -> Bool { parked.park(socket, until: Instant(nanoseconds: time)) }
    func socket(_ port: UInt16) -> DatagramSocket { DatagramSocket(driver.datagrams, descriptor: -1, local: address(port)) }
    func take(_ port: UInt16) -> DatagramSocket? { parked.take(address(port)) }
    func expired(at time: Int64) -> UInt16? { parked.takeExpired(at: Instant(nanoseconds: time))?.local.port }
    func all() -> [UInt16] { parked.takeAll().map(\.local.port) }
    func forget(_ socket: DatagramSocket) { parked.forget(socket) }
    func holds(_ socket: DatagramSocket) -> Bool { parked.holds(socket) }
    private func address(_ port: UInt16) -> TransportAddress { TransportAddress(.loopbackV4, port: port) }
  }

  private func run(descriptors: Int = 1_024, _ body: (Lot) throws -> Void) async throws {
    let loop = try SocketLoop()
    let driver = LiveDriver(Nobody(), name: "nobody", on: loop)
    try withExtendedLifetime(driver) { try body(Lot(driver, descriptors: descriptors)) }
    try await driver.stop().get()
    try await loop.shutdownGracefully()
  }

  @Test func `sockets leave when their time is over, in the order in which they came; one that was taken does not`() async throws {
    try await run { lot in
      for (port, time) in [(1, 10), (2, 20), (3, 30)] as [(UInt16, Int64)] { #expect(lot.park(port, until: time)) }
      #expect(lot.next == 10)
      #expect(lot.take(1)?.local.port == 1)
      #expect(lot.take(1) == nil)
      #expect(lot.next == 20)
      #expect(lot.expired(at: 19) == nil)
      #expect(lot.expired(at: 25) == 2)
      #expect(lot.expired(at: 25) == nil)
      #expect(lot.all() == [3])
      #expect(lot.next == nil && lot.all().isEmpty)
    }
  }

  @Test func `a socket that is parked again stays as long as the last time says`() async throws {
    try await run { lot in
      let own = lot.socket(1)
      #expect(lot.park(own, until: 10))
      #expect(lot.park(2, until: 11))
      #expect(lot.take(1) === own)
      #expect(lot.park(own, until: 20))
      #expect(lot.expired(at: 15) == 2)
      #expect(lot.expired(at: 15) == nil && lot.holds(own))
      #expect(lot.expired(at: 20) == 1)
    }
  }

  @Test func `a socket that was taken comes back to its address, unless it was closed`() async throws {
    try await run { lot in
      let own = lot.socket(1)
      #expect(lot.park(own, until: 10) && lot.take(1) === own && !lot.holds(own))
      #expect(lot.take(1) == nil, "it is in use")
      #expect(lot.park(own, until: 20) && lot.take(1) === own)
      lot.forget(own)
      let other = lot.socket(1)
      #expect(lot.park(other, until: 30) && lot.take(1) === other)
    }
  }

  @Test func `an eighth of the descriptors may rest, and one socket for each address`() async throws {
    try await run(descriptors: 16) { lot in
      #expect(lot.park(1, until: 0))
      #expect(!lot.park(1, until: 0))
      #expect(lot.park(2, until: 0))
      #expect(!lot.park(3, until: 0))
    }
  }
}
