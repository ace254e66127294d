import Testing

@testable import lab_bench

/// What a virtual call may take from memory. The figure is that of a debug build and goes down only.
@Suite struct AllocationTests {
  /// Lower it when a call takes less.
  private static let ratchet = 2_590.0

  @Test func `a virtual call with digest takes no more blocks of memory than it did, and the ratchet follows it down`() {
    let count = CostBench.allocations(calls: 50)
    #expect(count <= Self.ratchet)
    #expect(count > Self.ratchet * 0.98, "a call takes \(count) blocks now: lower the ratchet")
  }
}
