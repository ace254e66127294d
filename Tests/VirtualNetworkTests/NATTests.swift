import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

private let outsideAddress = IPAddress(v4: 0xCB00_7107)
private let carol = IPAddress(v4: 0xC000_0203)

func inside(_ last: UInt32) -> IPAddress { IPAddress(v4: 0x0A00_0000 + last) }

/// Two hosts behind a NAT (10.0.0.1, 10.0.0.2), two outside (192.0.2.1 alice, 192.0.2.2 bob); each has UDP ports 5060 and 7000.
struct Home {
  let simulation = Simulation(seed: 1)
  let hosts = (0..<4).map { _ in ProbeHost() }
  let sink = RecordingSink()
  let nat: HostID

  init(_ nat: NAT = NAT(outside: outsideAddress)) {
    simulation.defaultLink = Impairment(delay: .milliseconds(10))
    simulation.addSink(sink)
    for (host, (name, address)) in zip(hosts, [("first", inside(1)), ("second", inside(2)), ("alice", alice), ("bob", bob)]) {
      host.onStart = {
        $0.bind(PortID(1), TransportAddress(address, port: 5060))
        $0.bind(PortID(2), TransportAddress(address, port: 7000))
        $0.bind(PortID(3), TransportAddress(address, port: 5060), .listener)
      }
      simulation.add(host, name: name, addresses: [address])
    }
    self.nat = simulation.add(nat, name: "home", inside: [HostID(0), HostID(1)])
    simulation.run(until: .zero)
    for host in hosts { host.log = [] }
  }

  func send(_ host: Int, _ text: String = "x", port: UInt32 = 1, to address: IPAddress, _ number: UInt16 = 5060) {
    simulation.command(HostID(UInt16(host))) { _, out in
      out.datagram(PortID(port), to: TransportAddress(address, port: number), Bytes(text), .none)
    }
  }

  func settle(_ time: Int64 = 100) { simulation.run(until: simulation.now.advanced(by: .milliseconds(time))) }

  /// What a host was told, without the time.
  func news(_ host: Int) -> [String] { hosts[host].log.map { $0.split(separator: " ").dropFirst().joined(separator: " ") } }

  /// The fates in the NAT's own capture.
  var fates: [Fate] { sink.packets.filter { $0.host == nat }.map(\.fate) }
}

