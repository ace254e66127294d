import Codecs
import SansIO
import Testing

@testable import Mark

/// Lines of one codec, and of two with transcoding between them.
private let lines: [[Hop]] = [
  [.mu], [.a], [.g722], [.opus], [.thinOpus], [.guardedOpus], [.mu, .thinOpus], [.thinOpus, .mu], [.g722, .opus], [.opus, .g722],
]

@Suite struct RecoveryTests {
  /// Milliseconds by which a figure of the delay may be wrong.
  static func tolerance(_ hops: [Hop]) -> Int { hops.count == 1 && hops[0].codec.clockRate == 8_000 ? 10 : 25 }

  static let rows: [([Hop], Int)] = lines.flatMap { hops in [0, 1, 5, 20].map { (hops, $0) } }

  @Test(arguments: rows)
  func `every second names its speaker, and the delay is right`(hops: [Hop], loss: Int) throws {
    var line = Line(hops, loss: loss)
    line.talk = { $0 < 5_000 ? 3 : 61 }
    let findings = line.listen(10)
    let (first, second) = (try #require(MarkSpeaker(3)), try #require(MarkSpeaker(61)))
    let right = zip(findings.sounds, 0...).filter { $0.0 == .mark($0.1 < 5 ? first : second) }.count
    // The second in which one hands over to the other belongs to either.
    #expect(findings.sounds.count == 10 && right >= (loss > 5 ? 9 : 10), "\(line.name), \(loss) %: \(findings.sounds)")
    let limit = Self.tolerance(hops) * 1_000
    let errors = findings.delayErrors.filter { abs($0) > limit }
    #expect(findings.delayErrors.count >= 15)
    #expect(loss > 5 || errors.isEmpty, "\(line.name), \(loss) %: \(findings.delayErrors)")
    #expect(!findings.sounds.contains { if case .mark(let speaker) = $0 { speaker != first && speaker != second } else { false } })
  }

  @Test(arguments: lines, [0, 5])
  func `start, end and gaps are right to 40 ms`(hops: [Hop], loss: Int) throws {
    var line = Line(hops, loss: loss)
    // From 500 ms to 9.3 s, without 200 ms in each second but the first.
    line.talk = { $0 >= 500 && $0 < 9_300 && ($0 < 1_000 || $0 % 1_000 < 300 || $0 % 1_000 >= 500) ? 7 : nil }
    let findings = line.listen(11)
    let (begin, end) = (try #require(findings.begins.first), try #require(findings.ends.last))
    // What codecs and resampling take is heard later, and rightly so.
    let late = findings.delayErrors.sorted()[findings.delayErrors.count / 2] / 1_000
    #expect(Self.error(begin.at - late, 500, after: true, line.lost) <= 40)
    #expect(Self.error(end.at - late, 9_300, after: false, line.lost) <= 40)
    #expect(findings.begins.count == 1 && findings.ends.count == 1)
    for second in 1...8 {
      let (from, to) = (second * 1_000 + 300, second * 1_000 + 500)
      let found = findings.gaps.filter { abs($0.from - from) < 150 && abs($0.to - to) < 150 }
      let gap = try #require(found.first, "\(line.name): no gap at \(from) ms in \(findings.gaps)")
      #expect(
        found.count == 1 && Self.error(gap.from - late, from, after: false, line.lost) <= 40
          && Self.error(gap.to - late, to, after: true, line.lost) <= 40,
        "\(line.name), \(loss) %: \(gap) for \(from) to \(to)")
    }
  }

  /// By how many milliseconds an edge is wrong; where the packets beside it were lost, it lies rightly anywhere in them.
  private static func error(_ found: Int, _ true_: Int, after: Bool, _ lost: Set<Int>) -> Int {
    var (low, high) = (true_, true_)
    if after { while lost.contains(high / 20) { high += 20 } } else { while lost.contains(low / 20 - 1) { low -= 20 } }
    return max(0, max(low - found, found - high))
  }

  @Test(arguments: lines)
  func `a swap names who came and who went`(hops: [Hop]) throws {
    var line = Line(hops)
    line.talk = { $0 < 2_000 ? 0 : 1 }
    let findings = line.listen(4)
    #expect(findings.begins.map(\.speaker) == [0, 1] && findings.ends.map(\.speaker) == [0, 1])
    let (left, came) = (try #require(findings.ends.first), try #require(findings.begins.last))
    #expect(abs(left.at - 2_000) <= 40 && abs(came.at - 2_000) <= 40)
  }

  @Test(arguments: lines)
  func `a mark is found 30 dB below its usual level`(hops: [Hop]) {
    var line = Line(hops, loss: 5)
    line.level = 3
    #expect(line.listen(4).sounds == Array(repeating: .mark(MarkSpeaker.three), count: 4))
  }

  @Test func `what is put in and what is left out is found, and how much`() {
    for hops in [[Hop.mu], [.g722], [.thinOpus]] {
      var line = Line(hops)
      var queue: [Int16] = []
      line.edit = { packet, samples in
        let perMillisecond = samples.count / 20
        queue += samples
        if packet == 100 { queue = Array(repeating: 0, count: 30 * perMillisecond) + queue }
        if packet == 250 { queue.removeFirst(30 * perMillisecond) }
        defer { queue.removeFirst(samples.count) }
        return Array(queue.prefix(samples.count))
      }
      let warps = line.listen(8).warps
      #expect(warps.count == 2 && abs((warps.first ?? 0) - 30) <= 12 && abs((warps.last ?? 0) + 30) <= 12, "\(line.name): \(warps)")
    }
  }
}

extension MarkSpeaker {
  static let zero = MarkSpeaker(wrapping: 0)
  static let three = MarkSpeaker(wrapping: 3)
}
