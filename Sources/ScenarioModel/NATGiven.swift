import SansIO

/// A NAT of a scenario: some of the cast share its outside address (RFC 4787, RFC 5382).
public struct NATGiven: Sendable, Hashable {
  /// What a mapping or the filtering depends on, in the words of RFC 4787 §4.1 and §5.
  public enum Behaviour: String, Sendable, Hashable, CaseIterable {
    case endpointIndependent = "endpoint-independent"
    case address
    case addressAndPort = "address-and-port"
  }

  public var name: String
  /// Names of the cast.
  public var inside: [String]
  public var outside: IPAddress
  public var mapping: Behaviour
  public var filtering: Behaviour
  /// Of a UDP binding, from the last packet from inside.
  public var lifetime: Duration
  /// Of a TCP binding without traffic.
  public var streamLifetime: Duration
  /// Whether members inside reach each other by the outside address.
  public var hairpin: Bool
  /// A defect: hosts inside that use the same port share a binding.
  public var confusesInside = false
}

/// What a NAT of the stage tells.
public enum NATNews: Sendable, Hashable {
  case mapped(inside: TransportAddress, outside: TransportAddress)
  case dropped(FilterReason, source: TransportAddress, destination: TransportAddress)
}

extension Scenario {
  /// The NAT that a member stands behind.
  public func nat(of member: String) -> NATGiven? { nats.first { $0.inside.contains(member) } }

  /// Where `viewer` reaches a member: behind another NAT than its own, at that NAT's outside address.
  public func address(of member: Member, seenBy viewer: String) -> IPAddress {
    guard let nat = nat(of: member.name), !nat.inside.contains(viewer) else { return member.address }
    return nat.outside
  }
}

/// What the run's NATs have done so far.
public struct NATStory: Sendable {
  struct Entry: Sendable {
    var nat: String
    var news: NATNews
    var at: Instant
    var evidence: FrameCitation?
  }

  private(set) var entries: [Entry] = []

  public mutating func take(_ nat: String, _ news: NATNews, _ evidence: FrameCitation?, at now: Instant) {
    entries.append(Entry(nat: nat, news: news, at: now, evidence: evidence))
  }

  /// What NATs dropped since an instant, by NAT, reason and source, in the order in which it began.
  func dropped(since begin: Instant) -> [(nat: String, reason: FilterReason, source: IPAddress, count: Int)] {
    var counts: [(nat: String, reason: FilterReason, source: IPAddress, count: Int)] = []
    for entry in entries where entry.at >= begin {
      guard case .dropped(let reason, let source, _) = entry.news else { continue }
      if let index = counts.firstIndex(where: { $0.nat == entry.nat && $0.reason == reason && $0.source == source.address }) {
        counts[index].count += 1
      } else {
        counts.append((entry.nat, reason, source.address, 1))
      }
    }
    return counts
  }
}
