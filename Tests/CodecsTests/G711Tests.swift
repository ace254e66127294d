import SansIO
import Testing

@testable import Codecs

@Suite struct G711Tests {
  @Test(arguments: [
    (UInt8(0x00), Int16(-32_124)), (0x80, 32_124), (0x0F, -16_764), (0x7F, 0), (0xFF, 0), (0xFE, 8), (0x7E, -8), (0xF0, 120), (0xEF, 132),
  ])
  func `μ-law octets stand for the values of G.711 Table 2`(octet: UInt8, sample: Int16) {
    #expect(G711.decode(octet, .mu) == sample)
  }

  @Test(arguments: [
    (UInt8(0xD5), Int16(8)), (0x55, -8), (0xD4, 24), (0xAA, 32_256), (0x2A, -32_256), (0x80, 5_504), (0x00, -5_504), (0xC5, 264),
  ])
  func `A-law octets stand for the values of G.711 Table 1`(octet: UInt8, sample: Int16) {
    #expect(G711.decode(octet, .a) == sample)
  }

  @Test(arguments: [G711.Law.mu, .a])
  func `every octet comes back from its own value (G.711 §3)`(law: G711.Law) {
    for octet in UInt8.min...UInt8.max {
      let again = G711.encode(G711.decode(octet, law), law)
      // Negative zero of μ-law is written as positive zero.
      #expect(again == (law == .mu && octet == 0x7F ? 0xFF : octet))
    }
  }

  @Test(arguments: [G711.Law.mu, .a])
  func `every sample lies in the interval of its octet, whose value is the middle of it (G.711 decision values)`(law: G711.Law) {
    for sample in Int16.min...Int16.max {
      let octet = G711.encode(sample, law)
      let segment = Int((law == .mu ? ~octet : octet ^ 0x55) >> 4 & 7)
      let halfStep = law == .mu ? 4 << segment : segment == 0 ? 8 : 8 << (segment - 1)
      let error = abs(Int(G711.decode(octet, law)) - Int(sample))
      // The lower bits of a 16-bit sample lie below the resolution; beyond the last decision value everything is clipped.
      let isClipped = abs(Int(sample)) > (law == .mu ? 32_635 : 32_767)
      #expect(error <= halfStep + (law == .mu ? 4 : 8) || isClipped, "\(sample) became \(octet)")
    }
  }

  @Test(arguments: [G711.Law.mu, .a])
  func `a louder sample never gets a smaller value`(law: G711.Law) {
    var last = Int(Int16.min)
    for sample in Int16.min...Int16.max {
      let value = Int(G711.decode(G711.encode(sample, law), law))
      #expect(value >= last)
      last = value
    }
  }

  @Test(arguments: [G711.Law.mu, .a])
  func `a frame of one value is coded as its samples are, whatever the value`(law: G711.Law) {
    for octet in UInt8.min...UInt8.max {
      var frame: [Int16] = [1]
      G711.decode(Bytes([UInt8](repeating: octet, count: 160)), law, into: &frame)
      #expect(frame == [Int16](repeating: G711.decode(octet, law), count: 160))
      var payload: [UInt8] = [7]
      G711.encode(frame, law, into: &payload)
      #expect(payload == [7] + frame.map { G711.encode($0, law) })
    }
  }

  @Test func `the extremes of samples are found wherever they stand`() {
    for count in 1...33 {
      for place in 0..<count {
        var samples = [Int16](repeating: 5, count: count)
        samples[place] = .min
        #expect(samples.withUnsafeBufferPointer { $0.extremes?.least } == .min)
        samples[place] = .max
        #expect(samples.withUnsafeBufferPointer { $0.extremes?.greatest } == .max)
        #expect(samples.withUnsafeBufferPointer { $0.extremes?.least } == (count == 1 ? .max : 5))
      }
    }
    #expect([Int16]().withUnsafeBufferPointer { $0.extremes == nil })
  }
}
