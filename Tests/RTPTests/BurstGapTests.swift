import SansIO
import Testing

@testable import RTP

@Suite struct BurstGapTests {
  private func loss(_ fates: [PacketFate]) -> BurstGapLoss {
    var loss = BurstGapLoss()
    for fate in fates { loss.take(fate) }
    return loss
  }

  /// `....x` : a dot is received, x lost, d discarded; a number before a sign repeats it.
  private func fates(_ text: String) -> [PacketFate] {
    var (fates, count) = ([PacketFate](), 0)
    for character in text {
      if let digit = character.wholeNumberValue {
        count = count * 10 + digit
        continue
      }
      let fate: PacketFate = character == "." ? .received : character == "x" ? .lost : .discarded
      fates += [PacketFate](repeating: fate, count: max(count, 1))
      count = 0
    }
    return fates
  }

  /// RFC 3611 §4.7.2 word for word: a burst starts and ends with a missing packet, has no 16 received in a row, and more than one missing.
  private func oracle(_ fates: [PacketFate]) -> BurstGapLoss.Metrics {
    var isBurst = [Bool](repeating: false, count: fates.count)
    let missing = fates.indices.filter { fates[$0] != .received }
    var clusters: [[Int]] = []
    for index in missing {
      let isNear = clusters.last?.last.map { index - $0 - 1 < 16 } ?? false
      if isNear { clusters[clusters.count - 1].append(index) } else { clusters.append([index]) }
    }
    let bursts = clusters.filter { $0.count > 1 }
    for burst in bursts { for index in burst[0]...burst[burst.count - 1] { isBurst[index] = true } }
    let inBursts = isBurst.count { $0 }
    let burstMissing = bursts.reduce(0) { $0 + $1.count }
    var gaps = 0
    for index in isBurst.indices where !isBurst[index] && (index == 0 || isBurst[index - 1]) { gaps += 1 }
    func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
    return BurstGapLoss.Metrics(
      bursts: bursts.count, burstDensity: ratio(burstMissing, inBursts),
      gapDensity: ratio(missing.count - burstMissing, fates.count - inBursts), burstLength: ratio(inBursts, bursts.count),
      gapLength: ratio(fates.count - inBursts, gaps))
  }

  @Test(arguments: [
    "100.", "x", "x20.", "20.x", "xx20.", "20.xx", "20.xx20.", "16.x16.x16.", "16.x15.x16.", "30.x3.d2.xx40.x60.dd", "xd",
    "40.3x15.x16.x15.x2.", "",
  ])
  func `bursts and gaps are those of the definitions (RFC 3611 §4.7.2)`(text: String) {
    #expect(loss(fates(text)).metrics == oracle(fates(text)))
  }

  @Test(arguments: [0.01, 0.05, 0.2, 0.6])
  func `they are so for whatever is lost, at every point of the stream (RFC 3611 §4.7.2)`(rate: Double) {
    var generator = SeededGenerator(seed: UInt64(rate * 1_000))
    var (all, seen) = ([PacketFate](), BurstGapLoss())
    for _ in 0..<600 {
      let isMissing = Double.random(in: 0..<1, using: &generator) < rate
      let fate: PacketFate = !isMissing ? .received : Bool.random(using: &generator) ? .lost : .discarded
      all.append(fate)
      seen.take(fate)
      #expect(seen.metrics == oracle(all))
    }
    #expect(seen.expected == 600 && seen.lost == all.count { $0 == .lost } && seen.discarded == all.count { $0 == .discarded })
  }

  @Test func `the densities are those of the example implementation (RFC 3611 §A.2)`() {
    var generator = SeededGenerator(seed: 7)
    var (p, isBad) = (BurstGapLoss(), false)
    var (pkt, lost, c11, c13, c14, c22, c23, c33) = (0, 0, 0, 0, 0, 0, 0, 0)
    func take(_ isLost: Bool) {
      guard isLost else { return pkt += 1 }
      if pkt >= 16 {
        if lost == 1 { c14 += 1 } else if lost > 1 { c13 += 1 }
        lost = 1
        c11 += pkt
      } else {
        lost += 1
        if pkt == 0 { c33 += 1 } else { (c23, c22) = (c23 + 1, c22 + pkt - 1) }
      }
      pkt = 0
    }
    // The example knows a period when the next one begins: it ends here with a gap and one more loss, which it does not count.
    for index in 0..<100_000 {
      isBad = Double.random(in: 0..<1, using: &generator) < (isBad ? 0.6 : 0.01)
      let isLost = (20..<99_900).contains(index) && isBad
      take(isLost)
      p.take(isLost ? .lost : .received)
    }
    take(true)
    let (p32, p23) = (Double(c23) / Double(c13 + c23 + c33), 1 - Double(c22) / Double(c22 + c23))
    let metrics = p.metrics
    #expect(metrics.bursts == c13 && c13 > 100)
    #expect(abs(metrics.burstDensity - p23 / (p23 + p32)) < 1e-9)
    #expect(abs(metrics.gapDensity - Double(c14) / Double(c11 + c14)) < 1e-9)
    let burstLength = Double(c13 + c22 + c23 + c23 + c33) / Double(c13)
    #expect(abs(metrics.burstLength - burstLength) < 1e-9)
    // One more gap than bursts, and without the packet of each burst that the example counts.
    #expect(abs(metrics.gapLength * Double(c13 + 1) - Double(c11 + c14)) < 1e-6)
  }

  @Test func `the burst ratio of a Gilbert channel is 1 / (p + q), that of random loss 1 (ITU-T G.107 §7.2)`() {
    var (gilbert, random, isBad) = (BurstGapLoss(), BurstGapLoss(), false)
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<200_000 {
      isBad = Double.random(in: 0..<1, using: &generator) < (isBad ? 0.6 : 0.02)
      gilbert.take(isBad ? .lost : .received)
      random.take(Double.random(in: 0..<1, using: &generator) < 0.05 ? .lost : .received)
    }
    #expect(abs(gilbert.missingRatio - 0.0476) < 0.002)
    #expect(abs(gilbert.burstRatio - 2.38) < 0.05)
    #expect(abs(random.burstRatio - 1) < 0.03)
    #expect(loss([]).burstRatio == 1)
  }
}
