import SansIO
import Testing

@testable import VirtualNetwork

private let outsideAddress = IPAddress(v4: 0xCB00_7107)
private let carrierAddress = IPAddress(v4: 0x6440_0007)

/// As ``Home``, with the NAT behind another one.
private struct Doubled {
  let home = Home(NAT(outside: carrierAddress))
  let carrier: HostID

  init() {
    carrier = home.simulation.add(NAT(outside: outsideAddress), name: "carrier", inside: [home.nat])
    home.simulation.run(until: .zero)
  }
}

@Suite struct MiddleboxTests {
  private func open(_ home: Home, from host: Int, to address: IPAddress, _ id: UInt32 = 2) {
    home.simulation.command(HostID(UInt16(host))) { _, out in out.open(ConnectionID(id), to: TransportAddress(address, port: 5060)) }
  }

  @Test func `a NAT behind a NAT translates twice, and the answer comes all the way back`() {
    let both = Doubled()
    both.home.send(0, "out", to: alice)
    both.home.settle()
    both.home.send(2, "back", to: outsideAddress)
    both.home.settle()
    #expect(both.home.news(2) == ["datagram out from 203.0.113.7:5060"])
    #expect(both.home.news(0) == ["datagram back from 192.0.2.1:5060"])
    let sources = both.home.sink.packets.filter { $0.direction == .sent && $0.payload.text == "out" }.map(\.source.address)
    #expect(sources == [inside(1), carrierAddress, outsideAddress])
    let last = both.home.sink.packets.suffix(3)
    #expect(last.map(\.host) == [both.carrier, both.home.nat, HostID(0)])
    #expect(last.map(\.destination.address) == [outsideAddress, carrierAddress, inside(1)])
  }

  @Test func `a connection through two NATs carries both ways`() {
    let both = Doubled()
    open(both.home, from: 0, to: alice)
    both.home.settle()
    both.home.simulation.command(HostID(0)) { _, out in out.bytes(ConnectionID(2), "out", .none) }
    both.home.simulation.command(HostID(2)) { _, out in out.bytes(ConnectionID(1), "back", .none) }
    both.home.settle()
    #expect(both.home.news(2).contains("bytes out") && both.home.news(0).contains("bytes back"))
    let received = both.home.sink.packets.filter { $0.host == HostID(2) && $0.direction == .received }
    #expect(Set(received.map(\.source.address)) == [outsideAddress])
  }

  @Test func `hosts behind the same outer NAT reach each other's inner one directly, a host inside it by no address`() {
    let both = Doubled()
    let neighbour = ProbeHost()
    let own = IPAddress(v4: 0x6440_0009)
    neighbour.onStart = { $0.bind(PortID(1), TransportAddress(own, port: 5060)) }
    // Beside the inner NAT, outside of the outer one: what has the carrier's own address is not reached from there.
    both.home.simulation.add(neighbour, name: "neighbour", addresses: [own])
    both.home.simulation.run(until: .zero)
    both.home.simulation.command(HostID(5 + 1)) { _, out in
      out.datagram(PortID(1), to: TransportAddress(carrierAddress, port: 5060), "x", .none)
      out.datagram(PortID(1), to: TransportAddress(inside(1), port: 5060), "x", .none)
    }
    both.home.settle()
    #expect(both.home.sink.packets.suffix(2).map(\.fate) == [.unroutable, .unroutable])
  }

  @Test func `a forwarded port takes connections from outside, and from inside by the outside address (RFC 5382 REQ-8)`() {
    var nat = NAT(outside: outsideAddress)
    nat.forwards = [NAT.Forward(port: 5060, inside: TransportAddress(inside(2), port: 5060))]
    let home = Home(nat)
    open(home, from: 2, to: outsideAddress)
    open(home, from: 0, to: outsideAddress)
    home.settle(1_000)
    #expect(home.news(2) == ["opened"] && home.news(0) == ["opened"])
    #expect(home.news(1) == ["accepted", "accepted"])
    home.simulation.command(HostID(0)) { _, out in out.bytes(ConnectionID(2), "round", .none) }
    home.settle()
    #expect(home.news(1).last == "bytes round")
    let hairpinned = home.sink.packets.filter { $0.host == HostID(1) && $0.payload.text == "round" }
    #expect(hairpinned.map(\.source.address) == [outsideAddress])
  }

