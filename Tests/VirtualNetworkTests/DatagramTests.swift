import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

@Suite struct DatagramTests {
  @Test func `a datagram arrives after the link's delay, seen at both ends with a number of its own`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(30)))
    pair.send("hello")
    pair.simulation.run(until: milliseconds(100))
    #expect(pair.second.log == ["0.000 bound 192.0.2.2:5060", "0.030 datagram hello from 192.0.2.1:5060"])
    #expect(
      pair.sink.lines == [
        "0.000 0#1 sent udp 192.0.2.1:5060 192.0.2.2:5060 5 delivered", "0.030 1#1 received udp 192.0.2.1:5060 192.0.2.2:5060 5 delivered",
      ])
    #expect(pair.sink.names == ["alice", "bob"])
  }

  @Test func `what is lost leaves its sender and reaches nobody; a seed loses the same ones each time`() {
    func run(_ seed: UInt64) -> ([String], [Fate]) {
      let pair = Pair(seed: seed, link: Impairment(loss: .random(.percent(20))))
      for index in 0..<200 { pair.send("\(index)") }
      pair.simulation.run(until: milliseconds(100))
      return (pair.second.log, pair.sink.packets.filter { $0.direction == .sent }.map(\.fate))
    }
    let (log, fates) = run(1)
    #expect(fates.count == 200)
    #expect((20...60).contains(fates.count { $0 == .lost(.random) }))
    #expect(log.count - 1 == fates.count { $0 == .delivered })
    #expect(run(1).0 == log)
    #expect(run(2).0 != log)
  }

  @Test func `a third host changes nothing between the first two`() {
    func fates(third: Bool) -> [Fate] {
      let pair = Pair(link: Impairment(jitter: .uniform(.milliseconds(3)), loss: .random(.percent(20)), duplicate: .percent(5)))
      if third { pair.simulation.add(ProbeHost(), name: "carol", addresses: [IPAddress(v4: 0xC000_0203)]) }
      for index in 0..<100 { pair.send("\(index)") }
      return pair.sink.packets.map(\.fate)
    }
    #expect(fates(third: true) == fates(third: false))
  }

  @Test func `jitter lets datagrams overtake each other, duplication brings them twice`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(10), jitter: .uniform(.milliseconds(8)), duplicate: .always))
    for index in 0..<20 { pair.send("\(index)") }
    pair.simulation.run(until: milliseconds(100))
    let order = pair.second.log.dropFirst().compactMap { $0.split(separator: " ").dropFirst(2).first }.compactMap { Int($0) }
    #expect(order.count == 40)
    #expect(order != order.sorted())
    #expect(pair.sink.packets.count { $0.fate == .duplicated } == 20)
  }

  @Test func `a fault takes the n-th message that matches and no other`() {
    let pair = Pair()
    let number = pair.simulation.add(
      Fault("drop the 2nd 200 INVITE", sender: HostID(0), subject: .response(status: 200, "INVITE"), occurrences: 2...2, action: .drop))
    for index in 0..<3 { pair.send("\(index)", Label(.response(status: 200, "INVITE"))) }
    pair.send("other", Label(.response(status: 180, "INVITE")))
    pair.simulation.run(until: milliseconds(10))
    #expect(
      pair.sink.packets.filter { $0.direction == .sent }.map(\.fate) == [.delivered, .dropped(fault: number), .delivered, .delivered])
    #expect(pair.simulation.fault(number)?.seen == 3)
  }

  @Test func `a closed port answers with ICMP, an address of nobody with nothing`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(5)))
    pair.simulation.command(HostID(0)) { _, out in
      out.datagram(PortID(1), to: TransportAddress(bob, port: 9), "x", .none)
      out.datagram(PortID(1), to: TransportAddress(IPAddress(v4: 9), port: 9), "x", .none)
    }
    pair.simulation.run(until: milliseconds(100))
    #expect(pair.first.log.last == "0.010 unreachable 192.0.2.2:9")
    #expect(pair.first.log.count == 2)
    #expect(pair.sink.packets.last { $0.direction == .sent }?.fate == .unroutable)
  }

  @Test func `a port is bound once, and free again after unbind`() {
    let pair = Pair()
    pair.simulation.command(HostID(0)) { _, out in
      out.bind(PortID(2), TransportAddress(alice, port: 5060))
      out.bind(PortID(3), TransportAddress(bob, port: 7000))
      out.bind(PortID(4), TransportAddress(.anyV4, port: 0))
      out.unbind(PortID(1))
      out.bind(PortID(5), TransportAddress(.anyV4, port: 5060))
    }
    pair.simulation.run(until: milliseconds(1))
    #expect(
      pair.first.log.dropFirst() == [
        "0.000 bind failed address in use", "0.000 bind failed address not available", "0.000 bound 0.0.0.0:49152",
        "0.000 bound 0.0.0.0:5060",
      ])
  }
}

@Suite struct LoopTests {
  @Test func `a deadline that moves wakes its host once`() {
    let pair = Pair()
    pair.first.onArrival = { _, now, _ in pair.first.deadline = now.advanced(by: .milliseconds(50)) }
    for delay in [1, 2, 3] {
      pair.simulation.run(until: milliseconds(Int64(delay)))
      pair.simulation.command(HostID(1)) { _, out in out.datagram(PortID(1), to: TransportAddress(alice, port: 5060), "x", .none) }
    }
    pair.simulation.run(until: milliseconds(500))
    #expect(pair.first.log.filter { $0.hasSuffix("wake") } == ["0.054 wake"])
  }

  @Test func `at one instant packets come before wake-ups, wake-ups before the stage`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(10)))
    var order: [String] = []
    pair.second.onArrival = { _, _, _ in order.append("packet") }
    pair.second.onWake = { _, _ in order.append("wake") }
    pair.simulation.onStageDeadline = { _ in order.append("stage") }
    pair.simulation.stageDeadline = milliseconds(10)
    pair.second.deadline = milliseconds(10)
    pair.simulation.command(HostID(1)) { _, _ in }
    pair.send("x")
    pair.simulation.run(until: milliseconds(20))
    #expect(order == ["packet", "wake", "stage"])
  }

  @Test func `names resolve from the zone, without a question leaving the host`() {
    let pair = Pair()
    var zone = NameZone()
    zone.add("sip.kallglot.com", .a, NameRecord(.address(bob)))
    pair.simulation.setNames(zone)
    pair.simulation.command(HostID(0)) { _, out in
      out.resolve(QueryID(1), NameQuestion("SIP.kallglot.com", .a))
      out.resolve(QueryID(2), NameQuestion("sip.kallglot.com", .aaaa))
      out.resolve(QueryID(3), NameQuestion("nobody.example", .a))
    }
    pair.simulation.run(until: milliseconds(10))
    #expect(pair.first.log.count == 4)
    #expect(pair.first.log[3].hasSuffix("noSuchName"))
  }
}
