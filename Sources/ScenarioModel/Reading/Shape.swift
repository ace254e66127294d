/// What may stand at a place: for the JSON Schema and the language reference. The reading of a ``ValueType`` holds what its shape says.
public indirect enum Shape: Sendable {
  case text
  case flag
  case integer(ClosedRange<Int>)
  case words([String])
  case quantity(Quantity)
  /// A name that the file itself gives: of a member, an account, …
  case name(Name)
  case list(Shape)
  /// A list, or one element that stands for a list of one.
  case oneOrMore(Shape)
  case mapping(MappingShape)
  /// One of several mappings, told apart by their keys.
  case alternatives([MappingShape])
  /// Names of the file's own choice, each with such a value.
  case named(Shape)
  /// An expectation, with other keys besides its own.
  case expectation(ExpectationContext)
  case steps
  /// Rows or columns of a table.
  case table

  /// What is written as a number with a unit, or in a form of its own.
  public enum Quantity: String, Sendable, CaseIterable {
    case duration, share, frequency, address, range, ports, count, message, target, listener, status, proof
    case sessionID = "session id"
    case hexadecimal, decimal, queue, fate
    case bitRate = "bit rate"
    case jitterBuffer = "jitter buffer"
    /// With a comparison before them.
    case shareBound = "share bound", durationBound = "duration bound", numberBound = "number bound"
  }

  public enum Name: String, Sendable, CaseIterable {
    case member, wireMember = "wire member", account, session, certificate, leg, nat = "NAT", firewall
    case memberOrLeg = "member or leg"
    case box = "NAT or firewall"
    case memberOrBox = "member, NAT or firewall"
  }
}

/// One key of a mapping, as documentation and schema tell it.
public struct FieldDescription: Sendable {
  public var name: String
  public var shape: Shape
  public var isRequired: Bool
  /// What holds when the key is missing, as it would be written.
  public var standard: String?
  /// `defaults:` of a file may give it.
  public var isInheritable: Bool
  public var summary: String
  /// Older words for the key, which are still read.
  public var aliases: [String] = []
  /// What has to stand beside the key for it to mean something: one of these. Empty = nothing.
  public var conditions: [FieldCondition] = []
  /// The key means something only where the thing is meant to come true, not in `never`.
  public var isForWishes = false
}

/// What has to stand in a mapping so that another key of it is judged and not ignored.
public struct FieldCondition: Sendable, Hashable {
  /// The key that has to stand there.
  public var key: String
  /// The values of it that are meant, as they are written; empty = any.
  public var values: [String]

  package static func key(_ key: String, _ values: String...) -> FieldCondition { FieldCondition(key: key, values: values) }

  /// `is: ended`, in the form of documentation and messages.
  public var text: String {
    values.isEmpty ? "`\(key)`" : values.map { "`\(key): \($0)`" }.joined(separator: " or ")
  }
}

/// The keys a mapping takes.
public struct MappingShape: Sendable {
  public var fields: [FieldDescription]
  /// Of each of these groups exactly one key stands there.
  public var exactlyOneOf: [[String]]
  /// A value without keys stands for this field: `hold: pbx` means `hold: { on: pbx }`.
  public var bare: String?

  public init(_ fields: [any DescribedField], exactlyOneOf: [[String]] = [], bare: String? = nil) {
    self.fields = fields.map(\.description)
    self.exactlyOneOf = exactlyOneOf
    self.bare = bare
  }

  public init(descriptions: [FieldDescription], exactlyOneOf: [[String]] = [], bare: String? = nil) {
    self.fields = descriptions
    self.exactlyOneOf = exactlyOneOf
    self.bare = bare
  }

  public var names: [String] { fields.map(\.name) }
  /// Also the older words.
  public var words: [String] { fields.flatMap { [$0.name] + $0.aliases } }
}

/// Where an expectation stands.
public struct ExpectationContext: Sendable {
  /// The keys beside its own.
  public var others: MappingShape
  /// It must not come true: keys for what comes true are left out.
  public var isProhibition = false

  static let alone = ExpectationContext(others: MappingShape([]))
  static let prohibition = ExpectationContext(others: MappingShape([]), isProhibition: true)

  /// The keys of an expectation of this kind here.
  func shape(of kind: any Expectation.Type) -> MappingShape {
    let own = kind.fields.map(\.description).filter { !(isProhibition && $0.isForWishes) }
    return MappingShape(descriptions: own + others.fields, exactlyOneOf: kind.exactlyOneOf + others.exactlyOneOf)
  }
}
