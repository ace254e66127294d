import SansIO

/// Which host has an address, and the links between the hosts. Hosts are known by their numbers, from 0 in the order in which they came.
struct Topology {
  private struct Place {
    let name: String
    /// Links to all hosts, by their number.
    var links = ContiguousArray<LinkState>()
  }

  /// The link that holds where ``setLink(from:to:_:)`` said nothing.
  var defaultLink = Link.perfect
  private var places = ContiguousArray<Place>()
  private var hosts: [IPAddress: Int] = [:]
  private var routes = RouteCache()
  private var named: [Int: Link] = [:]
  private let generator: SeededGenerator

  /// - Parameter generator: every directed link forks its own from it, by the names of its ends.
  init(_ generator: SeededGenerator) { self.generator = generator }

  mutating func add(_ name: String, addresses: [IPAddress]) {
    let index = places.count
    for address in addresses {
      precondition(hosts[address] == nil, "\(address) belongs to two hosts")
      hosts[address] = index
    }
    places.append(Place(name: name))
    for other in places.indices {
      if other != index { places[other].links.append(link(from: other, to: index)) }
      places[index].links.append(link(from: index, to: other))
    }
  }

  mutating func setLink(from: Int, to: Int, _ link: Link) {
    named[from << 16 | to] = link
    places[from].links[to] = self.link(from: from, to: to)
  }

  /// Whether any host has ever changed its address.
  private(set) var hasMoved = false

  /// A host changes one of its addresses. Precondition: nobody has the new one.
  mutating func move(_ index: Int, from old: IPAddress, to new: IPAddress) {
    precondition(hosts[new] == nil && hosts[old] == index, "\(new) belongs to a host already, or \(old) is another's")
    hosts[old] = nil
    hosts[new] = index
    routes = RouteCache()
    hasMoved = true
  }

  private func link(from: Int, to: Int) -> LinkState {
    let link = named[from << 16 | to] ?? (from == to ? Link(delay: .microseconds(10)) : defaultLink)
    return LinkState(link, generator: generator.fork("link \(places[from].name) > \(places[to].name)"))
  }

  /// The host that has an address; -1 = none.
  @inline(__always)
  mutating func host(of address: IPAddress) -> Int { routes.host(of: address, hosts) }

  // MARK: - Links

  /// What happens to one datagram: after how many nanoseconds it arrives, and its copy; nil = never.
  @inline(__always)
  mutating func passDatagram(from: Int, to: Int) -> (first: Int64?, second: Int64?) {
    if let delay = places[from].links[to].steadyDelay { return (delay, nil) }
    return places[from].links[to].passDatagram()
  }

  /// The same for a TCP segment.
  mutating func passSegment(from: Int, to: Int) -> Int64? { places[from].links[to].passSegment() }

  /// How long what is not lost takes.
  mutating func drawDelay(from: Int, to: Int) -> Int64 { places[from].links[to].drawDelay() }
}

/// A small table in front of the dictionary of addresses. Only what was found is kept: a host that joins makes nothing of it wrong.
private struct RouteCache {
  private struct Entry {
    var address: IPAddress
    var host: Int32
  }

  private var entries = ContiguousArray(repeating: Entry(address: .anyV4, host: -1), count: 64)

  @inline(__always)
  mutating func host(of address: IPAddress, _ table: [IPAddress: Int]) -> Int {
    let slot = Int(truncatingIfNeeded: (address.low ^ address.low >> 8 ^ address.high) & 63)
    if entries[slot].host >= 0, entries[slot].address == address { return Int(entries[slot].host) }
    guard let found = table[address] else { return -1 }
    entries[slot] = Entry(address: address, host: Int32(found))
    return found
  }
}
