import NIOCore
import SansIO
import Testing

@testable import LiveNetwork

/// A host made of a closure, that reports what arrives.
private final class Probe: NetworkHost, @unchecked Sendable {
  let arrivals: AsyncStream<Arrival>
  private let continuation: AsyncStream<Arrival>.Continuation
  private let onArrival: @Sendable (Arrival, inout Outbox) -> Void
  private let onStart: @Sendable (inout Outbox) -> Void
  private var deadline: Instant?

  init(start: @escaping @Sendable (inout Outbox) -> Void, arrival: @escaping @Sendable (Arrival, inout Outbox) -> Void = { _, _ in }) {
    (arrivals, continuation) = AsyncStream.makeStream(of: Arrival.self)
    onStart = start
    onArrival = arrival
  }

  func start(at now: Instant, _ out: inout Outbox) { onStart(&out) }
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    continuation.yield(arrival)
    onArrival(arrival, &out)
  }
  func wake(at now: Instant, _ out: inout Outbox) {}
  var nextDeadline: Instant? { nil }

  /// The first arrival that the test is looking for.
  func first<Value>(_ match: (Arrival) -> Value?) async -> Value? {
    for await arrival in arrivals { if let value = match(arrival) { return value } }
    return nil
  }
}

@Suite(.serialized, .timeLimit(.minutes(15))) struct LiveDriverTests {
  private func run(_ hosts: [Probe], _ body: ([LiveDriver]) async throws -> Void) async throws {
    let loop = try SocketLoop()
    let drivers = hosts.map { LiveDriver($0, name: "probe", on: loop) }
    for driver in drivers { driver.start() }
    try await body(drivers)
    for driver in drivers { try await driver.stop().get() }
    try await loop.shutdownGracefully()
    #expect(loop.droppedTasks == 0, "something was scheduled after the end")
  }

  private static func bound(_ arrival: Arrival) -> TransportAddress? { if case .bound(_, let address) = arrival { address } else { nil } }

  @Test(arguments: [IPAddress.loopbackV4, .loopbackV6])
  func `a datagram of 60,000 bytes arrives whole`(address: IPAddress) async throws {
    let receiver = Probe(start: { $0.bind(PortID(1), TransportAddress(address, port: 0)) })
    let sender = Probe(start: { $0.bind(PortID(1), TransportAddress(address, port: 0)) })
    try await run([receiver, sender]) { drivers in
      let target = try #require(await receiver.first(Self.bound))
      _ = await sender.first(Self.bound)
      let payload = Bytes([UInt8](repeating: 7, count: 60_000))
      drivers[1].command { _, out in out.datagram(PortID(1), to: target, payload, .none) }
      let received = await receiver.first { if case .datagram(_, from: _, let bytes) = $0 { bytes } else { nil } }
      #expect(received == payload)
    }
  }

  @Test(arguments: [IPAddress.loopbackV4, .loopbackV6])
  func `a connection carries bytes both ways and ends on both sides`(address: IPAddress) async throws {
    let server = Probe(
      start: { $0.bind(PortID(1), TransportAddress(address, port: 0), .listener) },
      arrival: { arrival, out in
        if case .bytes(let id, let bytes) = arrival { out.bytes(id, bytes, .none) }
        if case .ended(let id) = arrival { out.close(id) }
      })
    let client = Probe(
      start: { _ in },
      arrival: { arrival, out in
        if case .opened(let id, local: _, remote: _) = arrival { out.bytes(id, "hello", .none) }
        if case .bytes(let id, _) = arrival { out.finish(id) }
      })
    try await run([server, client]) { drivers in
      let target = try #require(await server.first(Self.bound))
      drivers[1].command { _, out in out.open(ConnectionID(2), to: target) }
      let echoed = await client.first { if case .bytes(_, let bytes) = $0 { bytes } else { nil } }
      #expect(echoed == "hello")
      let closure = await client.first { if case .closed(_, let closure) = $0 { closure } else { nil } }
      #expect(closure == .orderly)
    }
  }

  @Test func `a port that is taken and an address of another machine say so`() async throws {
    let first = Probe(start: { $0.bind(PortID(1), TransportAddress(.loopbackV4, port: 0)) })
    let second = Probe(start: { _ in })
    try await run([first, second]) { drivers in
      let taken = try #require(await first.first(Self.bound))
      drivers[1].command { _, out in
        out.bind(PortID(1), taken)
        out.bind(PortID(2), TransportAddress(IPAddress(v4: 0xC000_0201), port: 5060))
      }
      func failure(_ arrival: Arrival) -> BindFailure? { if case .bindFailed(_, _, let failure) = arrival { failure } else { nil } }
      let failures = [await second.first(failure), await second.first(failure)]
      #expect(failures.contains(.addressInUse) && failures.contains(.addressNotAvailable))
    }
  }

  @Test func `nobody listening refuses a connection`() async throws {
    let network = try LoopbackNetwork.claim(.twentyFour, addresses: [1], ports: [5_060])
    let nobody = TransportAddress(network.address(1), port: 5_060)
    let probe = Probe(start: { $0.open(ConnectionID(2), to: nobody) })
    try await run([probe]) { _ in
      let failure = await probe.first { if case .refused(_, let failure) = $0 { failure } else { nil } }
      #expect(failure == .refused)
    }
  }

  @Test func `media leaves descriptors for connections, and connections some for files`() {
    for soft in [256, 1_024, 65_536] {
      let limit = DescriptorLimit(soft: soft)
      #expect(limit.forMedia < limit.forConnections && limit.forConnections == soft - 16)
      #expect(soft - limit.forMedia == min(256, soft / 6))
    }
    #expect(DescriptorLimit.raise().soft >= DescriptorLimit.current.soft)
  }

  @Test func `a timer of a loop that ends fails, and it can be ended twice`() async throws {
    let loop = try SocketLoop()
    let pending = loop.scheduleTask(in: .hours(1)) {}
    let (failures, continuation) = AsyncStream.makeStream(of: EventLoopError?.self)
    pending.futureResult.whenFailure { continuation.yield($0 as? EventLoopError) }
    try await loop.shutdownGracefully()
    #expect(await failures.first { _ in true } == .shutdown)
    // Once more changes nothing.
    try await loop.shutdownGracefully()
  }

  @Test func `a released socket is parked, hears nothing and comes back for the same address`() async throws {
    let probe = Probe(start: { $0.bind(PortID(1), TransportAddress(.loopbackV4, port: 0)) })
    let sender = Probe(start: { $0.bind(PortID(1), TransportAddress(.loopbackV4, port: 0)) })
    try await run([probe, sender]) { drivers in
      let address = try #require(await probe.first(Self.bound))
      _ = await sender.first(Self.bound)
      drivers[0].command { _, out in out.unbind(PortID(1)) }
      drivers[1].command { _, out in out.datagram(PortID(1), to: address, "late", .none) }
      drivers[0].command { _, out in out.bind(PortID(9), address) }
      #expect(await probe.first(Self.bound) == address)
      drivers[1].command { _, out in out.datagram(PortID(1), to: address, "fresh", .none) }
      let port = await probe.first { if case .datagram(let port, from: _, "fresh") = $0 { port } else { nil } }
      #expect(port == PortID(9))
    }
  }
}
