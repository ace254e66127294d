import SansIO
import Testing

@testable import Media

/// What waits for an agreement or for keys.
@Suite struct EarlyPacketsTests {
  private let place = TransportAddress(IPAddress(v4: 0xC000_0214), port: 10_000)
  private let elsewhere = TransportAddress(IPAddress(v4: 0xCB00_7107), port: 10_000)

  private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
  private func packet(_ number: UInt8) -> Arrival { .datagram(PortID(1), from: place, Bytes([0x80, number])) }

  @Test func `packets are kept in their order with their time, 64 at most and a second at most`() {
    var early = EarlyPackets()
    var kept = (0..<65 as Range<UInt8>).map { early.keep(packet($0), at: at(Int64($0))) }
    #expect(kept.prefix(64).allSatisfy { $0 } && kept.last == false)
    var taken = early.takeAll(at: at(1_010)).map(\.at)
    #expect(taken == (10..<64).map { at($0) })
    taken = early.takeAll(at: at(1_010)).map(\.at)
    #expect(taken.isEmpty)
    kept = [early.keep(packet(1), at: at(1_020)), early.keep(packet(2), at: at(2_030))]
    taken = early.takeAll(at: at(2_040)).map(\.at)
    #expect(kept == [true, true] && taken == [at(2_030)])
  }

  private func hello(_ random: UInt8, fragment: UInt8 = 0, record: UInt8 = 0) -> Bytes {
    var bytes: [UInt8] = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, record, 0, 60, 1, 0, 0, 100, 0, 0, 0, 0, fragment, 0, 0, 48, 0xFE, 0xFD]
    bytes += [UInt8](repeating: random, count: 46)
    return Bytes(bytes)
  }

  @Test func `of each place the newest hello is kept with its fragments, and a repetition is none`() {
    var held = HeldHellos()
    held.keep(hello(1), on: PortID(1), from: place, at: at(0))
    held.keep(hello(2), on: PortID(1), from: place, at: at(1))
    held.keep(hello(2, fragment: 48), on: PortID(1), from: place, at: at(2))
    held.keep(hello(2, record: 7), on: PortID(1), from: place, at: at(3))
    held.keep(hello(2, fragment: 48, record: 8), on: PortID(1), from: place, at: at(3))
    held.keep(hello(3), on: PortID(2), from: place, at: at(3))
    held.keep(Bytes([22, 0xFE, 0xFD]), on: PortID(1), from: place, at: at(4))
    let (first, again) = (held.take(on: PortID(1), from: place, at: at(5)), held.take(on: PortID(1), from: place, at: at(5)))
    #expect(first.map(\.bytes) == [hello(2, record: 7), hello(2, fragment: 48, record: 8)] && again.isEmpty)
    let (theirs, own) = (held.take(on: PortID(2), only: elsewhere, at: at(5)), held.take(on: PortID(2), only: place, at: at(5)))
    #expect(theirs.isEmpty && own == [hello(3)])
  }

  @Test func `a hello from where the peer says that it is comes before one from elsewhere, which counts alone; none is older than 10 s`() {
    var held = HeldHellos()
    func take(_ now: Int64) -> [TransportAddress] { held.take(on: PortID(1), from: place, at: at(now)).map(\.source) }
    held.keep(hello(1), on: PortID(1), from: elsewhere, at: at(0))
    held.keep(hello(2), on: PortID(1), from: place, at: at(1))
    let both = take(2)
    held.keep(hello(1), on: PortID(1), from: elsewhere, at: at(3))
    let one = take(4)
    held.keep(hello(1), on: PortID(1), from: place, at: at(5))
    let late = take(10_006)
    #expect(both == [place] && one == [elsewhere] && late.isEmpty)
    for port in 0..<20 as Range<UInt16> {
      held.keep(hello(1), on: PortID(1), from: TransportAddress(place.address, port: port + 1), at: at(20_000))
    }
    let many = take(20_001)
    #expect(many.count == 8)
  }
}
