import SansIO
import Testing

@testable import VirtualNetwork

@Suite struct NATStreamTests {
  private let outsideAddress = IPAddress(v4: 0xCB00_7107)

  private func open(_ home: Home, from host: Int, to address: IPAddress) {
    home.simulation.command(HostID(UInt16(host))) { _, out in out.open(ConnectionID(2), to: TransportAddress(address, port: 5060)) }
  }

  private func write(_ home: Home, _ host: Int, _ id: ConnectionID, _ text: String) {
    home.simulation.command(HostID(UInt16(host))) { _, out in out.bytes(id, Bytes(text), .none) }
  }

  @Test func `a connection from inside carries both ways, and each side sees the address it may see (RFC 5382 §4.2)`() {
    let home = Home(NAT(outside: outsideAddress))
    open(home, from: 0, to: alice)
    home.settle()
    write(home, 0, ConnectionID(2), "out")
    write(home, 2, ConnectionID(1), "in")
    home.settle()
    #expect(home.news(0).filter { $0.hasPrefix("bytes") } == ["bytes in"])
    #expect(home.news(2).filter { $0.hasPrefix("bytes") } == ["bytes out"])
    let sources = { (host: Int) in
      Set(home.sink.packets.filter { $0.host == HostID(UInt16(host)) && $0.direction == .received }.map(\.source.address))
    }
    #expect(sources(2) == [outsideAddress])
    #expect(sources(0) == [alice])
    #expect(home.fates.allSatisfy { $0 == .delivered || $0 == .translated(port: 49_152) })
  }

  @Test func `a connection from outside is not answered, not even refused: its SYN is tried until it times out (RFC 5382 §4.3)`() {
    let home = Home(NAT(outside: outsideAddress, filtering: .endpointIndependent))
    open(home, from: 2, to: outsideAddress)
    home.settle(20_000)
    #expect(home.news(2) == ["refused timedOut"])
    #expect(home.news(0) == [])
    #expect(home.fates == [Fate](repeating: .filtered(.inboundConnection), count: 4))
  }

  @Test func `a private address cannot be called from outside`() {
    let home = Home(NAT(outside: outsideAddress))
    open(home, from: 2, to: inside(1))
    home.settle()
    #expect(home.news(2) == ["refused unreachable"])
  }

  @Test func `an idle connection loses its binding; then segments of both sides are dropped until both give up (RFC 5382 §5)`() {
    let home = Home(NAT(outside: outsideAddress, streamLifetime: .seconds(60)))
    open(home, from: 0, to: alice)
    home.settle(50_000)
    write(home, 2, ConnectionID(1), "refreshes too")
    home.settle(59_000)
    #expect(home.news(0).last == "bytes refreshes too")
    home.settle(10_000)
    write(home, 2, ConnectionID(1), "late")
    write(home, 0, ConnectionID(2), "late")
    home.settle(120_000)
    #expect(home.news(0).last == "closed timedOut")
    #expect(home.news(2).last == "closed timedOut")
    #expect(home.fates.contains(.filtered(.expired)))
    #expect(home.sink.packets.contains { $0.host == HostID(0) && $0.fate == .filtered(.noSession) })
  }

  @Test func `an ended connection keeps its binding four minutes, no longer (RFC 5382 REQ-5)`() {
    var table = NATTable(NAT(outside: outsideAddress))
    let (own, peer) = (TransportAddress(inside(1), port: 40_000), TransportAddress(alice, port: 5060))
    func alive(after seconds: Int64) -> Bool {
      var copy = table
      return copy.passIn(port: 40_000, from: peer, isStream: true, at: Instant(nanoseconds: seconds * 1_000_000_000)) == .inbound(to: own)
    }
    _ = table.passOut(own, to: peer, isStream: true, opens: true, at: .zero)
    table.streamEnds(port: 40_000, with: peer, [.fin, .ack], isOutbound: true)
    #expect(alive(after: 7_000))
    table.streamEnds(port: 40_000, with: peer, [.fin, .ack], isOutbound: false)
    #expect(alive(after: 239) && !alive(after: 241))
  }

  @Test func `a connection between hosts behind one NAT needs none, by the outside address it fails`() {
    let home = Home(NAT(outside: outsideAddress))
    open(home, from: 0, to: inside(2))
    home.settle()
    #expect(home.news(0) == ["opened"])
    #expect(home.fates.isEmpty)
    home.simulation.command(HostID(0)) { _, out in out.open(ConnectionID(4), to: TransportAddress(outsideAddress, port: 5060)) }
    home.settle(20_000)
    #expect(home.news(0).last == "refused timedOut")
  }
}
