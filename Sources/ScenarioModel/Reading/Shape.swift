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
  /// An expectation, with these fields besides its own.
  case expectation([FieldDescription])
  case steps
  /// Rows or columns of a table.
  case table

  /// What is written as a number with a unit, or in a form of its own.
  public enum Quantity: String, Sendable, CaseIterable {
    case duration, share, frequency, address, range, ports, count, message, target, listener, status, proof
    case sessionID = "session id"
    case hexadecimal
  }

  public enum Name: String, Sendable, CaseIterable {
    case member, wireMember = "wire member", account, session, leg, nat = "NAT"
    case memberOrLeg = "member or leg"
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
}
