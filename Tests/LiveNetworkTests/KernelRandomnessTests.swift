import Testing

@testable import LiveNetwork

@Suite struct KernelRandomnessTests {
  @Test func `numbers differ within a block and from block to block, and nobody is given one twice`() async {
    let source = KernelRandomness()
    let drawn = await withTaskGroup(of: [UInt64].self) { group in
      for _ in 0..<4 { group.addTask { (0..<1_000).map { _ in source.next() } } }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(Set(drawn).count == 4_000)
    // As many ones as zeros, within what chance does once in ten thousand years: bytes that were never filled would show.
    let ones = drawn.reduce(0) { $0 + $1.nonzeroBitCount }
    #expect(abs(ones - 128_000) < 3_000)
  }
}
