import LiveNetwork
import SansIO
import ScenarioModel

/// A scenario's addresses on this machine, in a network of 127/8 that is nobody else's as long as this value lives.
///
/// Prefix-preserving: an address is in a range here exactly if it is in it in the file, so that allowlists keep their meaning.
struct LoopbackMapping: Sendable {
  enum Failure: Error, CustomStringConvertible {
    case notMappable

    var description: String { "its addresses and ranges differ in more bits than a network of 127/8 has" }
  }

  /// SIP over UDP, TCP and TLS, and the first media ports.
  private static let ports: [UInt16] = [5_060, 5_061, 20_000, 20_001]

  private let network: LoopbackNetwork
  private let plan: LoopbackPlan
  /// Where somebody else's program is instead.
  private let pinned: [IPAddress: IPAddress]

  /// Claims a network in which the hosts' addresses are free.
  ///
  /// - Parameters:
  ///   - literals: what the scenario writes.
  ///   - hosts: the addresses at which something of ours will listen.
  ///   - pinned: addresses that are given, by that of the scenario.
  init(_ literals: [AddressLiteral], hosts: [IPAddress], pinned: [IPAddress: IPAddress] = [:]) throws {
    let free = literals.filter { $0.prefixLength < 32 || pinned[$0.address] == nil }
    guard let plan = LoopbackPlan(free) else { throw Failure.notMappable }
    self.plan = plan
    self.pinned = pinned
    let numbers = hosts.compactMap { pinned[$0] == nil ? plan.places[AddressLiteral($0)].map { UInt32($0.number) } : nil }
    network = try LoopbackNetwork.claim(.sixteen, addresses: numbers, ports: Self.ports)
  }

  /// Where an address or a range is here.
  func map(_ literal: AddressLiteral) -> AddressLiteral {
    if literal.prefixLength == 32, let given = pinned[literal.address] { return AddressLiteral(given) }
    guard let place = plan.places[literal] else { return literal }
    return AddressLiteral(network.address(UInt32(place.number)), prefixLength: place.prefixLength)
  }
}

/// Which 16 bits stand for each address: its last two octets where that is right, else the bits in which the addresses differ.
struct LoopbackPlan: Sendable {
  struct Place: Hashable, Sendable {
    var number: UInt16
    /// 16 to 32.
    var prefixLength: Int

    func contains(_ other: UInt16) -> Bool { prefixLength == 16 || (number ^ other) >> UInt16(32 - prefixLength) == 0 }
  }

  private(set) var places: [AddressLiteral: Place] = [:]

  /// nil when 16 bits do not suffice.
  init?(_ literals: [AddressLiteral]) {
    for literal in literals {
      places[literal] = Place(number: UInt16(truncatingIfNeeded: literal.address.low), prefixLength: max(16, literal.prefixLength))
    }
    if isRight(literals) { return }
    places = [:]
    guard place(literals.sorted(), depth: 0, value: 0, count: 0), isRight(literals) else { return nil }
  }

  private func isRight(_ literals: [AddressLiteral]) -> Bool {
    let hosts = literals.filter { $0.prefixLength == 32 }
    guard Set(hosts.map { places[$0]?.number }).count == hosts.count else { return false }
    return literals.allSatisfy { range in
      range.prefixLength == 32
        || hosts.allSatisfy { host in
          guard let place = places[range], let number = places[host]?.number else { return false }
          return place.contains(number) == range.contains(host.address)
        }
    }
  }

  /// Walks down the bits; those in which the literals below agree are left out.
  private mutating func place(_ literals: [AddressLiteral], depth: Int, value: UInt16, count: Int) -> Bool {
    var below: [AddressLiteral] = []
    for literal in literals {
      guard literal.prefixLength == depth else {
        below.append(literal)
        continue
      }
      // The last bit keeps addresses away from that of the network.
      let rest: UInt16 = depth == 32 && count < 16 ? 1 : 0
      places[literal] = Place(number: (count == 0 ? 0 : value << UInt16(16 - count)) | rest, prefixLength: depth == 32 ? 32 : 16 + count)
    }
    guard !below.isEmpty else { return true }
    let ones = below.filter { $0.address.low >> UInt64(31 - depth) & 1 == 1 }
    let zeros = below.filter { $0.address.low >> UInt64(31 - depth) & 1 == 0 }
    if ones.isEmpty || zeros.isEmpty { return place(below, depth: depth + 1, value: value, count: count) }
    guard count < 16 else { return false }
    return place(zeros, depth: depth + 1, value: value << 1, count: count + 1)
      && place(ones, depth: depth + 1, value: value << 1 | 1, count: count + 1)
  }
}
