import SansIO

/// The keys of a NAT in `network:`.
enum NATKeys {
  private typealias Behaviour = ValueType<NATGiven.Behaviour>

  static let nat = Key.required("nat", .text, "Its name: the capture of its outside interface has that name.")
  static let inside = Key.required(
    "inside", .oneOrMore(.member), "The members behind it; their own addresses are not reachable from outside.")
  static let outside = Key.required("outside", .address, "The IPv4 address seen from outside.")
  static let mapping = Key.standard(
    "mapping", Behaviour.word, "endpoint-independent", "Which destinations share an outside port (RFC 4787 §4.1).")
  static let filtering = Key.standard(
    "filtering", Behaviour.word, "address-and-port", "Which sources may send to the outside port (RFC 4787 §5).")
  static let lifetime = Key.standard(
    "lifetime", .duration, "5 min", "Of a UDP binding after the last packet from inside (RFC 4787 §4.3); 30 s in many products.")
  static let tcpLifetime = Key.standard("tcpLifetime", .duration, "124 min", "Of an idle TCP connection (RFC 5382 §5).")
  static let hairpin = Key.standard(
    "hairpin", .flag, "true", "Members inside reach each other by the outside address, over UDP (RFC 4787 §6).")

  static let shape = MappingShape([nat, inside, outside, mapping, filtering, lifetime, tcpLifetime, hairpin])
}

extension Scenario {
  /// Reads `{ nat: home, inside: [pbx], outside: 203.0.113.7, mapping: endpoint-independent, filtering: address, lifetime: 30 s }`.
  mutating func readNAT(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    let fields = try place.fields(NATKeys.shape, scope)
    let name = try fields[NATKeys.nat]
    try checkNAT(name, at: fields.place(of: NATKeys.nat) ?? place)
    let inside = try fields[NATKeys.inside]
    let insidePlace = fields.place(of: NATKeys.inside) ?? place
    for (index, element) in try insidePlace.elementsOrOne().enumerated() { try checkMember(inside, index, at: element) }
    guard !inside.isEmpty else { throw insidePlace.problem("no member is behind this NAT") }
    let outside = try fields[NATKeys.outside]
    try checkOutside(outside, at: fields.place(of: NATKeys.outside) ?? place)
    for field in [NATKeys.lifetime, NATKeys.tcpLifetime] where try fields[field] <= .zero {
      throw (fields.place(of: field) ?? place).problem("the lifetime of a binding must be above 0")
    }
    nats.append(
      NATGiven(
        name: name, inside: inside, outside: outside, mapping: try fields[NATKeys.mapping], filtering: try fields[NATKeys.filtering],
        lifetime: try fields[NATKeys.lifetime], streamLifetime: try fields[NATKeys.tcpLifetime], hairpin: try fields[NATKeys.hairpin]))
  }

  /// It names a capture, so it is nobody else's.
  private func checkNAT(_ name: String, at place: NodeReader) throws(SourceProblem) {
    if member(name) != nil { throw place.problem("'\(name)' is a member of the cast: a NAT needs a name of its own") }
    if nats.contains(where: { $0.name == name }) { throw place.problem("the NAT '\(name)' appears more than once") }
  }

  private func checkMember(_ inside: [String], _ index: Int, at place: NodeReader) throws(SourceProblem) {
    let name = inside[index]
    if let other = nat(of: name) { throw place.problem("\(name) is already behind \(other.name)") }
    if inside[..<index].contains(name) { throw place.problem("\(name) is listed twice") }
    if name == endpoint?.name { throw place.problem("\(name) is the endpoint: it has a public address (contract 1.1)") }
    if member(name)?.address.isIPv6 == true { throw place.problem("\(name) has an IPv6 address: this NAT translates IPv4") }
  }

  private func checkOutside(_ address: IPAddress, at place: NodeReader) throws(SourceProblem) {
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

extension ValueType where Value == String {
  static var nat: ValueType { ValueType(.name(.nat)) { (place, scope) throws(SourceProblem) in try scope.nat(place) } }
}
