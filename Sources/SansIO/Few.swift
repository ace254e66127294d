/// What a machine answers: nothing, one thing or a few, in order, without memory of their own. The fourth and later go into an array.
public struct Few<Element> {
  @usableFromInline var first: Element?
  @usableFromInline var second: Element?
  @usableFromInline var third: Element?
  @usableFromInline var others: [Element]?

  @inlinable public init() {}

  @inlinable public var isEmpty: Bool { first == nil }

  @inlinable public var count: Int {
    if first == nil { return 0 }
    if second == nil { return 1 }
    return third == nil ? 2 : 3 + (others?.count ?? 0)
  }

  @inlinable public mutating func append(_ element: Element) {
    if first == nil {
      first = element
    } else if second == nil {
      second = element
    } else if third == nil {
      third = element
    } else if others?.append(element) == nil {
      others = [element]
    }
  }

  @inlinable public static func + (left: Few, right: Few) -> Few {
    var sum = left
    right.forEach { sum.append($0) }
    return sum
  }
}

extension Few: Sequence {
  public struct Iterator: IteratorProtocol {
    @usableFromInline let few: Few
    @usableFromInline var index = 0

    @inlinable init(_ few: Few) { self.few = few }

    @inlinable public mutating func next() -> Element? {
      index += 1
      switch index {
      case 1: return few.first
      case 2: return few.second
      case 3: return few.third
      default:
        guard let others = few.others, index - 4 < others.count else { return nil }
        return others[index - 4]
      }
    }
  }

  @inlinable public func makeIterator() -> Iterator { Iterator(self) }
}

extension Few {
  /// In place: an iterator copies all of them first.
  @inlinable @inline(__always)
  public func forEach(_ body: (Element) throws -> Void) rethrows {
    guard let first else { return }
    try body(first)
    guard let second else { return }
    try body(second)
    guard let third else { return }
    try body(third)
    guard let others else { return }
    for element in others { try body(element) }
  }
}

extension Few: ExpressibleByArrayLiteral {
  @inlinable @inline(__always)
  public init(arrayLiteral elements: Element...) {
    for element in elements { append(element) }
  }
}

extension Few: Equatable where Element: Equatable {}
extension Few: Hashable where Element: Hashable {}
extension Few: Sendable where Element: Sendable {}

extension Few: CustomStringConvertible {
  public var description: String { "\(Array(self))" }
}
