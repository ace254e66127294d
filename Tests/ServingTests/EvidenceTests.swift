import Foundation
import SIPMessage
import SansIO
import Testing

@testable import LiveNetwork

/// What a sink saw leave, in order.
private final class SentRecorder: JournalSink, @unchecked Sendable {
  private(set) var datagrams: [Bytes] = []
  private(set) var stream: [UInt8] = []
  private(set) var failures: [SocketFailure] = []

  func hostAdded(_ host: HostID, name: String) {}
  func finish(at now: Instant) {}
  func packet(_ packet: PacketRecord) {
    guard packet.direction == .sent else { return }
    if case .udp = packet.carrier { datagrams.append(packet.payload) } else { stream += packet.payload }
  }
  func record(_ record: JournalRecord) {
    if case .event(let event as SocketFailure) = record.body { failures.append(event) }
  }
}

/// Another process that receives, by Python's sockets.
private final class Receiver {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private(set) var ports: [UInt16] = []

  /// - Parameter script: gets `u`, a UDP socket, and `t`, a listening TCP socket; it ends after a line on its standard input.
  init(_ script: String) throws {
    let prelude = """
      import socket, sys, struct
      u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      u.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4000000)
      u.bind(("127.0.0.1", 0))
      t = socket.socket()
      t.bind(("127.0.0.1", 0))
      t.listen(1)
      print(u.getsockname()[1], t.getsockname()[1], flush=True)

      """
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = ["-c", prelude + script]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    ports = line().split(separator: " ").compactMap { UInt16($0) }
  }

  func line() -> String {
    var bytes: [UInt8] = []
    while let byte = try? output.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func tell() { try? input.fileHandleForWriting.write(contentsOf: Data("\n".utf8)) }

  deinit {
    if process.isRunning { process.terminate() }
  }
}

/// A host that only does what a test says, and says when a connection is up or gone.
private final class Mute: NetworkHost, @unchecked Sendable {
  let arrivals: AsyncStream<Arrival>
  private let continuation: AsyncStream<Arrival>.Continuation

  init() { (arrivals, continuation) = AsyncStream.makeStream(of: Arrival.self) }
  func start(at now: Instant, _ out: inout Outbox) { out.bind(PortID(1), TransportAddress(.loopbackV4, port: 0)) }
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) { continuation.yield(arrival) }
  func wake(at now: Instant, _ out: inout Outbox) {}
  var nextDeadline: Instant? { nil }

  func first(_ match: (Arrival) -> Bool) async {
    for await arrival in arrivals where match(arrival) { return }
  }
}

@Suite(.serialized, .timeLimit(.minutes(15))) struct EvidenceTests {
  private func run(_ body: (LiveDriver, Mute, SentRecorder) async throws -> Void) async throws {
    let (loop, host, sink) = (try SocketLoop(), Mute(), SentRecorder())
    let driver = LiveDriver(host, name: "probe", on: loop, sinks: [sink])
    driver.start()
    await host.first { if case .bound = $0 { true } else { false } }
    try await body(driver, host, sink)
    try await driver.stop().get()
    try await loop.shutdownGracefully()
  }

  @Test func `the datagrams that the tap saw leave are those that another process received`() async throws {
    let receiver = try Receiver(
      """
      sys.stdin.readline()
      u.settimeout(0.2)
      try:
        while True: print(u.recv(65536).hex(), flush=True)
      except TimeoutError: print("end", flush=True)
      """)
    let here = TransportAddress(.loopbackV4, port: try #require(receiver.ports.first))
    try await run { driver, host, sink in
      driver.command { _, out in
        for index in 0..<50 {
          let bytes = Bytes("datagram \(index)")
          out.datagram(PortID(1), to: here, bytes, .none)
          // No broadcast, no port, no route from the loopback's address.
          out.datagram(PortID(1), to: TransportAddress(IPAddress(v4: .max), port: 9), bytes, Label(.request(.bye)))
          out.datagram(PortID(1), to: TransportAddress(.loopbackV4, port: 0), bytes, Label(.request(.bye)))
          out.datagram(PortID(1), to: TransportAddress(IPAddress(v4: 0xC000_0209), port: 5060), bytes, Label(.request(.bye)))
        }
        out.datagram(PortID(1), to: here, Bytes([UInt8](repeating: 1, count: 65_508)), Label(.request(.bye)))
        out.datagram(PortID(1), to: here, "last", .none)
      }
      var failed = 0
      await host.first { arrival in
        if case .sendFailed = arrival { failed += 1 }
        return failed == 151
      }
      receiver.tell()
      var received: [String] = []
      while case let line = receiver.line(), line != "end", !line.isEmpty { received.append(line) }
      let sent = sink.datagrams.map { $0.map { String(format: "%02x", $0) }.joined() }
      #expect(sent.count == 51 && received == sent)
      #expect(sink.failures.count == 151 && sink.failures.last?.error == .messageTooLong)
    }
  }

  @Test func `a peer that never reads does not fill our memory: its connection is reset, and that is in the journal`() async throws {
    let receiver = try Receiver("c, _ = t.accept()\nsys.stdin.readline()")
    let there = TransportAddress(.loopbackV4, port: try #require(receiver.ports.last))
    try await run { driver, host, sink in
      let chunk = Bytes([UInt8](repeating: 7, count: 250_000))
      driver.command { _, out in out.open(ConnectionID(2), to: there) }
      await host.first { if case .opened = $0 { true } else { false } }
      // Far more than the kernel's buffers take.
      for _ in 0..<200 {
        driver.command { _, out in out.bytes(ConnectionID(2), chunk, Label(.response(status: 200, .options))) }
        try await driver.eventLoop.submit {}.get()
      }
      await host.first { if case .closed(_, .reset) = $0 { true } else { false } }
      #expect(sink.failures.last?.error == .wouldBlock && sink.failures.last?.remote == there)
      #expect(sink.stream.count < 40 * 1_000_000)
      receiver.tell()
    }
  }

  @Test func `of a stream that breaks, the tap saw what the kernel took, and the other process a beginning of it`() async throws {
    let receiver = try Receiver(
      """
      c, _ = t.accept()
      got = c.recv(65536)
      c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
      sys.stdin.readline()
      c.close()
      print(got.hex(), flush=True)
      """)
    let there = TransportAddress(.loopbackV4, port: try #require(receiver.ports.last))
    try await run { driver, host, sink in
      let chunk = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
      driver.command { _, out in out.open(ConnectionID(2), to: there) }
      await host.first { if case .opened = $0 { true } else { false } }
      driver.command { _, out in for _ in 0..<20 { out.bytes(ConnectionID(2), Bytes(chunk), .none) } }
      // One more turn of the loop: what the kernel takes at once, it has.
      try await driver.eventLoop.submit {}.get()
      receiver.tell()
      await host.first { if case .closed = $0 { true } else { false } }
      let received = receiver.line()
      let taken = sink.stream
      #expect(!taken.isEmpty && taken.count < 20 * chunk.count)
      #expect(received.utf8.count / 2 <= taken.count && !received.isEmpty)
      #expect(taken.prefix(received.utf8.count / 2).map { String(format: "%02x", $0) }.joined() == received)
    }
  }
}
