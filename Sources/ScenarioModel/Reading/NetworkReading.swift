import SansIO

/// The keys of an element of `network:`.
enum NetworkKeys {
  static let between = Key.required("between", .list(.member), "The two members that the link connects.")
  static let delay = Key.standard("delay", .duration, "1 ms", "One way.", inherits: true)
  static let jitter = Key.standard("jitter", .duration, "0", "The maximum added to the delay.", inherits: true)
  static let loss = Key.standard("loss", .share, "0", "The share of packets lost, each way.", inherits: true)
  static let duplicate = Key.standard("duplicate", .share, "0", "The share of datagrams that arrive twice.")
  static let reorder = Key.standard("reorder", .share, "0", "The share of datagrams that are overtaken.")

  static let shape = MappingShape([between, delay, jitter, loss, duplicate, reorder])

  /// An element is a link, a NAT or a firewall.
  static let element = Shape.alternatives([shape, NATKeys.shape, FirewallKeys.shape])
}

extension Scenario {
  /// Reads one element of `network:`.
  mutating func readNetwork(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    // NATs and firewalls that were read before are known by name.
    var scope = scope
    scope.scenario = self
    let keys = try place.pairs().map(\.key)
    if keys.contains(NATKeys.nat.description.name) { return try readNAT(place, scope) }
    if keys.contains(FirewallKeys.firewall.description.name) { return try readFirewall(place, scope) }
    let fields = try place.fields(NetworkKeys.shape, scope)
    let ends = try fields[NetworkKeys.between]
    guard ends.count == 2 else { throw (fields.place(of: NetworkKeys.between) ?? place).problem("expected two names of the cast") }
    guard ends[0] != ends[1] else {
      throw (fields.place(of: NetworkKeys.between) ?? place).problem("a link connects two members, and both are \(ends[0])")
    }
    // Of the same file: one in an included file is replaced.
    if network.contains(where: { Set([$0.first, $0.second]) == Set(ends) && $0.file == place.file }) {
      throw place.problem("the link between \(ends[0]) and \(ends[1]) appears more than once")
    }
    network.append(
      LinkGiven(
        first: ends[0], second: ends[1], delay: try fields[NetworkKeys.delay], jitter: try fields[NetworkKeys.jitter],
        loss: try fields[NetworkKeys.loss], duplicate: try fields[NetworkKeys.duplicate], reorder: try fields[NetworkKeys.reorder],
        file: place.file))
  }
}
