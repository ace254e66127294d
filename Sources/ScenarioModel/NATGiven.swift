import SansIO

/// A NAT of a scenario: some of the cast share its outside address (RFC 4787, RFC 5382).
public struct NATGiven: Sendable, Hashable {
  /// What a mapping or the filtering depends on, in the words of RFC 4787 §4.1 and §5.
  public enum Behaviour: String, Sendable, Hashable, CaseIterable {
    case endpointIndependent = "endpoint-independent"
    case address
    case addressAndPort = "address-and-port"
  }

  /// Which outside port stands for an inside one (RFC 4787 §4.2).
  public enum Ports: String, Sendable, Hashable, CaseIterable { case preserve, parity, contiguous, random, overload }

  /// Which packets keep a UDP binding, or a pinhole, open (RFC 4787 §4.3).
  public enum Refresh: String, Sendable, Hashable, CaseIterable { case outbound, inbound, both }

  /// What its application level gateway does to SIP.
  public enum Gateway: String, Sendable, Hashable, CaseIterable {
    case none, well
    case keepsContentLength = "keeps-content-length"
    case keepsContact = "keeps-contact"
    case connectionOnly = "connection-only"
    case keepsVia = "keeps-via"
    case wrongMediaPort = "wrong-media-port"
    case everywhere
  }

  /// An outside port that leads to a member, whoever sends to it.
  public struct Forward: Sendable, Hashable {
    public var port: UInt16
    public var member: String
    public var inside: UInt16
  }

  public var name: String
  /// Names of the cast, and of NATs and firewalls that are written before it.
  public var inside: [String]
  public var outside: IPAddress
  public var mapping: Behaviour
  public var filtering: Behaviour
  /// Of a UDP binding, from the last packet that refreshes it.
  public var lifetime: Duration
  /// Of a TCP binding without traffic.
  public var streamLifetime: Duration
  /// Whether members inside reach each other by the outside address.
  public var hairpin: Bool
  public var ports = Ports.preserve
  public var refresh = Refresh.outbound
  public var gateway = Gateway.none
  public var forwards: [Forward] = []
  /// Where members inside, which have IPv6 alone, see IPv4 (RFC 6052); nil = they have IPv4.
  public var prefix: IPAddress?
  /// A defect: hosts inside that use the same port share a binding.
  public var confusesInside = false
}

/// A firewall of a scenario: it translates nothing, and lets in answers alone.
public struct FirewallGiven: Sendable, Hashable {
  public var name: String
  /// Names of the cast, and of NATs and firewalls that are written before it.
  public var inside: [String]
  /// How long a UDP pinhole lasts without a packet that refreshes it, and a TCP connection without any.
  public var idle: Duration
  public var streamIdle: Duration
  public var refresh: NATGiven.Refresh
  /// Ports inside that everybody may send to.
  public var allows: [UInt16]
}

/// What stands between members and the others.
public enum BoxGiven: Sendable, Hashable {
  case nat(NATGiven)
  case firewall(FirewallGiven)

  public var name: String {
    switch self {
    case .nat(let nat): nat.name
    case .firewall(let firewall): firewall.name
    }
  }

  public var inside: [String] {
    switch self {
    case .nat(let nat): nat.inside
    case .firewall(let firewall): firewall.inside
    }
  }
}

/// What a gateway did to a message, in the words of a report.
public struct GatewayReport: Sendable, Hashable {
  /// `INVITE`, `200 to INVITE`.
  public var message: String
  public var changed: [String]
  /// What it should have changed too.
  public var left: [String]
  /// What Content-Length says now, and how long the body is.
  public var contentLength: Int?
  public var body: Int

  public init(message: String, changed: [String], left: [String], contentLength: Int?, body: Int) {
    (self.message, self.changed, self.left, self.contentLength, self.body) = (message, changed, left, contentLength, body)
  }

