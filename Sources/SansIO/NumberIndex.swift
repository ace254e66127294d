/// Numbers by a hash that several of them may share: those with the same hash hang together, the newest first.
///
/// Who asks compares what is behind the numbers. Nothing here is linear in all of them.
public struct NumberIndex {
  /// A neighbour of 0 is none.
  private struct Link {
    let hash: UInt64
    var newer: UInt32
    var older: UInt32
  }

  private var newest: [UInt64: UInt32] = [:]
  private var links = SerialTable<Link>()

  public init() {}

  /// - Parameter number: greater than 0, and not in here.
  public mutating func insert(_ number: UInt32, hash: UInt64) {
    let older = newest.updateValue(number, forKey: hash) ?? 0
    links[number] = Link(hash: hash, newer: 0, older: older)
    if older != 0 { links[older]?.newer = number }
  }

  /// Harmless when it is not in here.
  public mutating func remove(_ number: UInt32) {
    guard let link = links.remove(number) else { return }
    if link.older != 0 { links[link.older]?.newer = link.newer }
    if link.newer != 0 {
      links[link.newer]?.older = link.older
    } else {
      newest[link.hash] = link.older == 0 ? nil : link.older
    }
  }

  /// Goes through the numbers with this hash, the newest first, until `body` has found what it wants.
  public func search(hash: UInt64, _ body: (UInt32) -> Bool) {
    var number = newest[hash] ?? 0
    while number != 0, !body(number) { number = links[number]?.older ?? 0 }
  }

  /// All numbers with this hash, in their order.
  public func numbers(hash: UInt64) -> [UInt32] {
    var result: [UInt32] = []
    search(hash: hash) { number in
      result.append(number)
      return false
    }
    return result.sorted()
  }
}
