import SansIO

/// The keys of a firewall in `network:`.
enum FirewallKeys {
  static let firewall = Key.required("firewall", .text, "Its name: the capture of its outside interface has that name.")
  static let inside = Key.required(
    "inside", .oneOrMore(.memberOrBox),
    "The members behind it, which keep their addresses; also NATs and firewalls that are written before it.")
  static let idle = Key.standard(
    "idle", .duration, "30 s", "How long a UDP pinhole lasts without a packet that refreshes it.")
  static let tcpIdle = Key.standard("tcpIdle", .duration, "124 min", "How long an idle TCP connection is remembered.")
  static let refresh = Key.standard("refresh", ValueType<NATGiven.Refresh>.word, "both", "Which packets keep a UDP pinhole open.")
  static let allows = Key.optional("allows", .oneOrMore(.integer(1...65_535)), "Ports inside that everybody may send and connect to.")

  static let shape = MappingShape([firewall, inside, idle, tcpIdle, refresh, allows])
}

extension Scenario {
  /// Reads `{ firewall: edge, inside: [pbx], idle: 30 s, allows: [5060] }`.
  mutating func readFirewall(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    let fields = try place.fields(FirewallKeys.shape, scope)
    let name = try fields[FirewallKeys.firewall]
    try checkBox(name, at: fields.place(of: FirewallKeys.firewall) ?? place)
    let inside = try readInside(fields, FirewallKeys.inside, place) { _, _ in }
    for field in [FirewallKeys.idle, FirewallKeys.tcpIdle] where try fields[field] <= .zero {
      throw (fields.place(of: field) ?? place).problem("the lifetime of a pinhole must be above 0")
    }
    boxes.append(
      .firewall(
        FirewallGiven(
          name: name, inside: inside, idle: try fields[FirewallKeys.idle], streamIdle: try fields[FirewallKeys.tcpIdle],
          refresh: try fields[FirewallKeys.refresh], allows: (try fields[FirewallKeys.allows] ?? []).map { UInt16($0) })))
  }
}
