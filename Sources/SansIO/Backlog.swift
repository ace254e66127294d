/// What has happened and is still to be looked at, in its order: whoever looks at the next may add more behind it.
///
/// It is for lists that are emptied before anything else happens: its memory grows until then, and is used again afterwards. Nothing in it
/// is copied on the way out.
public struct Backlog<Element> {
  @usableFromInline var slots: ContiguousArray<Element?> = []
  /// Of the next element, and behind the last one.
  @usableFromInline var head = 0
  @usableFromInline var tail = 0

  @inlinable public init() {}

  @inlinable public var count: Int { tail - head }
  @inlinable public var isEmpty: Bool { head == tail }

  @inlinable public mutating func append(_ element: Element) {
    if tail < slots.count { slots[tail] = element } else { slots.append(element) }
    tail += 1
  }

  /// Takes the first one out; nil when none is left.
  @inlinable public mutating func next() -> Element? {
    guard head < tail else { return nil }
    let element = slots[head].take()
    head += 1
    if head == tail { (head, tail) = (0, 0) }
    return element
  }
}

extension Backlog: Sendable where Element: Sendable {}
