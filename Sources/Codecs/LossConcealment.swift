/// Makes up the audio of packets that were lost, after ITU-T G.711 Appendix I, for codecs that cannot do it themselves.
///
/// The last period of the voice is repeated, its joints blended over a quarter of it; from 10 ms on it fades, and 60 ms after the last
/// packet there is silence. Unlike Appendix I it delays nothing: the step between what was heard and the period fades over a quarter of it.
/// Integers alone, so that every machine makes the same samples.
// Unchecked: its owner alone changes it, and parts from other owners before.
final class LossConcealment: @unchecked Sendable {
  private let sampleRate: Int
  /// Of 66 to 200 Hz, in samples.
  private let longestPeriod: Int
  private let shortestPeriod: Int
  /// What was heard or made up last, the newest at the end.
  private var history: [Int16]
  private var historyLimit: Int { longestPeriod + sampleRate / 50 }
  /// One period, ready to be repeated.
  private var cycle: [Int16] = []
  private var position = 0
  /// From the sample before the period to the last one heard.
  private var step = 0
  /// Samples made up since the last packet.
  private(set) var missing = 0

  /// - Parameter heard: what the decoder gave last.
  init(sampleRate: Int, heard: [Int16]) {
    self.sampleRate = sampleRate
    longestPeriod = sampleRate * 15 / 1_000
    shortestPeriod = sampleRate / 200
    history = Array(heard.suffix(longestPeriod + sampleRate / 50))
    history.reserveCapacity(longestPeriod + sampleRate / 50)
    cycle.reserveCapacity(longestPeriod)
  }

  /// A state of its own.
  init(copying other: LossConcealment) {
    (sampleRate, longestPeriod, shortestPeriod) = (other.sampleRate, other.longestPeriod, other.shortestPeriod)
    (history, cycle, position, step, missing) = (other.history, other.cycle, other.position, other.step, other.missing)
  }

  /// Takes what was decoded; the first of it after a loss is blended with what was made up.
  func hear(_ samples: inout [Int16]) {
    if missing > 0, !cycle.isEmpty {
      let overlap = min(cycle.count / 4, samples.count)
      for index in 0..<overlap {
        let made = Int(repeated()) * gain / 32_768
        samples[index] = Int16(clamping: (made * (overlap - index) + Int(samples[index]) * index) / overlap)
      }
    }
    missing = 0
    remember(samples)
  }

  /// Fills all of `samples` with what may have been there.
  func conceal(_ samples: inout [Int16]) {
    if missing == 0 { begin() }
    guard !cycle.isEmpty else {
      missing += samples.count
      for index in samples.indices { samples[index] = 0 }
      return
    }
    let overlap = cycle.count / 4
    for index in samples.indices {
      var value = Int(repeated())
      if missing < overlap { value += step * (overlap - missing) / overlap }
      samples[index] = Int16(clamping: value * gain / 32_768)
      missing += 1
    }
    remember(samples)
  }

  /// 32,768 for 10 ms, then down to 0 in 50.
  private var gain: Int {
    let (hold, end) = (sampleRate / 100, sampleRate * 6 / 100)
    return missing < hold ? 32_768 : missing >= end ? 0 : 32_768 * (end - missing) / (end - hold)
  }

  private func repeated() -> Int16 {
    defer { position = position + 1 == cycle.count ? 0 : position + 1 }
    return cycle[position]
  }

  private func remember(_ samples: [Int16]) {
    let limit = historyLimit
    if samples.count >= limit {
      history.removeAll(keepingCapacity: true)
      history.append(contentsOf: samples[(samples.count - limit)...])
    } else {
      history.removeFirst(max(0, history.count + samples.count - limit))
      history.append(contentsOf: samples)
    }
  }

  /// The last period of what was heard, its end blended with what came before its beginning.
  private func begin() {
    cycle.removeAll(keepingCapacity: true)
    position = 0
    guard let period = period() else { return }
    let start = history.count - period
    cycle.append(contentsOf: history[start...])
    step = start > 0 ? Int(history[history.count - 1]) - Int(history[start - 1]) : 0
    let overlap = min(period / 4, start)
    for index in 0..<overlap {
      let (old, new) = (Int(cycle[period - overlap + index]), Int(history[start - overlap + index]))
      cycle[period - overlap + index] = Int16(clamping: (old * (overlap - index) + new * index) / overlap)
    }
  }

  /// The shift by which the newest 20 ms resemble what was before them best; coarse at first, then to the sample.
  private func period() -> Int? {
    let longest = min(longestPeriod, history.count / 2)
    guard longest >= shortestPeriod else { return nil }
    let step = max(1, sampleRate / 8_000)
    var best = (shift: shortestPeriod, difference: Int.max)
    for shift in stride(from: shortestPeriod, through: longest, by: step) {
      let found = difference(shift, longest, step)
      if found < best.difference { best = (shift, found) }
    }
    guard step > 1 else { return best.shift }
    var fine = (shift: best.shift, difference: Int.max)
    for shift in max(shortestPeriod, best.shift - step + 1)...min(longest, best.shift + step - 1) {
      let found = difference(shift, longest, 1)
      if found < fine.difference { fine = (shift, found) }
    }
    return fine.shift
  }

  private func difference(_ shift: Int, _ longest: Int, _ step: Int) -> Int {
    let span = min(sampleRate / 50, history.count - longest)
    return history.withUnsafeBufferPointer { history in
      let newest = UnsafeBufferPointer(rebasing: history[(history.count - span)...])
      let older = UnsafeBufferPointer(rebasing: history[(history.count - span - shift)..<(history.count - shift)])
      // At most 20 ms of 48 kHz, 960 samples that differ by 65,535, fit 32 bits, which a processor does four at a time.
      var sum: Int32 = 0
      if step == 1 {
        for index in newest.indices { sum &+= abs(Int32(newest[index]) &- Int32(older[index])) }
      } else {
        for index in stride(from: 0, to: span, by: step) { sum &+= abs(Int32(newest[index]) &- Int32(older[index])) }
      }
      return Int(sum)
    }
  }
}
