import SansIO
import Testing

@testable import VirtualNetwork

private let outsideAddress = IPAddress(v4: 0xCB00_7107)

private func seconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000_000) }

extension NATTable {
  /// The outside port of a datagram; nil = it does not get out.
  fileprivate mutating func port(_ inside: TransportAddress, to remote: TransportAddress, at now: Instant = .zero) -> UInt16? {
    if case .outbound(let port, _) = passOut(inside, to: remote, at: now) { port } else { nil }
  }
}

@Suite struct NATPortsTests {
  private let first = TransportAddress(inside(1), port: 5060)
  private let second = TransportAddress(inside(2), port: 5060)
  private let alicePort = TransportAddress(alice, port: 5060)
  private let bobPort = TransportAddress(bob, port: 5060)

  private func table(_ ports: NAT.Ports, seed: UInt64 = 7, _ change: (inout NAT) -> Void = { _ in }) -> NATTable {
    var nat = NAT(outside: outsideAddress)
    nat.ports = ports
    change(&nat)
    return NATTable(nat, generator: SeededGenerator(seed: seed))
  }

  @Test func `overloading gives two hosts one port towards different destinations, and each answer finds its host (RFC 4787 §4.2.1)`() {
    var table = table(.overload)
    #expect(table.port(first, to: alicePort) == 5060)
    #expect(table.port(second, to: bobPort) == 5060)
    #expect(table.passIn(port: 5060, from: alicePort, at: .zero) == .inbound(to: first))
    #expect(table.passIn(port: 5060, from: bobPort, at: .zero) == .inbound(to: second))
    #expect(table.inside(of: 5060, from: bobPort) == second)
  }

  @Test func `towards one destination an overloaded port is taken once, the other host gets the next (RFC 4787 §4.2.1)`() {
    var table = table(.overload)
    #expect(table.port(first, to: alicePort) == 5060)
    #expect(table.port(second, to: alicePort) == 5062)
    #expect(table.passIn(port: 5062, from: alicePort, at: .zero) == .inbound(to: second))
  }

  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
  func `parity: an even port stands for an even one, an odd for an odd, and neither is preserved (RFC 4787 REQ-4)`(seed: UInt64) {
    var table = table(.parity, seed: seed)
    for port in UInt16(20_000)..<20_040 {
      let outside = table.port(TransportAddress(inside(1), port: port), to: alicePort)
      #expect(outside.map { $0 % 2 } == port % 2)
      #expect(outside != port)
    }
  }

  @Test func `contiguous: the port after an even one stands for the port after it (RFC 4787 §4.2.3)`() throws {
    var table = table(.contiguous)
    let mapped = (1...2).map { table.port(TransportAddress(inside($0), port: 20_000), to: alicePort) }
    let (rtp, other) = (try #require(mapped[0]), try #require(mapped[1]))
    #expect(table.port(TransportAddress(inside(1), port: 20_001), to: alicePort) == rtp + 1)
    #expect(table.port(TransportAddress(inside(2), port: 20_001), to: alicePort) == other + 1)
  }

  @Test func `random: ports of both parities, equal for one seed and others for another (RFC 4787 §4.2.2)`() {
    func draw(_ seed: UInt64) -> [UInt16?] {
      var table = table(.random, seed: seed)
      return (0..<40).map { table.port(TransportAddress(inside(1), port: 20_000 + 2 * $0), to: alicePort) }
    }
    #expect(draw(1) == draw(1) && draw(1) != draw(2))
    #expect(Set(draw(1).compactMap { $0.map { $0 % 2 } }) == [0, 1])
    #expect(Set(draw(1)).count == 40)
  }

  @Test(arguments: NAT.Ports.allCases)
  func `well-known ports stay among themselves, the others above them (RFC 4787 REQ-3 b)`(ports: NAT.Ports) throws {
    var table = table(ports)
    for _ in 0..<3 {
      let (low, high) = (table.port(TransportAddress(inside(1), port: 500), to: alicePort), table.port(second, to: bobPort))
      #expect(try #require(low) < 1_024 && #require(high) >= 1_024)
    }
  }

  /// Whether a binding of 30 s is alive at 40 s after a packet at 20 s from inside, from outside.
  @Test(arguments: [(NAT.Refresh.outbound, true, false), (.inbound, false, true), (.both, true, true)] as [(NAT.Refresh, Bool, Bool)])
  func `what refreshes a binding is what the rule says (RFC 4787 §4.3, REQ-6)`(refresh: NAT.Refresh, byOutbound: Bool, byInbound: Bool) {
    for (isOutbound, survives) in [(true, byOutbound), (false, byInbound)] {
      var table = table(.preserve) { ($0.refresh, $0.lifetime) = (refresh, .seconds(30)) }
      #expect(table.port(first, to: alicePort) == 5060)
      if isOutbound {
        #expect(table.port(first, to: alicePort, at: seconds(20)) == 5060)
      } else {
        #expect(table.passIn(port: 5060, from: alicePort, at: seconds(20)) == .inbound(to: first))
      }
      let late = table.passIn(port: 5060, from: alicePort, at: seconds(40))
      #expect(late == (survives ? .inbound(to: first) : .filtered(.expired)))
    }
  }

  @Test func `a forward leads in whoever sends, and its host answers from that port for ever`() {
    var table = table(.parity) {
      $0.forwards = [NAT.Forward(port: 5070, inside: first)]
      $0.lifetime = .seconds(30)
    }
    #expect(table.passIn(port: 5070, from: bobPort, at: seconds(1_000)) == .inbound(to: first))
    #expect(table.port(first, to: alicePort, at: seconds(1_000)) == 5070)
    #expect(table.passIn(port: 5070, from: alicePort, isStream: true, at: seconds(1_000)) == .inbound(to: first))
  }

  @Test func `a promised port lets its peer in before anything was sent, nobody else, and is what its host gets`() throws {
    var table = table(.preserve)
    let rtp = TransportAddress(inside(1), port: 20_000)
    #expect(table.port(TransportAddress(inside(2), port: 20_000), to: bobPort) == 20_000)
    let promised = table.promise(rtp, to: alice, at: .zero)
    #expect(try #require(promised) == (20_002, true))
    #expect(table.passIn(port: 20_002, from: TransportAddress(alice, port: 4_000), at: seconds(1)) == .inbound(to: rtp))
    #expect(table.passIn(port: 20_002, from: bobPort, at: seconds(1)) == .filtered(.stranger))
    #expect(table.port(rtp, to: TransportAddress(alice, port: 4_000), at: seconds(2)) == 20_002)
    let again = table.promise(rtp, to: alice, at: seconds(3))
    #expect(try #require(again) == (20_002, false))
  }
}
