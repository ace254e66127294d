import SansIO
import Testing

@Suite struct NumberIndexTests {
  @Test(arguments: 1...20)
  func `numbers are found by a hash that several share, whatever comes and goes`(seed: UInt64) {
    var entropy = Entropy(seed: seed)
    var index = NumberIndex()
    var model: [UInt32: UInt64] = [:]
    for number in UInt32(1)...2_000 {
      let hash = UInt64.random(in: 0..<5, using: &entropy)
      if Bool.random(using: &entropy) {
        index.insert(number, hash: hash)
        model[number] = hash
      } else {
        let gone = UInt32.random(in: 1...number, using: &entropy)
        index.remove(gone)
        model[gone] = nil
      }
      #expect(index.numbers(hash: hash) == model.filter { $0.value == hash }.keys.sorted())
    }
    for number in model.keys { index.remove(number) }
    for hash in UInt64(0)..<5 { #expect(index.numbers(hash: hash).isEmpty) }
  }

  @Test func `a search goes from the newest to the oldest and stops at what it wants`() {
    var index = NumberIndex()
    for number in UInt32(1)...4 { index.insert(number, hash: 7) }
    var seen: [UInt32] = []
    index.search(hash: 7) { number in
      seen.append(number)
      return number == 2
    }
    #expect(seen == [4, 3, 2])
    index.search(hash: 8) { _ in
      Issue.record("nothing has this hash")
      return true
    }
  }
}
