import Impairments
import SansIO

@testable import VirtualNetwork

let alice = IPAddress(v4: 0xC000_0201)
let bob = IPAddress(v4: 0xC000_0202)

func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

/// A host made of a closure: it notes what arrives and does what the test says.
final class ProbeHost: NetworkHost {
  var log: [String] = []
  var deadline: Instant?
  var onStart: (inout Outbox) -> Void = { _ in }
  var onArrival: (Arrival, Instant, inout Outbox) -> Void = { _, _, _ in }
  var onWake: (Instant, inout Outbox) -> Void = { _, _ in }

  func start(at now: Instant, _ out: inout Outbox) { onStart(&out) }

  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    log.append("\(now) \(Self.text(arrival))")
    onArrival(arrival, now, &out)
  }

  func wake(at now: Instant, _ out: inout Outbox) {
    log.append("\(now) wake")
    deadline = nil
    onWake(now, &out)
  }

  var nextDeadline: Instant? { deadline }

  private static func text(_ arrival: Arrival) -> String {
    switch arrival {
    case .bound(_, let address): "bound \(address)"
    case .bindFailed(_, _, let failure): "bind failed \(failure)"
    case .datagram(_, from: let source, let bytes): "datagram \(bytes) from \(source)"
    case .unreachable(_, let remote, _): "unreachable \(remote)"
    case .sendFailed(_, to: let remote, _, _, let error): "not sent to \(remote): \(error.name)"
    case .receiveFailed(_, let error), .acceptFailed(_, let error): "failed \(error.name)"
    case .acceptsAgain: "accepts again"
    case .accepted: "accepted"
    case .opened: "opened"
    case .refused(_, let failure): "refused \(failure)"
    case .bytes(_, let bytes): "bytes \(bytes.count < 40 ? bytes.text : "\(bytes.count)")"
    case .ended: "ended"
    case .closed(_, let closure): "closed \(closure)"
    case .drained: "drained"
    case .resolved(_, let answer): "resolved \(answer)"
    }
  }
}

final class RecordingSink: JournalSink {
  var packets: [PacketRecord] = []
  var names: [String] = []
  var isFinished = false
  func hostAdded(_ host: HostID, name: String) { names.append(name) }
  func packet(_ packet: PacketRecord) { packets.append(packet) }
  func record(_ record: JournalRecord) {}
  func finish(at now: Instant) { isFinished = true }

  /// Everything of a packet that a capture shows.
  var lines: [String] {
    packets.map {
      "\($0.at) \($0.host.rawValue)#\($0.frame) \($0.direction) \($0.carrier) \($0.source) \($0.destination) \($0.payload.count) \($0.fate)"
    }
  }
}

/// Two hosts with a UDP socket each on port 5060.
struct Pair {
  let simulation: Simulation
  let first = ProbeHost()
  let second = ProbeHost()
  let sink = RecordingSink()

  init(seed: UInt64 = 1, link: Impairment = .perfect, fates: FatePlan? = nil, records: Bool = false) {
    simulation = Simulation(seed: seed)
    simulation.use(fates.map { .replayed($0) } ?? (records ? .recorded : .drawn))
    simulation.defaultLink = link
    simulation.addSink(sink)
    for (host, name, address) in [(first, "alice", alice), (second, "bob", bob)] {
      host.onStart = { $0.bind(PortID(1), TransportAddress(address, port: 5060)) }
      simulation.add(host, name: name, addresses: [address])
    }
    simulation.run(until: .zero)
  }

  func send(_ text: String, _ label: Label = .none) {
    simulation.command(HostID(0)) { _, out in out.datagram(PortID(1), to: TransportAddress(bob, port: 5060), Bytes(text), label) }
  }
}
