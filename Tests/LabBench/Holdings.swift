import SansIO

/// How much something holds, a host as a rule: every table below it, found by looking through its stored properties, so that a new one
/// cannot be forgotten.
///
/// Tables are dictionaries, sets, arrays, and the contract's own (``SerialTable``, ``DeadlineQueue``, ``Backlog``). What is in a table is
/// not looked through: it is held, that is enough.
public struct Holdings {
  /// By the path of properties that leads to it: `party.userAgent.stack.served`.
  public private(set) var counts: [String: Int] = [:]
  private var seen: Set<ObjectIdentifier> = []

  public init(of holder: Any) { look(at: holder, "") }

  /// Tables that are not given back with the calls, by the end of their path.
  private static let lasting: Set<String> = [
    // Nonces and their counts live as long as they are good for, and the hashes of secrets as long as there is room.
    "issued", "ring", "secrets.entries", "digest.counts",
    // A registration lasts as long as its client asked for.
    "registrar.bindings", "registrations",
    // Ports that were used go to the end of the row; those that another program holds are tried again later.
    "pool.released", "pool.aside",
    // The newest requests that were dropped, so that a repetition is not reported again.
    "dropped.newest", "dropped.known",
  ]

  /// What holds more than before: `2 party.legs`.
  ///
  /// - Parameter without: ends of the paths of tables that may.
  public func grown(since before: [String: Int], without: Set<String> = []) -> [String] {
    let excused = Self.lasting.union(without)
    let grown = counts.filter { path, count in
      count > before[path, default: 0] && !excused.contains { path == $0 || path.hasSuffix(".\($0)") }
    }
    return grown.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
  }

  private mutating func look(at value: Any, _ path: String) {
    if let table = value as? any CountedTable {
      counts[path] = table.count
      return
    }
    if value is Bytes || value is String { return }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .dictionary, .set, .collection: counts[path] = mirror.children.count
    case .class:
      // One that has been looked at is not looked at again: a child may know its owner.
      guard seen.insert(ObjectIdentifier(value as AnyObject)).inserted else { return }
      lookThrough(mirror, path)
    case .struct where ["elements", "free"].allSatisfy { name in mirror.children.contains { $0.label == name } }:
      // A slab: its free places are not held.
      mirror.children.filter { $0.label == "elements" }.forEach { look(at: $0.value, path) }
    case .struct, .enum, .tuple, .optional: lookThrough(mirror, path)
    default: break
    }
  }

  private mutating func lookThrough(_ mirror: Mirror, _ path: String) {
    var next = Optional(mirror)
    while let mirror = next {
      for child in mirror.children {
        // The payload of an optional or of an enum is the thing itself.
        let label = child.label.map { $0 == "some" || $0.hasPrefix(".") ? "" : $0 } ?? ""
        look(at: child.value, path.isEmpty || label.isEmpty ? path + label : "\(path).\(label)")
      }
      next = mirror.superclassMirror
    }
  }
}

/// A table that knows how much is in it better than its stored properties show.
private protocol CountedTable {
  var count: Int { get }
}

extension SerialTable: CountedTable {}
extension DeadlineQueue: CountedTable {}
extension Backlog: CountedTable {}
extension Few: CountedTable {}
