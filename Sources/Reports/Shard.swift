/// One of several parts of a run, each for a machine of its own.
public struct Shard: Sendable, Hashable {
  /// From 1.
  public let index: Int
  public let count: Int

  /// nil unless 1 ≤ `index` ≤ `count`.
  public init?(index: Int, of count: Int) {
    guard index >= 1, index <= count else { return nil }
    self.index = index
    self.count = count
  }

  /// Which of these belong to the shard, in ascending order: every `count`th in the order of their keys. So each belongs to one shard, no
  /// shard has more than one more than another, and in which order files were named does not matter.
  ///
  /// - Parameter keys: one for each, such as its name and file; of equal ones the first counts as the smaller.
  public func positions(of keys: [[String]]) -> [Int] {
    let order = keys.indices.sorted { left, right in
      if keys[left] == keys[right] { return left < right }
      return keys[left].lexicographicallyPrecedes(keys[right])
    }
    return order.enumerated().filter { $0.offset % count == index - 1 }.map(\.element).sorted()
  }
}
