import KallglotPolicy
import LiveNetwork
import SansIO
import ScenarioEngine
import ScenarioModel

/// A scenario that was moved to this machine: who is where.
struct LivePlacement {
  /// With the addresses of this machine.
  let scenario: Scenario
  /// In the order of the cast.
  let places: [LivePlace]
  /// Kept: its network is free for others as soon as it goes.
  let mapping: LoopbackMapping

  /// - Throws: what keeps the scenario from running here.
  init(_ given: Scenario, _ peers: [String: PeerFile], _ own: [String: IPAddress] = [:]) throws(StageFailure) {
    if let reason = given.virtualMeans.first ?? Self.objection(given, peers) ?? Self.objection(given, peers, own) {
      throw .notApplicable(reason)
    }
    var pinned: [IPAddress: IPAddress] = [:]
    for member in given.cast { if let place = peers[member.name]?.address ?? own[member.name] { pinned[member.address] = place } }
    mapping = try Self.mapping(given, pinned)
    do throws(SourceProblem) { scenario = try given.relocated(mapping.map).allowing(pinned, as: given) } catch {
      throw .notApplicable("it cannot be read with addresses of 127/8: \(error)")
    }
    places = zip(given.cast, scenario.cast).map {
      LivePlace(member: $0.name, given: $0.address, here: $1.address, product: peers[$0.name]?.product, file: peers[$0.name]?.file)
    }
  }

  /// Why a product cannot play its part, or has none.
  private static func objection(_ scenario: Scenario, _ peers: [String: PeerFile]) -> String? {
    guard peers.isEmpty || scenario.cast.contains(where: { peers[$0.name] != nil }) else {
      return "nobody in the scenario is called \(peers.keys.sorted().joined(separator: " or "))"
    }
    if let objection = scenario.cast.lazy.compactMap({ member in peers[member.name]?.objection(to: member) }).first { return objection }
    let unknown = scenario.ownWords.first { peers[$0.member] != nil }
    return unknown.map { "no packet shows whether \($0.text), and \(peers[$0.member]?.product ?? $0.member) says nothing of itself" }
  }

  /// Why members of ours cannot be where they are put, or nobody reaches them where they are.
  private static func objection(_ scenario: Scenario, _ peers: [String: PeerFile], _ own: [String: IPAddress]) -> String? {
    for (name, address) in own.sorted(by: { $0.key < $1.key }) {
      guard scenario.member(name) != nil else { return "nobody in the scenario is called \(name)" }
      guard peers[name] == nil else { return "\(name) is \(peers[name]?.product ?? "a product"), which is where it is" }
      guard SourceAddress.isOurs(address) else { return "this machine does not have the address \(address) for \(name)" }
    }
    guard let remote = scenario.cast.compactMap({ peers[$0.name] }).first(where: { !$0.address.isLoopback }),
      let hidden = scenario.cast.first(where: { peers[$0.name] == nil && own[$0.name] == nil && !$0.address.isIPv6 })
    else { return nil }
    let here = SourceAddress.towards(TransportAddress(remote.address, port: 5_060)).map { "\($0)" } ?? "ADDRESS"
    return "\(remote.product) at \(remote.address) does not reach 127/8, where \(hidden.name) would be: --at \(hidden.name)=\(here)"
  }

  private static func mapping(_ scenario: Scenario, _ pinned: [IPAddress: IPAddress]) throws(StageFailure) -> LoopbackMapping {
    for member in scenario.cast {
      guard let missing = member.addresses.first(where: { $0.isIPv6 && pinned[$0] == nil && !SourceAddress.isOurs($0) }) else { continue }
      throw .notApplicable("this machine does not have the address \(missing) of \(member.name)")
    }
    let hosts = scenario.cast.flatMap { $0.addresses + [$0.media, $0.music].compactMap(\.self) }
    do { return try LoopbackMapping(scenario.addressLiterals, hosts: hosts, pinned: pinned) } catch let failure as LoopbackMapping.Failure {
      throw .notApplicable("\(failure)")
    } catch {
      throw .couldNotRun("\(error)")
    }
  }
}

extension IPAddress {
  /// Of 127/8, or ::1 (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
  var isLoopback: Bool { isIPv6 ? self == IPAddress("::1") : low >> 24 & 0xFF == 127 }
}

extension Scenario {
  /// The scenario with products in its allowlist where their members were in it: a product is where it is, and no mapping moves it.
  fileprivate func allowing(_ pinned: [IPAddress: IPAddress], as given: Scenario) -> Scenario {
    var scenario = self
    for (address, place) in pinned.sorted(by: { $0.key.low < $1.key.low })
    where given.policy.allow.contains(where: { $0.contains(address) }) {
      if let range = AddressRange("\(place)/32") { scenario.policy.allow.append(range) }
    }
    return scenario
  }
}
