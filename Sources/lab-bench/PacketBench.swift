import Capture
import Foundation
import SansIO
import VirtualNetwork

/// Two hosts that answer each packet with the next: sent, queued, delivered.
enum PacketBench {
  private final class Player: NetworkHost {
    private let address: TransportAddress
    private let peer: TransportAddress
    private let begins: Int
    private let payload = Bytes([UInt8](repeating: 0x80, count: 172))
    private let label = Label(.rtp(payloadType: 0))

    init(_ address: TransportAddress, peer: TransportAddress, begins: Int) {
      self.address = address
      self.peer = peer
      self.begins = begins
    }

    func start(at now: Instant, _ out: inout Outbox) { out.bind(PortID(1), address) }

    func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
      switch arrival {
      case .datagram: out.datagram(PortID(1), to: peer, payload, label)
      case .bound: for _ in 0..<begins { out.datagram(PortID(1), to: peer, payload, label) }
      default: break
      }
    }

    func wake(at now: Instant, _ out: inout Outbox) {}
    var nextDeadline: Instant? { nil }
  }

  static func run() -> [Row] {
    let discarding: [any JournalSink] = [CaptureSink(.discarded), JournalFile(path: "/dev/null")]
    let writing: [any JournalSink] = [CaptureSink(.folder(folder)), JournalFile(path: "\(folder)/journal.ndjson")]
    return [
      Row(name: "packets sent and delivered, taps off", value: rate(sinks: []) / 1e6, unit: "M/s", bar: 4),
      Row(
        name: "packets sent and delivered, taps, journal and capture on", value: rate(sinks: discarding) / 1e6, unit: "M/s", bar: 1,
        note: "without the file system"),
      Row(name: "  the same into files", value: rate(sinks: writing) / 1e6, unit: "M/s", note: "1 kB of files a packet"),
    ]
  }

  private static let folder: String = {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-\(getpid())").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }()

  private static func rate(sinks: [any JournalSink]) -> Double {
    let simulation = Simulation(seed: 1)
    for sink in sinks { simulation.addSink(sink) }
    let first = TransportAddress(IPAddress(v4: 0xC000_0201), port: 5060)
    let second = TransportAddress(IPAddress(v4: 0xC000_0202), port: 5060)
    simulation.add(Player(first, peer: second, begins: 8), name: "a", addresses: [first.address])
    simulation.add(Player(second, peer: first, begins: 0), name: "b", addresses: [second.address])
    let count = sinks.isEmpty ? 4_000_000 : 1_000_000
    let seconds = Stopwatch.best(of: 1) {
      while simulation.statistics.packetsDelivered < count, simulation.step() {}
    }
    simulation.finish()
    try? FileManager.default.removeItem(atPath: folder)
    return Double(simulation.statistics.packetsDelivered) / seconds
  }
}
