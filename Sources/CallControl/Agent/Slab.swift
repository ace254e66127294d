import SansIO

/// A place in a ``Slab``, and which of its occupants: places are used again, numbers of occupants only after ``generations`` of them.
struct SlabPlace: SerialKey {
  /// 14 bits, so that a place fits into the number of a port.
  static let generations: UInt16 = 1 << 14

  var index: UInt32
  var generation: UInt16
  var number: UInt32 { index }
}

/// A table whose keys are places in it: no look-up by hash, and the key of what is gone finds nothing.
///
/// The elements are close together; the last one moves to where one was removed, and its place goes with it.
struct Slab<Element> {
  private struct Place {
    var generation: UInt16 = 0
    /// Where its element is; nil = free.
    var position: Int?
  }

  private var places: ContiguousArray<Place> = []
  private var elements: ContiguousArray<Element> = []
  /// The place of each element.
  private var owners: ContiguousArray<Int> = []
  private var free: [Int] = []

  var count: Int { elements.count }

  mutating func insert(_ element: Element) -> SlabPlace {
    let index = free.popLast() ?? places.count
    if index == places.count { places.append(Place()) }
    places[index].position = elements.count
    elements.append(element)
    owners.append(index)
    return SlabPlace(index: UInt32(index), generation: places[index].generation)
  }

  private func position(_ id: SlabPlace) -> Int? {
    guard id.index < places.count, places[Int(id.index)].generation == id.generation else { return nil }
    return places[Int(id.index)].position
  }

  subscript(id: SlabPlace) -> Element? { position(id).map { elements[$0] } }

  /// Looks at an element where it is, without a copy; nil where it is gone.
  func read<Result>(_ id: SlabPlace, _ body: (borrowing Element) -> Result) -> Result? { position(id).map { body(elements[$0]) } }

  /// Changes an element where it is; nil where it is gone.
  @discardableResult
  mutating func update<Result>(_ id: SlabPlace, _ body: (inout Element) -> Result) -> Result? {
    guard let position = position(id) else { return nil }
    return body(&elements[position])
  }

  @discardableResult
  mutating func remove(_ id: SlabPlace) -> Element? {
    guard let position = position(id) else { return nil }
    if position != elements.count - 1 {
      elements.swapAt(position, elements.count - 1)
      owners.swapAt(position, owners.count - 1)
      places[owners[position]].position = position
    }
    places[Int(id.index)] = Place(generation: (id.generation + 1) % SlabPlace.generations)
    owners.removeLast()
    free.append(Int(id.index))
    return elements.removeLast()
  }
}
