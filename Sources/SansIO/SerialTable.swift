/// A key with a number of its own, which finds its place in a ``SerialTable`` without hashing.
public protocol SerialKey: Hashable, Sendable {
  var number: UInt32 { get }
}

/// Things numbered in the order in which they began, found by their number without hashing. A number is never used again, so an old one
/// finds nothing rather than something else.
///
/// Pages of 64 slots. A page whose things have all ended is given back, unless it is the newest, which goes on being filled; and the
/// directory is cut at its front, so that one thing that lasts keeps eight bytes for each 64 that came after it.
public struct SerialTable<Value> {
  @usableFromInline struct Page {
    @usableFromInline var slots: ContiguousArray<Value?>
    @usableFromInline var count = 0

    @inlinable init() { slots = ContiguousArray(repeating: nil, count: 64) }
  }

  @usableFromInline var pages: ContiguousArray<Page?> = []
  /// The number of ``pages``' first one.
  @usableFromInline var firstPage = 0
  @usableFromInline var total = 0

  @inlinable public init() {}

  @inlinable public var count: Int { total }
  @inlinable public var isEmpty: Bool { total == 0 }

  @inlinable public subscript(number: UInt32) -> Value? {
    get {
      let page = Int(number >> 6) - firstPage
      guard page >= 0, page < pages.count else { return nil }
      return pages[page]?.slots[Int(number & 63)]
    }
    set {
      if let newValue { insert(newValue, at: number) } else { remove(number) }
    }
  }

  /// Removes and returns what has this number.
  @inlinable @discardableResult
  public mutating func remove(_ number: UInt32) -> Value? {
    let page = Int(number >> 6) - firstPage
    guard page >= 0, page < pages.count, let value = pages[page]?.slots[Int(number & 63)] else { return nil }
    pages[page]?.slots[Int(number & 63)] = nil
    pages[page]?.count -= 1
    total -= 1
    if pages[page]?.count == 0, page < pages.count - 1 {
      pages[page] = nil
      trim()
    }
    return value
  }

  /// In their order.
  @inlinable public var numbers: [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(total)
    for page in pages.indices {
      guard let slots = pages[page]?.slots else { continue }
      for slot in slots.indices where slots[slot] != nil { result.append(UInt32((page + firstPage) << 6 | slot)) }
    }
    return result
  }

  @inlinable mutating func insert(_ value: Value, at number: UInt32) {
    let wanted = Int(number >> 6)
    if pages.isEmpty { firstPage = wanted }
    if wanted < firstPage {
      pages.insert(contentsOf: ContiguousArray(repeating: nil, count: firstPage - wanted), at: 0)
      firstPage = wanted
    }
    if wanted - firstPage >= pages.count { addPages(through: wanted - firstPage) }
    let page = wanted - firstPage
    if pages[page] == nil { pages[page] = Page() }
    if pages[page]?.slots[Int(number & 63)] == nil {
      pages[page]?.count += 1
      total += 1
    }
    pages[page]?.slots[Int(number & 63)] = value
  }

  /// The page that was the newest is given back where nothing is in it.
  @inlinable mutating func addPages(through last: Int) {
    let newest = pages.count - 1
    while pages.count <= last { pages.append(nil) }
    if newest >= 0, pages[newest]?.count == 0 {
      pages[newest] = nil
      trim()
    }
  }

  @inlinable mutating func trim() {
    var empty = 0
    while empty < pages.count - 1, pages[empty] == nil { empty += 1 }
    // In bulk: each cut moves the whole directory.
    guard empty == pages.count - 1 || empty > 32 && empty > pages.count / 2 else { return }
    pages.removeFirst(empty)
    firstPage += empty
  }
}

extension SerialTable: Sendable where Value: Sendable {}
extension SerialTable.Page: Sendable where Value: Sendable {}
