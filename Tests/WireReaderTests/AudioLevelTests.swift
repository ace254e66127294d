import LabBench
import SansIO
import Testing

@testable import WireReader

/// G.711 as ITU-T wrote it, read without the stack's codec.
@Suite struct AudioLevelTests {
  @Test func `octets stand for the values of G.711 Tables 1 and 2`() {
    let mu: [(UInt8, Int)] = [(0xFF, 0), (0x7F, 0), (0x80, 32_124), (0x00, -32_124), (0x8F, 16_764), (0xFE, 8), (0xEF, 132)]
    for (octet, value) in mu {
      #expect(CompandingLaw.mu.value(octet) == value)
      #expect(CompandingLaw.muNotInverted.value(~octet) == value)
    }
    let a: [(UInt8, Int)] = [(0xD5, 8), (0x55, -8), (0xAA, 32_256), (0x2A, -32_256), (0xC5, 264), (0x80, 5_504)]
    for (octet, value) in a { #expect(CompandingLaw.a.value(octet) == value) }
  }

  /// Eight packets of the same eight octets.
  private func level(_ law: CompandingLaw, _ octets: [UInt8]) -> AudioLevel {
    var level = AudioLevel(law)
    for frame in 1...8 {
      level.take(Bytes((0..<160).map { octets[$0 % octets.count] }), FrameStamp(frame: frame, time: Int64(frame) * 20_000_000))
    }
    return level
  }

  private static let milliwatt: [(CompandingLaw, [UInt8])] = [
    (.mu, [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E]), (.a, [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4]),
  ]

  @Test(arguments: milliwatt) func `the digital milliwatt is 1000 Hz at 0 dBm0 (ITU-T G.711 §4)`(law: CompandingLaw, octets: [UInt8]) throws
  {
    let level = level(law, octets)
    let decibels = try #require(level.decibels), overload = try #require(level.overloadDecibels)
    #expect(abs(decibels) < 0.05 && abs(overload + 6.17) < 0.07, "\(decibels) dBm0, \(overload) dBov")
    #expect(
      level.tone.map { abs($0 - 1_000) <= 30 } == true && level.silent == 0 && level.fittingLaw == nil,
      "\(String(describing: level.tone)) Hz")
  }

  @Test func `what does not change is silence`() {
    for octet in [0xFF, 0x00, 0xD5] as [UInt8] {
      let level = level(.mu, [octet])
      #expect(level.silent == 8 && level.decibels == nil && level.tone == nil && level.fittingLaw == nil)
    }
  }

  /// 200 Hz in mu-law: the nearest octet to each sample.
  private func sine(_ law: CompandingLaw) -> [UInt8] {
    let quarter = [0, 2_500, 4_938, 7_254, 9_388, 11_286, 12_900, 14_188, 15_121, 15_685, 15_873]
    let half = quarter + quarter.dropFirst().dropLast().reversed()
    return (half + [0] + half.dropFirst().map { -$0 }).prefix(40).map { sample in
      UInt8((0...255).min { abs(law.value(UInt8($0)) - sample) < abs(law.value(UInt8($1)) - sample) } ?? 0)
    }
  }

  @Test func `a sound in another law than agreed is heard by how it bends (RFC 3551 §4.5.14)`() {
    for law in CompandingLaw.allCases {
      for agreed in [CompandingLaw.mu, .a] {
        #expect(level(agreed, sine(law)).fittingLaw == (law == agreed ? nil : law), "\(law) in \(agreed)")
      }
    }
  }
}
