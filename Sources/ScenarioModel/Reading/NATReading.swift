import SansIO

/// The keys of a NAT in `network:`.
enum NATKeys {
  private typealias Behaviour = ValueType<NATGiven.Behaviour>

  static let nat = Key.required("nat", .text, "Its name: the capture of its outside interface has that name.")
  static let inside = Key.required(
    "inside", .oneOrMore(.memberOrBox),
    "The members behind it, whose own addresses are not reachable from outside; also NATs and firewalls that are written before it.")
  static let outside = Key.required("outside", .address, "The IPv4 address seen from outside.")
  static let mapping = Key.standard(
    "mapping", Behaviour.word, "endpoint-independent", "Which destinations share an outside port (RFC 4787 §4.1).")
  static let filtering = Key.standard(
    "filtering", Behaviour.word, "address-and-port", "Which sources may send to the outside port (RFC 4787 §5).")
  static let lifetime = Key.standard(
    "lifetime", .duration, "5 min", "Of a UDP binding after the last packet that refreshes it (RFC 4787 §4.3); 30 s in many products.")
  static let tcpLifetime = Key.standard("tcpLifetime", .duration, "124 min", "Of an idle TCP connection (RFC 5382 §5).")
  static let hairpin = Key.standard(
    "hairpin", .flag, "true", "Members inside reach each other by the outside address (RFC 4787 §6, RFC 5382 §7.1).")
  static let ports = Key.standard(
    "ports", ValueType<NATGiven.Ports>.word, "preserve",
    "The outside port: the inside one where it is free (preserve), another of its parity (parity), also RTCP's beside RTP's (contiguous), "
      + "any (random), or one for several members with different destinations (overload) (RFC 4787 §4.2).")
  static let refresh = Key.standard(
    "refresh", ValueType<NATGiven.Refresh>.word, "outbound", "Which packets keep a UDP binding (RFC 4787 §4.3).")
  static let alg = Key.standard(
    "alg", ValueType<NATGiven.Gateway>.word, "none",
    "What its gateway does to SIP on port 5060 in clear: all that is needed (well), or a mistake that products make.")
  static let forwards = Key.optional(
    "forwards", .place(.list(.mapping(forward))), "Outside ports that lead to a member, for UDP and TCP, whoever sends.")
  static let prefix = Key.optional(
    "prefix", .address, "NAT64: members inside have IPv6 alone, and see IPv4 below this /96 prefix, such as 64:ff9b:: (RFC 6052).")

  static let port = Key.required("port", .integer(1...65_535), "The outside port, and the member's.")
  static let to = Key.required("to", .member, "A member behind this NAT.")
  static let forward = MappingShape([port, to])

  static let shape = MappingShape([
    nat, inside, outside, mapping, filtering, lifetime, tcpLifetime, hairpin, ports, refresh, alg, forwards, prefix,
  ])
}

extension Scenario {
  /// Reads `{ nat: home, inside: [pbx], outside: 203.0.113.7, mapping: endpoint-independent, filtering: address, lifetime: 30 s }`.
  mutating func readNAT(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    let fields = try place.fields(NATKeys.shape, scope)
    let name = try fields[NATKeys.nat]
    try checkBox(name, at: fields.place(of: NATKeys.nat) ?? place)
    let prefix = try fields[NATKeys.prefix]
    if let prefix { try checkPrefix(prefix, at: fields.place(of: NATKeys.prefix) ?? place) }
    let inside = try readInside(fields, NATKeys.inside, place) { name, place throws(SourceProblem) in
      if name == endpoint?.name { throw place.problem("\(name) is the endpoint: it has a public address (contract 1.1)") }
      guard let address = member(name)?.address, address.isIPv6 != (prefix != nil) else { return }
      throw place.problem(
        prefix == nil
          ? "\(name) has an IPv6 address: this NAT translates IPv4, without a 'prefix'"
          : "\(name) has an IPv4 address: with a 'prefix' this NAT translates IPv6")
    }
    let outside = try fields[NATKeys.outside]
    try checkOutside(outside, at: fields.place(of: NATKeys.outside) ?? place)
    for field in [NATKeys.lifetime, NATKeys.tcpLifetime] where try fields[field] <= .zero {
      throw (fields.place(of: field) ?? place).problem("the lifetime of a binding must be above 0")
    }
    var given = NATGiven(
      name: name, inside: inside, outside: outside, mapping: try fields[NATKeys.mapping], filtering: try fields[NATKeys.filtering],
      lifetime: try fields[NATKeys.lifetime], streamLifetime: try fields[NATKeys.tcpLifetime], hairpin: try fields[NATKeys.hairpin])
    (given.ports, given.refresh) = (try fields[NATKeys.ports], try fields[NATKeys.refresh])
    (given.gateway, given.prefix) = (try fields[NATKeys.alg], prefix)
    boxes.append(.nat(given))
    guard let forwards = try fields[NATKeys.forwards] else { return }
    given.forwards = try readForwards(forwards, given, scope)
    boxes[boxes.count - 1] = .nat(given)
  }

