import SIPMessage
import SansIO

/// What the values of one header field have to be.
///
/// Values are the elements of fields that are lists (RFC 3261 §7.3.1), however they are spread over lines; of other fields, each line.
struct HeaderPattern: Sendable, Hashable {
  enum Demand: Sendable, Hashable {
    /// One of the lines is so.
    case some(String)
    /// These values, in this order, and no others.
    case exactly([String])
    case first(String)
    case last(String)
    /// No value is so.
    case none(String)
    case times(Count)
    /// The values that the message with this name has.
    case same(String)
    /// Other values than those of the message with this name.
    case other(String)
  }

  var name: String
  var demand: Demand

  /// What is wanted, in words.
  var text: String {
    switch demand {
    case .some(let pattern): "\(name): \(pattern)"
    case .exactly(let patterns): patterns.isEmpty ? "no \(name)" : "\(name): \(patterns.joined(separator: ", ")) (in this order, no others)"
    case .first(let pattern): "first \(name): \(pattern)"
    case .last(let pattern): "last \(name): \(pattern)"
    case .none(let pattern): "no \(name): \(pattern)"
    case .times(let count): "\(name) \(count.text.isEmpty ? "at least once" : count.text)"
    case .same(let message): "\(name) of '\(message)'"
    case .other(let message): "another \(name) than '\(message)'"
    }
  }

  /// nil when the message fulfils it; else what it has instead: `Route is missing instead of '<sip:a>'`.
  func difference(_ message: SIPMessage, _ named: [String: SIPMessage]) -> String? {
    let values = values(in: message)
    switch demand {
    case .some(let pattern):
      let lines = message.all(HeaderName(name)).map(\.text)
      return lines.contains { Wildcard.matches(pattern, $0) } ? nil : "\(name) \(Self.sight(lines)) instead of '\(pattern)'"
    case .exactly(let patterns):
      let isSo = values.count == patterns.count && zip(patterns, values).allSatisfy { Wildcard.matches($0, $1) }
      return isSo ? nil : "\(name) \(Self.sight(values)) instead of \(patterns.isEmpty ? "none" : Self.list(patterns))"
    case .first(let pattern): return Self.difference("first \(name)", values.first, pattern)
    case .last(let pattern): return Self.difference("last \(name)", values.last, pattern)
    case .none(let pattern):
      return values.first { Wildcard.matches(pattern, $0) }.map { "\(name) is '\($0)', which must not be '\(pattern)'" }
    case .times(let count):
      return count.admits(values.count) ? nil : "\(name) \(Self.sight(values)), which is \(CountText.of(values.count, "value"))"
    case .same(let other):
      let wanted = named[other].map(self.values) ?? []
      return values == wanted ? nil : "\(name) \(Self.sight(values)) instead of that of '\(other)', \(Self.list(wanted))"
    case .other(let other):
      let old = named[other].map(self.values) ?? []
      return values != old ? nil : "\(name) \(Self.sight(values)) as in '\(other)'"
    }
  }

  private static func difference(_ what: String, _ value: String?, _ pattern: String) -> String? {
    if let value, Wildcard.matches(pattern, value) { return nil }
    return "\(what) \(sight(value.map { [$0] } ?? [])) instead of '\(pattern)'"
  }

  private static func sight(_ values: [String]) -> String { values.isEmpty ? "is missing" : "is \(list(values))" }
  private static func list(_ values: [String]) -> String { values.map { "'\($0)'" }.joined(separator: ", ") }

  private func values(in message: SIPMessage) -> [String] {
    let name = HeaderName(name)
    return (Self.lists.contains(name.known) ? message.commaValues(name) : message.all(name)).map(\.text)
  }

