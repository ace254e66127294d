import SansIO
import Testing

@testable import SecureTransport

@Suite struct DTLSDeterminismTests {
  /// All datagrams with their times, over a network that loses some.
  private func course(_ active: DTLSContext, _ passive: DTLSContext, seed: UInt64) -> [[UInt8]] {
    var chance = Entropy(seed: seed).fork("network")
    let pair = DTLSPair(active, passive, entropy: Entropy(seed: seed)) { _ in
      Ratio.percent(20).hits(&chance) ? [] : [.milliseconds(Int64(chance.next() % 50))]
    }
    pair.handshake()
    pair.take(pair.end(.active).close(at: pair.now), of: .active)
    pair.run()
    #expect(pair.isEstablished)
    return pair.sent.map { Array("\($0.at) \($0.from) ".utf8) + $0.bytes.array }
  }

  @Test func `one seed gives one course of datagrams, retransmissions included, another seed another`() throws {
    let contexts = try DTLSLab.contexts(mtu: 300)
    let first = course(contexts.active, contexts.passive, seed: 3)
    #expect(first.count > 12)
    #expect(course(contexts.active, contexts.passive, seed: 3) == first)
    let others = try DTLSLab.contexts(mtu: 300)
    #expect(course(others.active, others.passive, seed: 3) == first)
    #expect(course(contexts.active, contexts.passive, seed: 4) != first)
  }

  @Test func `an RSA key's blinding does not tie connections to one another`() throws {
    let rsa = try DTLSCertificate(key: .rsa(bits: 2_048), entropy: Entropy(seed: 30), epoch: .virtual)
    let (active, passive) = (try DTLSContext(rsa), try DTLSContext(DTLSLab.certificates[0]))
    for (one, two) in [(active, passive), (passive, active)] {
      let first = course(one, two, seed: 1)
      for seed in 2..<5 as Range<UInt64> { _ = course(one, two, seed: seed) }
      #expect(course(one, two, seed: 1) == first)
      #expect(course(one === active ? try DTLSContext(rsa) : one, one === active ? two : try DTLSContext(rsa), seed: 1) == first)
    }
  }

  @Test func `live and virtual connections live side by side on one context`() throws {
    let contexts = try DTLSLab.contexts()
    let before = course(contexts.active, contexts.passive, seed: 1)
    let virtual = DTLSPair(contexts.active, contexts.passive, entropy: Entropy(seed: 7))
    let live = DTLSPair(contexts.active, contexts.passive, entropy: .system)
    virtual.start()
    live.start()
    live.run(limit: .milliseconds(30))
    virtual.run(limit: .milliseconds(30))
    live.run()
    virtual.run()
    #expect(live.isEstablished && virtual.isEstablished)
    #expect(live.end(.active).session?.keyingMaterial == live.end(.passive).session?.keyingMaterial)
    let alone = DTLSPair(contexts.active, contexts.passive, entropy: Entropy(seed: 7)).handshake()
    #expect(alone.sent.map(\.bytes) == virtual.sent.map(\.bytes))
    let other = DTLSPair(contexts.active, contexts.passive, entropy: .system).handshake()
    #expect(other.sent.map(\.bytes) != live.sent.map(\.bytes))
    #expect(course(contexts.active, contexts.passive, seed: 1) == before)
  }

  @Test func `a live end has a timer of one real second (RFC 6347 §4.2.4.1)`() throws {
    let context = try DTLSLab.contexts().active
    let end = DTLSConnection(context, role: .active, expecting: [context.fingerprint()], entropy: .system, epoch: Epoch(unixSeconds: 0))
    let now = Instant(nanoseconds: 7_000_000_000)
    #expect(!end.start(at: now).isEmpty)
    let deadline = try #require(end.nextDeadline)
    #expect(deadline > now.advanced(by: .milliseconds(500)) && deadline <= now.advanced(by: .seconds(1)))
    // Too early: nothing is sent.
    #expect(end.wake(at: now).isEmpty)
  }
}