  @Test func `a NAT without hairpinning keeps a connection to its own address in`() {
    var nat = NAT(outside: outsideAddress, hairpin: false)
    nat.forwards = [NAT.Forward(port: 5060, inside: TransportAddress(inside(2), port: 5060))]
    let home = Home(nat)
    open(home, from: 0, to: outsideAddress)
    home.settle(20_000)
    #expect(home.news(0) == ["refused timedOut"])
    #expect(home.sink.packets.contains { $0.host == HostID(0) && $0.fate == .filtered(.noHairpin) })
  }

  @Test func `after a reboot nobody gets in until somebody inside sends, and a connection is dead`() {
    let home = Home()
    home.send(0, to: alice)
    open(home, from: 0, to: alice)
    home.settle()
    home.simulation.reboot(home.nat)
    home.send(2, "lost", to: outsideAddress)
    home.simulation.command(HostID(0)) { _, out in out.bytes(ConnectionID(2), "x", .none) }
    home.settle(120_000)
    #expect(home.news(0).last == "closed timedOut")
    #expect(home.fates.contains(.filtered(.noMapping)))
    home.send(0, to: alice)
    home.settle()
    home.send(2, "found", to: outsideAddress)
    home.settle()
    #expect(home.news(0).last == "datagram found from 192.0.2.1:5060")
  }

  @Test func `a reboot can bring another outside address; the old one is nobody's`() {
    let home = Home()
    home.send(0, to: alice)
    home.settle()
    let new = IPAddress(v4: 0xCB00_7109)
    home.simulation.reboot(home.nat, outside: new)
    home.send(0, "again", to: alice)
    home.settle()
    home.send(2, to: outsideAddress)
    home.send(2, "there", to: new)
    home.settle()
    #expect(home.news(2).last == "datagram again from 203.0.113.9:5060")
    #expect(home.news(0).last == "datagram there from 192.0.2.1:5060")
    #expect(home.sink.packets.contains { $0.fate == .unroutable })
  }

  @Test func `a host that moves sends from its new address and is found there; what goes to the old one is lost, its connections are dead`()
  {
    let home = Home()
    open(home, from: 3, to: alice)
    home.settle()
    let new = IPAddress(v4: 0xC000_0263)
    home.simulation.move(HostID(3), from: bob, to: new)
    home.send(3, "here", to: alice)
    home.send(2, "lost", to: bob)
    home.send(2, "found", to: new)
    home.simulation.command(HostID(3)) { _, out in out.bytes(ConnectionID(2), "x", .none) }
    home.settle(120_000)
    #expect(home.news(2).contains("datagram here from 192.0.2.99:5060"))
    #expect(home.news(3).contains("datagram found from 192.0.2.1:5060"))
    #expect(home.news(3).last == "closed timedOut")
    open(home, from: 2, to: new)
    home.settle()
    #expect(home.news(2).last == "opened")
  }

  @Test func `NAT64: a host with IPv6 alone reaches IPv4 below the prefix, and sees its answers from there (RFC 6146, RFC 6052)`() {
    let simulation = Simulation(seed: 1)
    let (six, four) = (ProbeHost(), ProbeHost())
    let own = IPAddress("2001:db8::20") ?? .anyV6
    let prefix = IPAddress("64:ff9b::") ?? .anyV6
    six.onStart = { $0.bind(PortID(1), TransportAddress(own, port: 5060)) }
    four.onStart = {
      $0.bind(PortID(1), TransportAddress(alice, port: 5060))
      $0.bind(PortID(2), TransportAddress(alice, port: 5060), .listener)
    }
    let first = simulation.add(six, name: "six", addresses: [own])
    simulation.add(four, name: "four", addresses: [alice])
    var nat = NAT(outside: outsideAddress)
    nat.prefix = prefix
    simulation.add(nat, name: "nat64", inside: [first])
    simulation.run(until: .zero)
    let target = TransportAddress(IPAddress("64:ff9b::192.0.2.1") ?? .anyV6, port: 5060)
    four.onArrival = { arrival, _, out in
      if case .datagram(let port, let source, _) = arrival { out.datagram(port, to: source, "back", .none) }
    }
    simulation.command(first) { _, out in
      out.datagram(PortID(1), to: target, "out", .none)
      out.datagram(PortID(1), to: TransportAddress(IPAddress("2001:db8::99") ?? .anyV6, port: 5060), "nowhere", .none)
      out.open(ConnectionID(2), to: target)
    }
    simulation.run(until: milliseconds(1_000))
    #expect(four.log.contains { $0.hasSuffix("datagram out from 203.0.113.7:5060") })
    #expect(six.log.contains { $0.hasSuffix("datagram back from [64:ff9b::c000:201]:5060") })
    #expect(six.log.contains { $0.hasSuffix("opened") } && four.log.contains { $0.hasSuffix("accepted") })
  }
}

