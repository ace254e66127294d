import CTunnel
import Capture
import Foundation
import SansIO
import ScenarioEngine
import ScenarioModel
import VirtualNetwork

/// A router between two TUN devices: this reads, writes and has the clock; ``PacketRouter`` does the rest.
struct Relay {
  private struct Side {
    let host: HostID
    let descriptor: Int32
  }

  /// What Ethernet carries; the hosts' TCP fits its segments to it.
  private static let mtu: Int32 = 1_500
  private static let device = "lab0"
  /// How long it sleeps at most, to hear of Ctrl-C.
  private static let nap: Int64 = 200_000_000

  private var router: PacketRouter
  private var sides: [Side] = []
  private let begin: Int64
  private var writeFailures = 0
  /// Faults of the file that cannot be had between real hosts, and why.
  private(set) var leftOut: [String] = []
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(_ scenario: Scenario, _ given: [RelaySide], seed: UInt64, out: String?) throws {
    router = PacketRouter(seed: seed)
    begin = Self.clock()
    if let out {
      router.addSink(CaptureSink(.folder(out), epoch: Epoch(unixNanoseconds: Int64(Date().timeIntervalSince1970 * 1e9))))
      router.addSink(JournalFile(path: "\(out)/journal.ndjson"))
    }
    var numbers: [String: HostID] = [:]
    for side in given { numbers[side.member.name] = router.add(side.member.name, addresses: [side.member.address]) }
    for link in scenario.network {
      for (from, to) in link.ends.directions {
        if let from = numbers[from], let to = numbers[to] { router.setLink(from: from, to: to, link.impairment) }
      }
    }
    for box in scenario.boxes {
      let inside = box.inside.compactMap { numbers[$0] }
      // Whoever is not here has nobody before it.
      guard !inside.isEmpty else { continue }
      switch box {
      case .nat(let nat): numbers[box.name] = router.add(NAT(nat, scenario), name: box.name, inside: inside)
      case .firewall(let firewall): numbers[box.name] = router.add(Firewall(firewall), name: box.name, inside: inside)
      }
    }
    for plan in scenario.standingFaults { add(plan, numbers) }
    for side in given {
      guard let host = numbers[side.member.name] else { continue }
      sides.append(Side(host: host, descriptor: try Self.open(side)))
    }
  }

  private mutating func add(_ plan: FaultPlan, _ numbers: [String: HostID]) {
    switch plan.action {
    case .split, .halfClose: leftOut.append("fault '\(plan.text)' left out: real hosts have a TCP of their own")
    case .drop, .delay, .duplicate, .reset, .replace, .corrupt:
      // Nothing comes from, or goes to, who is not here.
      guard [plan.sender, plan.receiver].allSatisfy({ $0.map { numbers[$0] != nil } ?? true }) else {
        return leftOut.append("fault '\(plan.text)' left out: it is about neither of the two hosts")
      }
      router.add(Fault(plan, from: plan.sender.flatMap { numbers[$0] }, to: plan.receiver.flatMap { numbers[$0] }))
    }
  }

  private static func open(_ side: RelaySide) throws -> Int32 {
    let address = side.member.address
    var plain = tunnel_address(high: address.high, low: address.low, is_v6: address.isIPv6)
    let result = tunnel_open(side.path, device, &plain, mtu)
    guard result < 0 else { return result }
    Console.complain(
      "kallglot-lab relay: no TUN device in the namespace \(side.space) (\(String(cString: strerror(-result)))): it needs root, "
        + "/dev/net/tun and 'ip netns add \(side.space)'")
    throw ExitWith(code: 3)
  }

  private static func clock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private var now: Instant { Instant(nanoseconds: Self.clock() - begin) }

  // MARK: - The loop

  /// Runs until that much time has passed, or Ctrl-C.
  mutating func run(until limit: Duration?) {
    let end = limit.map { Instant.zero.advanced(by: $0) } ?? .distantFuture
    while !Interruption.hasCome, now < end {
      write(router.wake(at: now))
      sleep(until: min(router.nextDeadline ?? .distantFuture, end))
      for side in sides { read(side) }
      write(router.takeErrors())
    }
    router.finish(at: now)
    for side in sides { close(side.descriptor) }
  }

  private func sleep(until deadline: Instant) {
    let rest = max(0, min(deadline.nanoseconds == .max ? Self.nap : deadline.nanoseconds - now.nanoseconds, Self.nap))
    tunnel_wait(sides[0].descriptor, sides[1].descriptor, rest)
  }

  private mutating func read(_ side: Side) {
    // So many at most, that the other side gets its turn.
    for _ in 0..<64 {
      let count = Foundation.read(side.descriptor, &buffer, buffer.count)
      guard count > 0 else { return }
      router.receive(Bytes(Array(buffer[..<count])), from: side.host, at: now)
    }
  }

  private mutating func write(_ outputs: [PacketRouter.Output]) {
    for output in outputs {
      guard let side = sides.first(where: { $0.host == output.side }) else { continue }
      let written = output.packet.withUnsafeBytes { Foundation.write(side.descriptor, $0.baseAddress, $0.count) }
      if written < 0 { writeFailures += 1 }
    }
  }

  /// What each fault met.
  var faults: [String] {
    router.struckFaults.map { fault in
      "fault '\(fault.text)': "
        + (fault.seen == 0 ? "met nothing" : "struck \(fault.struck) of \(CountText.of(fault.seen, "packet")) of its kind")
    }
  }

  /// What happened, in a line.
  var summary: String {
    let seen = router.statistics
    return "\(CountText.of(seen.received, "packet")), \(seen.delivered) delivered, \(seen.lost) lost, \(seen.filtered) filtered, "
      + "\(seen.unroutable) without a way, \(seen.unreadable) unreadable"
      + (writeFailures == 0 ? "" : ", \(writeFailures) not taken by the kernel")
  }
}