  /// `rewrote c= and o= of the INVITE but left Content-Length at 152, of a body of 156 bytes`
  public var sentence: String {
    let what = "of the \(message)"
    let done = changed.isEmpty ? "changed nothing \(what)" : "rewrote \(Self.list(changed)) \(what)"
    guard !left.isEmpty else { return done }
    let words = left.map { word in
      guard word == "Content-Length", let contentLength else { return word }
      return "Content-Length at \(contentLength), of a body of \(CountText.of(body, "byte"))"
    }
    return "\(done) but left \(Self.list(words))"
  }

  private static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return "\(words.dropLast().joined(separator: ", ")) and \(last)"
  }
}

/// What a NAT or firewall of the stage tells.
public enum NATNews: Sendable, Hashable {
  case mapped(inside: TransportAddress, outside: TransportAddress)
  case dropped(FilterReason, source: TransportAddress, destination: TransportAddress)
  case rewrote(GatewayReport)
  /// It has lost its bindings; its outside address from now on, where it has one.
  case rebooted(outside: IPAddress?)
}

extension Scenario {
  public var nats: [NATGiven] { boxes.compactMap { if case .nat(let nat) = $0 { nat } else { nil } } }
  public var firewalls: [FirewallGiven] { boxes.compactMap { if case .firewall(let firewall) = $0 { firewall } else { nil } } }

  /// The NATs and firewalls that a member, or one of them, stands behind, the innermost first.
  func boxes(around name: String) -> [BoxGiven] {
    var (chain, current): ([BoxGiven], String) = ([], name)
    while let box = boxes.first(where: { $0.inside.contains(current) }), chain.count < boxes.count {
      chain.append(box)
      current = box.name
    }
    return chain
  }

  /// The first NAT that a member stands behind.
  public func nat(of member: String) -> NATGiven? { nats(around: member).first }

  private func nats(around member: String) -> [NATGiven] {
    boxes(around: member).compactMap { if case .nat(let nat) = $0 { nat } else { nil } }
  }

  /// Where `viewer` reaches a member: at the outside address of the outermost NAT between them; below the prefix of its own NAT64.
  public func address(of member: Member, seenBy viewer: String) -> IPAddress {
    let own = nats(around: viewer)
    // Who has one family alone speaks that; who has both prefers what the other one is first known by.
    if let other = member.otherAddress, let here = self.member(viewer), here.otherAddress == nil, here.address.isIPv6 == other.isIPv6,
      own.allSatisfy({ $0.prefix == nil })
    {
      return other
    }
    let address = nats(around: member.name).last { nat in !own.contains { $0.name == nat.name } }?.outside ?? member.address
    guard !address.isIPv6, let prefix = own.lazy.compactMap(\.prefix).first else { return address }
    return IPAddress(high: prefix.high, low: prefix.low | address.low)
  }

  /// All addresses that packets of a member may have, whoever looks.
  func addresses(of name: String) -> [IPAddress] {
    (member(name)?.addresses ?? []) + nats(around: name).map(\.outside) + moves.filter { $0.name == name }.map(\.address)
      + nats(around: name).flatMap { nat in moves.filter { $0.name == nat.name }.map(\.address) }
  }

  /// The addresses that steps give to members and NATs.
  var moves: [(name: String, address: IPAddress)] {
    steps.compactMap { placed in
      if let move = placed.step as? MoveStep { return (move.member, move.address) }
      if let reboot = placed.step as? RebootStep, let outside = reboot.outside { return (reboot.box, outside) }
      return nil
    }
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

  /// What gateways did to messages since an instant that they should not have, each kind once.
  func botched(since begin: Instant) -> [(nat: String, report: GatewayReport)] {
    var found: [(nat: String, report: GatewayReport)] = []
    for entry in entries where entry.at >= begin {
      guard case .rewrote(let report) = entry.news, !report.left.isEmpty || report.changed == ["text"] else { continue }
      if !found.contains(where: { $0.nat == entry.nat && $0.report.message == report.message }) { found.append((entry.nat, report)) }
    }
    return found
  }

  /// The NATs and firewalls that have lost their bindings, and when.
  var rebooted: [(box: String, at: Instant)] {
    entries.compactMap { if case .rebooted = $0.news { ($0.nat, $0.at) } else { nil } }
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