@Suite struct FirewallTests {
  private struct Fenced {
    let home: Home
    let wall: HostID

    /// Alice and Bob stand behind the firewall; the first and second of ``Home`` are taken out by using those two as the world.
    init(_ firewall: Firewall) {
      home = Home()
      wall = home.simulation.add(firewall, name: "wall", inside: [HostID(2)])
      home.simulation.run(until: .zero)
    }

    var fates: [Fate] { home.sink.packets.filter { $0.host == wall && $0.direction == .received }.map(\.fate) }
  }

  @Test func `nobody comes in until the host has sent to it, by exactly that pair of addresses`() {
    let fenced = Fenced(Firewall())
    fenced.home.send(3, "1", to: alice)
    fenced.home.settle()
    fenced.home.send(2, to: bob)
    fenced.home.settle()
    fenced.home.send(3, "2", to: alice)
    fenced.home.send(3, "3", port: 2, to: alice)
    fenced.home.settle()
    #expect(fenced.home.news(2) == ["datagram 2 from 192.0.2.2:5060"])
    #expect(fenced.fates == [.filtered(.noPinhole), .delivered, .filtered(.noPinhole)])
  }

  /// Whether a pinhole of 30 s lets in at 40 s after a packet at 20 s from inside, from outside.
  @Test(arguments: [(NAT.Refresh.outbound, true, false), (.inbound, false, true), (.both, true, true)] as [(NAT.Refresh, Bool, Bool)])
  func `an idle pinhole closes, and what keeps it open is what the rule says`(refresh: NAT.Refresh, byOutbound: Bool, byInbound: Bool) {
    for (isOutbound, survives) in [(true, byOutbound), (false, byInbound)] {
      let fenced = Fenced(Firewall(refresh: refresh))
      fenced.home.send(2, to: bob)
      fenced.home.settle(20_000)
      fenced.home.send(isOutbound ? 2 : 3, to: isOutbound ? bob : alice)
      fenced.home.settle(20_000)
      fenced.home.send(3, "late", to: alice)
      fenced.home.settle()
      #expect(fenced.home.news(2).contains("datagram late from 192.0.2.2:5060") == survives)
      #expect(fenced.fates.last == (survives ? .delivered : .filtered(.pinholeClosed)))
    }
  }

  @Test func `an allowed port takes datagrams and connections from everybody; a closed one answers nothing`() {
    let fenced = Fenced(Firewall(allows: [5060]))
    fenced.home.send(3, "in", to: alice)
    fenced.home.send(3, "not", to: alice, 7000)
    for (id, port) in [(UInt32(2), UInt16(5060)), (4, 7000)] {
      fenced.home.simulation.command(HostID(3)) { _, out in out.open(ConnectionID(id), to: TransportAddress(alice, port: port)) }
    }
    fenced.home.settle(20_000)
    #expect(fenced.home.news(2) == ["datagram in from 192.0.2.2:5060", "accepted"])
    #expect(fenced.home.news(3) == ["opened", "refused timedOut"])
  }

  @Test func `a connection from inside is known until both have ended it or it was idle too long`() {
    var table = FirewallTable(Firewall(streamIdle: .seconds(60)))
    let (own, peer) = (TransportAddress(alice, port: 40_000), TransportAddress(bob, port: 5060))
    func second(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000_000) }
    #expect(table.passIn(peer, to: own, [.syn], at: .zero) == .noPinhole)
    #expect(table.passOut(own, to: peer, [.syn], at: .zero) == nil)
    #expect(table.passIn(peer, to: own, [.syn, .ack], at: second(1)) == nil)
    #expect(table.passIn(peer, to: own, [.ack], at: second(62)) == .pinholeClosed)
    #expect(table.passOut(own, to: peer, [.ack], at: second(62)) == .noSession)
    table.forgetAll()
    #expect(table.passIn(peer, to: own, [.ack], at: second(62)) == .noPinhole)
  }
}
