import Testing

@testable import CallControl

@Suite struct MediaPortPoolTests {
  @Test func `RTP gets even ports with the odd one above inside the range (RFC 3550 §11)`() {
    var pool = MediaPortPool(20_001...20_006)
    #expect([pool.take(), pool.take(), pool.take()] == [20_002, 20_004, nil])
  }

  @Test func `a released pair rests while others are fresh, and is taken when none is left`() {
    var pool = MediaPortPool(20_000...20_005, quarantine: 1)
    let first = pool.take()
    pool.release(20_000)
    #expect(first == 20_000)
    #expect(pool.take() == 20_002)
    #expect(pool.take() == 20_004)
    #expect(pool.take() == 20_000)
    #expect(pool.take() == nil)
  }

  @Test func `after a thousand cycles no port is lost`() {
    var pool = MediaPortPool(20_000...20_099)
    for _ in 0..<1_000 {
      let taken = (0..<50).compactMap { _ in pool.take() }
      #expect(Set(taken).count == 50)
      #expect(pool.take() == nil)
      for port in taken { pool.release(port) }
    }
  }

  @Test func `a pair that another program holds is tried again when no other is left`() {
    var pool = MediaPortPool(20_000...20_005)
    #expect(pool.take() == 20_000)
    pool.putAside(20_000)
    #expect([pool.take(), pool.take(), pool.take(), pool.take()] == [20_002, 20_004, 20_000, nil])
  }
}
