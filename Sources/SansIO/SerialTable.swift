/// Things numbered in the order in which they began, found by their number without hashing. A number is never used again, so an old one
/// finds nothing rather than something else.
///
/// Pages of 64 slots; those whose things have all ended are given back, and the directory is cut at its front, so that one thing that lasts
/// keeps eight bytes for each 64 that came after it.
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
    if pages[page]?.count == 0 {
      pages[page] = nil
      trim()
    }
    return value
  }

  /// In the order of their numbers.
  public var numbers: [UInt32] {
    var result: [UInt32] = []
    for (index, page) in pages.enumerated() {
      guard let page else { continue }
      for (slot, value) in page.slots.enumerated() where value != nil { result.append(UInt32((index + firstPage) << 6 | slot)) }
    }
    return result
  }

  @usableFromInline mutating func insert(_ value: Value, at number: UInt32) {
    let wanted = Int(number >> 6)
    if pages.isEmpty { firstPage = wanted }
    if wanted < firstPage {
      pages.insert(contentsOf: ContiguousArray(repeating: nil, count: firstPage - wanted), at: 0)
      firstPage = wanted
    }
    while pages.count <= wanted - firstPage { pages.append(nil) }
    let page = wanted - firstPage
    if pages[page] == nil { pages[page] = Page() }
    if pages[page]?.slots[Int(number & 63)] == nil {
      pages[page]?.count += 1
      total += 1
    }
    pages[page]?.slots[Int(number & 63)] = value
  }

  @usableFromInline mutating func trim() {
    var empty = 0
    while empty < pages.count, pages[empty] == nil { empty += 1 }
    // In bulk: each cut moves the whole directory.
    guard empty == pages.count || empty > 32 && empty > pages.count / 2 else { return }
    pages.removeFirst(empty)
    firstPage += empty
  }
}