@Suite struct NATTests {
  @Test func `outside sees the outside address, the answer finds its way in, and each capture shows its own addresses (RFC 4787 §4.1)`() {
    let home = Home()
    home.send(0, "hello", to: alice)
    home.settle()
    #expect(home.news(2) == ["datagram hello from 203.0.113.7:5060"])
    home.send(2, "back", to: outsideAddress)
    home.settle()
    #expect(home.news(0) == ["datagram back from 192.0.2.1:5060"])
    #expect(
      home.sink.lines == [
        "0.000 0#1 sent udp 10.0.0.1:5060 192.0.2.1:5060 5 translated(port: 5060)",
        "0.000 4#1 sent udp 203.0.113.7:5060 192.0.2.1:5060 5 delivered",
        "0.010 2#1 received udp 203.0.113.7:5060 192.0.2.1:5060 5 delivered",
        "0.100 2#2 sent udp 192.0.2.1:5060 203.0.113.7:5060 4 delivered",
        "0.110 4#2 received udp 192.0.2.1:5060 203.0.113.7:5060 4 translated(port: 5060)",
        "0.110 0#2 received udp 192.0.2.1:5060 10.0.0.1:5060 4 translated(port: 5060)",
      ])
  }

  /// Which outside ports one inside port gets for alice:5060, alice:7000 and bob:5060.
  @Test(
    arguments: [
      (NAT.Behaviour.endpointIndependent, [5060, 5060, 5060]), (.addressDependent, [5060, 5060, 5062]),
      (.addressAndPortDependent, [5060, 5062, 5064]),
    ] as [(NAT.Behaviour, [UInt16])])
  func `a mapping is shared by the destinations that its behaviour does not tell apart (RFC 4787 §4.1)`(
    mapping: NAT.Behaviour, ports: [UInt16]
  ) {
    let home = Home(NAT(outside: outsideAddress, mapping: mapping))
    home.send(0, to: alice)
    home.send(0, to: alice, 7000)
    home.send(0, to: bob)
    #expect(home.sink.packets.filter { $0.host == home.nat }.map(\.source.port) == ports)
  }

  /// Whether alice:5060 (who was called), alice:7000 and bob:5060 get through, whatever the mapping.
  @Test(
    arguments: NAT.Behaviour.allCases,
    [
      (NAT.Behaviour.endpointIndependent, [true, true, true]), (.addressDependent, [true, true, false]),
      (.addressAndPortDependent, [true, false, false]),
    ])
  func `who may answer is what the filtering says, with each mapping (RFC 4787 §5)`(
    mapping: NAT.Behaviour, filtering: (NAT.Behaviour, [Bool])
  ) {
    let home = Home(NAT(outside: outsideAddress, mapping: mapping, filtering: filtering.0))
    home.send(0, to: alice)
    home.settle()
    home.send(2, "1", port: 1, to: outsideAddress)
    home.send(2, "2", port: 2, to: outsideAddress)
    home.send(3, "3", port: 1, to: outsideAddress)
    home.settle()
    #expect(home.news(0).map { $0.contains("datagram") }.count == filtering.1.count { $0 })
    let expected: [Fate] = [.delivered] + filtering.1.map { $0 ? .translated(port: 5060) : .filtered(.stranger) }
    #expect(home.fates == expected)
  }

  @Test func `what goes out keeps a binding alive, what comes in does not (RFC 4787 REQ-5, REQ-6)`() {
    let home = Home(NAT(outside: outsideAddress, lifetime: .seconds(30)))
    home.send(0, to: alice)
    home.settle(25_000)
    home.send(0, to: alice)
    home.settle(25_000)
    home.send(2, to: outsideAddress)
    home.settle(10_000)
    #expect(home.news(0).count == 1)
    // 35 s after the last packet from inside, 10 s after the last from outside.
    home.send(2, to: outsideAddress)
    home.settle()
    #expect(home.news(0).count == 1)
    #expect(home.fates.last == .filtered(.expired))
  }

  @Test func `traffic to another keeps the binding, not the right of who is no longer spoken to (RFC 4787 §5)`() {
    let home = Home(NAT(outside: outsideAddress, lifetime: .seconds(30)))
    home.send(0, to: alice)
    home.settle(20_000)
    home.send(0, to: bob)
    home.settle(20_000)
    home.send(2, to: outsideAddress)
    home.send(3, to: outsideAddress)
    home.settle()
    #expect(home.fates.suffix(2) == [.filtered(.expired), .translated(port: 5060)])
  }

  @Test func `a port is kept when it is free, else the next of its parity is taken, and an expired one is free (RFC 4787 §4.2)`() {
    let home = Home(NAT(outside: outsideAddress, lifetime: .seconds(30)))
    home.send(0, to: alice)
    home.send(1, to: alice)
    home.send(1, port: 2, to: alice)
    #expect(home.sink.packets.filter { $0.host == home.nat }.map(\.source.port) == [5060, 5062, 7000])
    home.settle(31_000)
    home.send(1, to: alice)
    #expect(home.sink.packets.last { $0.host == home.nat }?.source.port == 5060)
  }

  @Test func `when no port is left nothing more goes out`() {
    var table = NATTable(NAT(outside: outsideAddress, mapping: .addressAndPortDependent))
    let remote = TransportAddress(alice, port: 5060)
    for port in UInt16(1)...1_023 {
      #expect(table.passOut(TransportAddress(inside(1), port: port), to: remote, at: .zero) == .outbound(port: port, isNew: true))
    }
    #expect(table.passOut(TransportAddress(inside(2), port: 500), to: remote, at: .zero) == .filtered(.noPort))
    #expect(table.passOut(TransportAddress(inside(2), port: 5_000), to: remote, at: .zero) == .outbound(port: 5_000, isNew: true))
  }

  @Test(arguments: [true, false])
  func `hairpin: by the outside address two hosts inside reach each other, from outside addresses, where the NAT can (RFC 4787 §6)`(
    hairpin: Bool
  ) {
    let home = Home(NAT(outside: outsideAddress, filtering: .endpointIndependent, hairpin: hairpin))
    home.send(1, to: alice)
    home.settle()
    home.send(0, "round", port: 2, to: outsideAddress)
    home.settle()
    #expect(home.news(1) == (hairpin ? ["datagram round from 203.0.113.7:7000"] : []))
    #expect(home.sink.packets.contains { $0.fate == .filtered(.noHairpin) } == !hairpin)
  }

  @Test func `hosts behind one NAT speak directly; a private address is nobody's outside, an unmapped port nobody's at all`() {
    let home = Home()
    home.send(0, "lan", to: inside(2))
    home.send(2, "lost", to: inside(1))
    home.send(2, "early", to: outsideAddress)
    home.settle()
    #expect(home.news(1) == ["datagram lan from 10.0.0.1:5060"])
    #expect(home.news(0) == [])
    #expect(home.sink.packets.filter { $0.host == HostID(2) }.map(\.fate) == [.unroutable, .delivered])
    #expect(home.fates == [.filtered(.noMapping)])
  }

  @Test func `port unreachable comes back through the NAT and ends no binding (RFC 4787 §8)`() {
    let home = Home()
    home.send(0, to: alice, 9)
    home.settle()
    #expect(home.news(0) == ["unreachable 192.0.2.1:9"])
    home.send(0, to: alice)
    #expect(home.sink.packets.last { $0.host == home.nat }?.source.port == 5060)
  }

  @Test func `two NATs in a row translate twice: each side sees the other's outside address`() {
    let home = Home()
    let other = IPAddress(v4: 0xCB00_7108)
    home.simulation.add(NAT(outside: other), name: "office", inside: [HostID(2)])
    home.send(0, "a", to: other)
    home.settle()
    home.send(2, "b", to: outsideAddress)
    home.settle()
    home.send(0, "c", to: other)
    home.settle()
    #expect(home.news(0) == ["datagram b from 203.0.113.8:5060"])
    #expect(home.news(2) == ["datagram c from 203.0.113.7:5060"])
    #expect(home.sink.packets.contains { $0.fate == .filtered(.noMapping) })
  }

  @Test func `the stage hears of bindings and of what is dropped`() {
    let home = Home()
    var events: [BoxEvent] = []
    home.simulation.onEvent = { _, event in if let event = event as? BoxEvent { events.append(event) } }
    home.send(0, to: alice)
    home.send(3, to: outsideAddress)
    home.settle()
    let outside = TransportAddress(outsideAddress, port: 5060)
    #expect(
      events == [
        .mapped(inside: TransportAddress(inside(1), port: 5060), outside: outside, isStream: false),
        .dropped(.stranger, source: TransportAddress(bob, port: 5060), destination: outside),
      ])
  }
}