  /// Fields whose values may share a line, separated by commas.
  private static let lists: Set<KnownHeader> = [
    .accept, .acceptContact, .acceptEncoding, .acceptLanguage, .alertInfo, .allow, .allowEvents, .callInfo, .contact, .contentEncoding,
    .contentLanguage, .diversion, .errorInfo, .historyInfo, .inReplyTo, .pAssertedIdentity, .path, .pPreferredIdentity, .proxyRequire,
    .reason, .recordRoute, .rejectContact, .require, .route, .serviceRoute, .supported, .unsupported, .via, .warning,
  ]
}

// MARK: - In files

extension HeaderPattern {
  private static let values = Key.optional(
    "values", .oneOrMore(.text),
    "One text: one of the field's lines is so. A list: these values in this order and no others; an empty list: the field is absent.")
  private static let first = Key.optional("first", .text, "The first value, which may share its line with others.")
  private static let last = Key.optional("last", .text, "The last value.")
  private static let none = Key.optional("none", .oneOrMore(.text), "No value is so.")
  private static let times = Key.optional("times", .count, "How many values.")
  private static let same = Key.optional("same", .text, "The values are those of an earlier message, named by `as`.")
  private static let other = Key.optional("other", .text, "The values are others than those of an earlier message, named by `as`.")

  private static let positions: [any DescribedField] = [values, first, last, none, times]
  static let meaning = """
    Values are the elements of fields that are lists (Via, Route, Contact, Allow, …), however they are spread over lines; of other \
    fields, each line. `*` matches any text.
    """
  /// Of a fault's `where`, which sees one message alone.
  static let positionShape = MappingShape(positions, bare: "values")
  static let shape = MappingShape(positions + [same, other], bare: "values")

  /// The demands on one field.
  fileprivate static func read(_ name: String, _ fields: FieldSet) throws(SourceProblem) -> [HeaderPattern] {
    var demands: [Demand] = []
    if let texts = try fields[values] {
      let isList = fields.place(of: values)?.isSequence == true
      demands.append(isList ? .exactly(texts) : .some(texts.first ?? ""))
    }
    if let text = try fields[first] { demands.append(.first(text)) }
    if let text = try fields[last] { demands.append(.last(text)) }
    for text in try fields[none] ?? [] { demands.append(.none(text)) }
    if let count = try fields[times] { demands.append(.times(count)) }
    if let text = try fields[same] { demands.append(.same(text)) }
    if let text = try fields[other] { demands.append(.other(text)) }
    guard !demands.isEmpty else {
      throw fields.place.problem("expected a text, a list or one of the keys \(shape.names.joined(separator: ", "))")
    }
    return demands.map { HeaderPattern(name: name, demand: $0) }
  }

  /// Messages that ``same`` and ``other`` name have to be named by an earlier step.
  fileprivate static func checkNames(_ fields: FieldSet, _ scope: StepScope) throws(SourceProblem) {
    for field in [same, other] {
      guard let place = fields.place(of: field) else { continue }
      try place.checkMessage(scope)
    }
  }
}

extension ValueType where Value == [HeaderPattern] {
  /// Header fields by name, each with what its values have to be.
  static var headerPatterns: ValueType { headerPatterns(HeaderPattern.shape) }
  /// The same without a look at earlier messages.
  static var headerPositions: ValueType { headerPatterns(HeaderPattern.positionShape) }

  private static func headerPatterns(_ shape: MappingShape) -> ValueType {
    ValueType(.named(.mapping(shape))) { (place, scope) throws(SourceProblem) in
      var patterns: [HeaderPattern] = []
      for (name, key, value) in try place.pairs() {
        if HeaderName(name).known == .other, let nearest = Spelling.nearest(to: name, among: KnownHeader.allCases.dropFirst().map(\.text)) {
          scope.notes.warn(key.node.problem("'\(name)' is not a known header field, did you mean '\(nearest)'?"))
        }
        let fields = try value.fields(shape, scope)
        if shape.names.contains("same") { try HeaderPattern.checkNames(fields, scope) }
        patterns += try HeaderPattern.read(name, fields)
      }
      return patterns
    }
  }
}