  private func readForwards(_ place: NodeReader, _ nat: NATGiven, _ scope: StepScope) throws(SourceProblem) -> [NATGiven.Forward] {
    var forwards: [NATGiven.Forward] = []
    for element in try place.elements() {
      let fields = try element.fields(NATKeys.forward, scope)
      let (port, name) = (UInt16(try fields[NATKeys.port]), try fields[NATKeys.to])
      guard nat.inside.contains(name) else {
        throw (fields.place(of: NATKeys.to) ?? element).problem("\(name) is not directly behind \(nat.name)")
      }
      if forwards.contains(where: { $0.port == port }) {
        throw (fields.place(of: NATKeys.port) ?? element).problem("port \(port) is forwarded more than once")
      }
      forwards.append(NATGiven.Forward(port: port, member: name, inside: port))
    }
    return forwards
  }

  /// It names a capture, so it is nobody else's.
  func checkBox(_ name: String, at place: NodeReader) throws(SourceProblem) {
    if member(name) != nil { throw place.problem("'\(name)' is a member of the cast: a NAT or firewall needs a name of its own") }
    if let other = boxes.first(where: { $0.name == name }) {
      if case .nat = other { throw place.problem("the NAT '\(name)' appears more than once") }
      throw place.problem("the firewall '\(name)' appears more than once")
    }
  }

  /// Who stands behind a NAT or firewall.
  func readInside(
    _ fields: FieldSet, _ key: Field<[String]>, _ place: NodeReader, _ check: (String, NodeReader) throws(SourceProblem) -> Void
  ) throws(SourceProblem) -> [String] {
    let inside = try fields[key]
    let list = fields.place(of: key) ?? place
    for (index, element) in try list.elementsOrOne().enumerated() {
      let name = inside[index]
      if let other = boxes.first(where: { $0.inside.contains(name) }) { throw element.problem("\(name) is already behind \(other.name)") }
      if inside[..<index].contains(name) { throw element.problem("\(name) is listed twice") }
      try check(name, element)
    }
    guard !inside.isEmpty else { throw list.problem("no member is behind it") }
    return inside
  }

  private func checkPrefix(_ prefix: IPAddress, at place: NodeReader) throws(SourceProblem) {
    guard prefix.isIPv6, prefix.low & 0xFFFF_FFFF == 0 else {
      throw place.problem("'\(prefix)' is not an IPv6 prefix whose last 32 bits are 0, such as 64:ff9b:: (RFC 6052 section 2.1)")
    }
  }

  func checkOutside(_ address: IPAddress, at place: NodeReader) throws(SourceProblem) {
    if address.isIPv6 { throw place.problem("'\(address)' is not an IPv4 address") }
    if let owner = cast.first(where: { $0.address == address }) { throw place.problem("\(address) is the address of \(owner.name)") }
    if let other = nats.first(where: { $0.outside == address }) {
      throw place.problem("\(address) is the outside address of \(other.name)")
    }
  }
}

extension StepScope {
  func nat(_ place: NodeReader) throws(SourceProblem) -> String {
    guard !scenario.nats.isEmpty else { throw place.problem("'\(try place.text())' is not a NAT: network has none") }
    return try place.word(scenario.nats.map { ($0.name, $0.name) })
  }
}

extension StepScope {
  func firewall(_ place: NodeReader) throws(SourceProblem) -> String {
    guard !scenario.firewalls.isEmpty else { throw place.problem("'\(try place.text())' is not a firewall: network has none") }
    return try place.word(scenario.firewalls.map { ($0.name, $0.name) })
  }

  func box(_ place: NodeReader) throws(SourceProblem) -> String {
    guard !scenario.boxes.isEmpty else { throw place.problem("'\(try place.text())' is not a NAT or firewall: network has none") }
    return try place.word(scenario.boxes.map { ($0.name, $0.name) })
  }

  /// A member, or a NAT or firewall that was read before.
  func memberOrBox(_ place: NodeReader) throws(SourceProblem) -> String {
    let name = try place.word((scenario.cast.map(\.name) + scenario.boxes.map(\.name)).map { ($0, $0) })
    if scenario.member(name) != nil { notes.use(.member, name) }
    return name
  }
}

extension ValueType where Value == String {
  static var firewall: ValueType { ValueType(.name(.firewall)) { (place, scope) throws(SourceProblem) in try scope.firewall(place) } }
  static var box: ValueType { ValueType(.name(.box)) { (place, scope) throws(SourceProblem) in try scope.box(place) } }
  static var memberOrBox: ValueType {
    ValueType(.name(.memberOrBox)) { (place, scope) throws(SourceProblem) in try scope.memberOrBox(place) }
  }
  static var nat: ValueType { ValueType(.name(.nat)) { (place, scope) throws(SourceProblem) in try scope.nat(place) } }
}
