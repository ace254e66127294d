import Impairments
import SansIO

/// Which host has an address, and the links between the hosts. Hosts are known by their numbers, from 0 in the order in which they came.
struct Topology {
  private struct Place {
    let name: String
    /// Links to all hosts, by their number.
    var links = ContiguousArray<LinkState>()
  }

  /// The link that holds where ``setLink(from:to:_:at:)`` said nothing.
  var defaultLink = Impairment.perfect
  var fates = FateUse.drawn
  private var places = ContiguousArray<Place>()
  private var hosts: [IPAddress: Int] = [:]
  private var routes = RouteCache()
  private var named: [Int: Impairment] = [:]
  /// How often a link was changed during the run, by its ends.
  private var changes: [Int: Int] = [:]
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

  /// Sets one direction, from the beginning of the run or from now on. What is under way arrives as it would have.
  mutating func setLink(from: Int, to: Int, _ link: Impairment, at now: Instant) {
    named[from << 16 | to] = link
    if now > .zero { changes[from << 16 | to, default: 0] += 1 }
    places[from].links[to] = self.link(from: from, to: to, at: now, after: places[from].links[to])
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

  /// How a direction is impaired now.
  func impairment(from: Int, to: Int) -> Impairment {
    named[from << 16 | to] ?? (from == to ? Impairment(delay: .microseconds(10)) : defaultLink)
  }

  private func link(from: Int, to: Int, at now: Instant = .zero, after before: LinkState? = nil) -> LinkState {
    let (source, target) = (places[from].name, places[to].name)
    var (listed, isRecorded) = ([Int: Passage]?.none, false)
    switch fates {
    case .drawn: break
    case .recorded: isRecorded = true
    case .replayed(let plan): listed = plan[FatePlan.Direction(from: source, to: target)]
    }
    // Later draws are none of the earlier ones once more.
    let change = changes[from << 16 | to].map { ", change \($0)" } ?? ""
    return LinkState(
      impairment(from: from, to: to), at: now, after: before, LinkState.Terms(fates: listed, isRecorded: isRecorded),
      generator: generator.fork("link \(source) > \(target)\(change)"))
  }

  /// What links drew so far, without what simply took the delay.
  var recorded: FatePlan {
    var plan = FatePlan()
    for source in places {
      for (target, link) in source.links.enumerated() {
        let direction = FatePlan.Direction(from: source.name, to: places[target].name)
        for (number, passage) in link.recorded { plan.set(direction, number, passage) }
      }
    }
    return plan
  }

  /// The host that has an address; -1 = none.
  @inline(__always)
  mutating func host(of address: IPAddress) -> Int { routes.host(of: address, hosts) }

  // MARK: - Links

  /// What every packet takes; nil = ``pass(_:octets:from:to:at:)`` decides.
  @inline(__always)
  func steadyDelay(from: Int, to: Int) -> Int64? { places[from].links[to].steadyDelay }

  /// What becomes of one IP packet.
  func pass(_ kind: ImpairedLink.Kind, octets: Int, from: Int, to: Int, at now: Instant) -> Passage {
    if let delay = places[from].links[to].steadyDelay { return Passage(after: delay) }
    return places[from].links[to].pass(kind, octets: octets, at: now)
  }

  /// How long a packet takes where nothing is drawn.
  func baseDelay(from: Int, to: Int, at now: Instant) -> Int64 { places[from].links[to].base(at: now) }
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
