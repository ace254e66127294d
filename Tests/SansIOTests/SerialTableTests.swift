import SansIO
import Testing

/// Tables by number, and what machines answer.
@Suite struct SerialTableTests {
  @Test(arguments: 1...40)
  func `a table by number holds what a dictionary holds, whatever comes and goes`(seed: UInt64) {
    var entropy = Entropy(seed: seed)
    var table = SerialTable<Int>()
    var model: [UInt32: Int] = [:]
    var last: UInt32 = 0
    for _ in 0..<3_000 {
      switch Int.random(in: 0..<5, using: &entropy) {
      case 0, 1:
        last += UInt32.random(in: 1...(seed % 3 == 0 ? 200 : 2), using: &entropy)
        table[last] = Int(last)
        model[last] = Int(last)
      case 2:
        if let known = model.keys.sorted().randomElement(using: &entropy) {
          table[known] = -1
          model[known] = -1
        }
      default:
        let number = UInt32.random(in: 0...last, using: &entropy)
        #expect(table.remove(number) == model.removeValue(forKey: number))
      }
      #expect(table.count == model.count)
      let number = UInt32.random(in: 0...last + 100, using: &entropy)
      #expect(table[number] == model[number])
    }
    #expect(table.numbers == model.keys.sorted())
    for number in model.keys { table[number] = nil }
    #expect(table.isEmpty && table.numbers.isEmpty)
  }

  @Test func `what began first may be added last, and an old number finds nothing`() {
    var table = SerialTable<String>()
    table[1_000] = "late"
    table[3] = "early"
    #expect(table[3] == "early" && table[1_000] == "late" && table.numbers == [3, 1_000])
    table[3] = nil
    #expect(table[3] == nil && table[2] == nil && table[5_000] == nil && table.count == 1)
  }
}

@Suite struct FewTests {
  @Test(arguments: 0...6)
  func `a few things keep their number and order, also when they are more than three`(count: Int) {
    var few = Few<Int>()
    for number in 0..<count { few.append(number) }
    #expect(Array(few) == Array(0..<count) && few.count == count && few.isEmpty == (count == 0))
    #expect(few + [7, 8] == (few + [7]) + [8])
    #expect((count == 3) == (few == [0, 1, 2]))
  }
}
