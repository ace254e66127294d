import Testing

@testable import lab_bench

/// What a virtual call and a packet may take from memory. The figures are those of a debug build and go down only. One test after the
/// other: they count what the whole program takes.
@Suite(.serialized) struct AllocationTests {
  /// Lower it when a call takes less.
  private static let ratchet = 1_560.0

  @Test func `a virtual call with digest takes no more blocks of memory than it did, and the ratchet follows it down`() {
    let count = CostBench.allocations(calls: 50)
    #expect(count <= Self.ratchet)
    #expect(count > Self.ratchet * 0.98, "a call takes \(count) blocks now: lower the ratchet")
  }

  @Test func `a packet of media takes no more blocks of memory than it did, sent or received`() {
    let count = CostBench.streamAllocations(packets: 1_000)
    #expect(count.sent <= 11.5)
    #expect(count.received <= 2.1)
  }
}
