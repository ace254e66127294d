import Impairments
import SansIO

/// Which link is meant: both directions between two members, or one.
enum LinkKeys {
  static let between = Key.optional("between", .list(.member), "The two members that the link connects, both ways.")
  static let from = Key.optional("from", .member, "The sender: this direction alone.")
  static let to = Key.required("to", .member, "The receiver.").with(.key("from"))
  static let all: [any DescribedField] = [between, from, to]
  static let exactlyOneOf = [["between", "from"]]

  static func read(_ fields: FieldSet) throws(SourceProblem) -> LinkEnds {
    if let from = try fields[from] {
      let to = try fields[to]
      guard from != to else {
        throw (fields.place(of: Self.to) ?? fields.place).problem("a link connects two members, and both are \(from)")
      }
      return LinkEnds(first: from, second: to, isBothWays: false)
    }
    let place = fields.place(of: between) ?? fields.place
    guard let ends = try fields[between], ends.count == 2 else { throw place.problem("expected two names of the cast") }
    guard ends[0] != ends[1] else { throw place.problem("a link connects two members, and both are \(ends[0])") }
    return LinkEnds(first: ends[0], second: ends[1], isBothWays: true)
  }
}

/// The ends of a link.
public struct LinkEnds: Hashable, Sendable {
  public var first: String
  public var second: String
  /// Else from the first to the second alone.
  public var isBothWays: Bool

  public init(first: String, second: String, isBothWays: Bool) {
    (self.first, self.second, self.isBothWays) = (first, second, isBothWays)
  }

  /// Each direction.
  public var directions: [(from: String, to: String)] { isBothWays ? [(first, second), (second, first)] : [(first, second)] }

  func overlaps(_ other: LinkEnds) -> Bool {
    directions.contains { own in other.directions.contains { $0.from == own.from && $0.to == own.to } }
  }

  /// `the link between pbx and kallglot`, `the link from pbx to kallglot`
  public var text: String { isBothWays ? "the link between \(first) and \(second)" : "the link from \(first) to \(second)" }
}

/// The keys of an element of `network:`.
enum NetworkKeys {
  static let shape = MappingShape(LinkKeys.all + ImpairmentKeys.all, exactlyOneOf: LinkKeys.exactlyOneOf)

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
    let ends = try LinkKeys.read(fields)
    // Of the same file: one in an included file is replaced.
    if network.contains(where: { $0.ends.overlaps(ends) && $0.file == place.file }) {
      throw place.problem("\(ends.text) appears more than once")
    }
    network.append(LinkGiven(ends: ends, impairment: try ImpairmentKeys.read(fields), file: place.file))
  }
}
