import SansIO
import Testing

@testable import SecureTransport

/// Each flight of the handshake lost, doubled, late, reordered and in fragments (RFC 6347 §4.2.4).
@Suite struct DTLSLossTests {
  /// ClientHello; ServerHello to ServerHelloDone; Certificate to Finished; Finished.
  struct Flight: Hashable, Sendable {
    var from: DTLSPair.Side
    var number: Int

    static let all = [
      Flight(from: .active, number: 0), Flight(from: .passive, number: 0), Flight(from: .active, number: 1),
      Flight(from: .passive, number: 1),
    ]
  }

  enum Fault: CaseIterable, Sendable {
    case lost
    case firstLost
    case lastLost
    case doubled
    case reversed
    case late

    func delays(_ sent: DTLSPair.Sent, of count: Int) -> [Duration] {
      let delay = DTLSPair.delay
      return switch self {
      case .lost: []
      case .firstLost: sent.place == 0 ? [] : [delay]
      case .lastLost: sent.place == count - 1 ? [] : [delay]
      case .doubled: [delay, delay + .milliseconds(5)]
      case .reversed: [delay + .milliseconds(count - sent.place)]
      // The repetition overtakes it.
      case .late: [.milliseconds(1_500)]
      }
    }

    /// What the handshake may take: what is lost waits for a timer of one second. So does a ChangeCipherSpec before its turn, which is no
    /// handshake message that could be kept.
    func bound(_ flight: Flight) -> Duration {
      switch self {
      case .lost, .firstLost, .lastLost, .late: .milliseconds(1_200)
      case .reversed: flight == Flight(from: .active, number: 1) ? .milliseconds(1_200) : .milliseconds(150)
      case .doubled: .milliseconds(150)
      }
    }
  }

  @Test(arguments: Flight.all, Fault.allCases)
  func `a fault in any flight ends in the same keys within a retransmission (RFC 6347 §4.2.4)`(flight: Flight, fault: Fault) throws {
    for mtu in [300, 1_200] {
      let clean = try DTLSLab.pair(mtu: mtu).handshake()
      let count = clean.sent.count { $0.from == flight.from && $0.flight == flight.number }
      #expect(count > 0)
      let pair = try DTLSLab.pair(mtu: mtu)
      pair.path = { sent in
        sent.from == flight.from && sent.flight == flight.number ? fault.delays(sent, of: count) : [DTLSPair.delay]
      }
      pair.handshake()
      #expect(pair.isEstablished)
      #expect(pair.end(.active).session?.keyingMaterial == pair.end(.passive).session?.keyingMaterial)
      for time in pair.establishedAt { #expect((try #require(time)) <= Instant.zero.advanced(by: fault.bound(flight))) }
      for side in DTLSPair.Side.allCases { #expect(pair[side].count { if case .established = $0 { true } else { false } } == 1) }
    }
  }

  @Test func `the timer is one second and doubles (RFC 6347 §4.2.4.1)`() throws {
    let pair = try DTLSLab.pair()
    pair.path = { _ in [] }
    pair.handshake(limit: .seconds(40))
    let times = pair.sent.filter { $0.from == .active }.map { $0.at.nanoseconds / 1_000_000 }
    #expect(times == [0, 1_000, 3_000, 7_000, 15_000, 31_000])
    #expect(pair.end(.passive).nextDeadline == nil)
  }

  @Test func `a flight that is sent again has as many datagrams as the first time (RFC 6347 §4.1.1)`() throws {
    for mtu in [300, 1_200] {
      let pair = try DTLSLab.pair(mtu: mtu)
      pair.path = { $0.from == .active && $0.flight == 1 ? [] : [DTLSPair.delay] }
      pair.handshake()
      func count(_ flight: Int) -> Int { pair.sent.count { $0.from == .active && $0.flight == flight } }
      #expect(pair.isEstablished && count(1) > 0 && count(2) <= count(1))
      #expect(pair.sent.allSatisfy { $0.bytes.count <= mtu })
    }
  }

  @Test func `a peer that never answers is given up by name, and nothing is waited for`() throws {
    let pair = try DTLSLab.pair()
    pair.path = { _ in [] }
    pair.handshake(limit: .seconds(3_600))
    #expect(pair[.active].failure?.reason == .noAnswer)
    #expect(pair[.active].failure?.endedBy == .peer)
    #expect(pair.end(.active).nextDeadline == nil)
  }

  @Test func `the last flight is sent again long after the handshake, and again (RFC 6347 §4.2.4)`() throws {
    let pair = try DTLSLab.pair()
    // Everything of the server from its second flight on is lost for 20 seconds.
    pair.path = { $0.from == .passive && $0.flight > 0 && $0.at < Instant(nanoseconds: 20_000_000_000) ? [] : [DTLSPair.delay] }
    pair.handshake()
    #expect(pair.isEstablished)
    let (active, passive) = (try #require(pair.establishedAt[0]), try #require(pair.establishedAt[1]))
    #expect(passive < Instant(nanoseconds: 100_000_000))
    #expect(active > Instant(nanoseconds: 20_000_000_000) && active < Instant(nanoseconds: 32_000_000_000))
    #expect(pair[.passive].count { if case .established = $0 { true } else { false } } == 1)
  }

  @Test func `handshakes end through 200 ms of jitter and 10 % loss, all within 16 s (DTLS-06)`() throws {
    let contexts = try DTLSLab.contexts(mtu: 600)
    var slowest = Duration.zero
    for seed in 1...200 as ClosedRange<UInt64> {
      var chance = Entropy(seed: seed).fork("network")
      let pair = DTLSPair(contexts.active, contexts.passive, entropy: Entropy(seed: seed)) { _ in
        Ratio.percent(10).hits(&chance) ? [] : [.milliseconds(Int64(chance.next() % 200))]
      }
      pair.handshake()
      #expect(pair.isEstablished, "seed \(seed)")
      #expect(pair.end(.active).session?.keyingMaterial == pair.end(.passive).session?.keyingMaterial)
      for time in pair.establishedAt { slowest = max(slowest, Instant.zero.duration(to: try #require(time))) }
    }
    #expect(slowest < .seconds(16), "the slowest took \(slowest)")
  }

  @Test func `what is sent twice after the handshake changes nothing`() throws {
    let pair = try DTLSLab.pair().handshake()
    let before = pair[.active].count
    for one in pair.sent where one.from == .passive { pair.take(pair.end(.active).receive(one.bytes, at: pair.now), of: .active) }
    #expect(pair[.active].count == before)
    #expect(pair.isEstablished)
  }
}
