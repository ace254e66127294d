/// A key whose value has a type: read, documented and put into the schema from this one description.
public struct Field<Value>: DescribedField {
  public private(set) var description: FieldDescription
  fileprivate let read: @Sendable (NodeReader?, FieldSet) throws(SourceProblem) -> Value

  /// The same key, which means something only beside one of these.
  package func with(_ conditions: FieldCondition...) -> Field {
    var field = self
    field.description.conditions = conditions
    return field
  }

  /// The same key, also read by an older word.
  func once(_ alias: String) -> Field {
    var field = self
    field.description.aliases.append(alias)
    return field
  }

  /// The same key, which means nothing in `never`.
  var forWishes: Field {
    var field = self
    field.description.isForWishes = true
    return field
  }
}

public protocol DescribedField: Sendable {
  var description: FieldDescription { get }
}

/// Makes fields.
package enum Key {
  /// The key has to stand there; one with conditions, where one of them holds.
  package static func required<Value>(
    _ name: String, _ type: ValueType<Value>, _ summary: String, inherits: Bool = false
  ) -> Field<Value> {
    Field(
      description: FieldDescription(name: name, shape: type.shape, isRequired: true, isInheritable: inherits, summary: summary)
    ) { (place, fields) throws(SourceProblem) in
      guard let place else { throw fields.place.problem("the key '\(name)' is missing") }
      return try type.read(place, fields.scope)
    }
  }

  /// nil when the key is missing.
  package static func optional<Value>(
    _ name: String, _ type: ValueType<Value>, _ summary: String, inherits: Bool = false
  ) -> Field<Value?> {
    Field(
      description: FieldDescription(name: name, shape: type.shape, isRequired: false, isInheritable: inherits, summary: summary)
    ) { (place, fields) throws(SourceProblem) in
      guard let place else { return nil }
      return try type.read(place, fields.scope)
    }
  }

  /// As if `standard` were written when the key is missing.
  package static func standard<Value>(
    _ name: String, _ type: ValueType<Value>, _ standard: String, _ summary: String, inherits: Bool = false
  ) -> Field<Value> {
    Field(
      description: FieldDescription(
        name: name, shape: type.shape, isRequired: false, standard: standard, isInheritable: inherits, summary: summary)
    ) { (place, fields) throws(SourceProblem) in
      let node = fields.place.node
      let written = SourceNode(.scalar(standard), file: node.file, line: node.line, column: node.column)
      return try type.read(place ?? fields.place.child(written, name), fields.scope)
    }
  }
}

/// The fields of one mapping, ready to be read.
public struct FieldSet {
  public let place: NodeReader
  let scope: StepScope
  fileprivate let values: [String: NodeReader]

  fileprivate init(place: NodeReader, scope: StepScope, values: [String: NodeReader]) {
    self.place = place
    self.scope = scope
    self.values = values
  }

  /// The value of a field; throws when it cannot be read, or has to be there and is not.
  public subscript<Value>(field: Field<Value>) -> Value {
    get throws(SourceProblem) { try field.read(place(of: field), self) }
  }

  /// Where a field's value stands: here, or in the file's `defaults`.
  package func place(of field: any DescribedField) -> NodeReader? {
    let field = field.description
    if let own = values[field.name] { return own }
    guard field.isInheritable, let standard = scope.defaults[field.name] else { return nil }
    scope.notes.use(.standard, field.name)
    return standard
  }

  /// The same without what `defaults` gives.
  var withoutDefaults: FieldSet {
    var scope = scope
    scope.defaults = [:]
    return FieldSet(place: place, scope: scope, values: values)
  }

  /// Whether the key itself stands here.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// The key that was chosen from a group of which exactly one stands there.
  func chosen(_ group: [String]) -> String { group.first { values[$0] != nil } ?? "" }
}

extension NodeReader {
  /// The fields of a mapping, of which no others than those of `shape` may stand there, each beside what it goes with.
  package func fields(_ shape: MappingShape, _ scope: StepScope) throws(SourceProblem) -> FieldSet {
    if let bare = shape.bare, !isMapping { return FieldSet(place: self, scope: scope, values: [bare: self]) }
    var values: [String: NodeReader] = [:]
    var keys: [String: NodeReader] = [:]
    var problems: [SourceProblem] = []
    for (key, place, value) in try pairs() {
      guard let field = shape.fields.first(where: { $0.name == key || $0.aliases.contains(key) }) else {
        problems.append(unknownKey(key, place, shape.names))
        continue
      }
      if key != field.name, place.node.isPlain, YAML11.isOther(key) {
        scope.notes.warn(place.node.problem("readers of YAML 1.1 take '\(key)' for a truth value: write '\(field.name)'"))
      }
      if values[field.name] != nil {
        problems.append(
          place.node.problem("'\(field.name)' appears more than once: \(field.aliases.joined(separator: ", ")) is its older name"))
      }
      (values[field.name], keys[field.name]) = (value, place)
    }
    problems += misplaced(shape, values, keys, scope)
    if let last = problems.popLast() {
      problems.forEach(scope.notes.add)
      throw last
    }
    for group in shape.exactlyOneOf {
      let present = group.filter { values[$0] != nil }
      guard present.count != 1 else { continue }
      let words = group.joined(separator: ", ")
      throw problem(
        present.isEmpty
          ? "expected one of the keys \(words)" : "only one of \(words) is allowed here, found \(present.joined(separator: " and "))")
    }
    return try complete(FieldSet(place: self, scope: scope, values: values), shape)
  }

  /// Keys that nobody would look at, because what they belong to does not stand beside them.
  private func misplaced(
    _ shape: MappingShape, _ values: [String: NodeReader], _ keys: [String: NodeReader], _ scope: StepScope
  ) -> [SourceProblem] {
    shape.fields.compactMap { field in
      guard let key = keys[field.name], !field.conditions.isEmpty,
        !field.conditions.contains(where: { shape.holds($0, values, scope) })
      else { return nil }
      return key.node.problem(
        "\(path.isEmpty ? "" : "\(path): ")'\(field.name)' goes only with \(field.conditions.map(\.text).joined(separator: " or "))")
    }
  }

  /// A required key with a condition is missing only where the condition holds.
  private func complete(_ fields: FieldSet, _ shape: MappingShape) throws(SourceProblem) -> FieldSet {
    for field in shape.fields where field.isRequired && !field.conditions.isEmpty && !fields.has(field.name) {
      guard let condition = field.conditions.first(where: { shape.holds($0, fields.values, fields.scope) }) else { continue }
      throw problem("the key '\(field.name)' is missing, which \(condition.text) needs")
    }
    return fields
  }

  private func unknownKey(_ key: String, _ place: NodeReader, _ known: [String]) -> SourceProblem {
    let hint = Spelling.hint(for: key, among: known)
    return place.node.problem(
      "unknown key '\(key)'\(path.isEmpty ? "" : " in \(path)")\(hint.isEmpty ? "." : hint) Known: \(known.joined(separator: ", "))")
  }
}

extension MappingShape {
  /// Whether a condition holds: by what is written, by the file's `defaults`, or by what counts when the key is missing.
  fileprivate func holds(_ condition: FieldCondition, _ values: [String: NodeReader], _ scope: StepScope) -> Bool {
    guard let field = fields.first(where: { $0.name == condition.key }) else { return false }
    let written = values[field.name] ?? (field.isInheritable ? scope.defaults[field.name] : nil)
    guard !condition.values.isEmpty else { return written != nil }
    // What cannot be read is a mistake of its own.
    guard let written else { return field.standard.map(condition.values.contains) ?? false }
    guard let value = written.node.scalar else { return true }
    return condition.values.contains(value) || !field.shape.takes(value)
  }
}

extension Shape {
  /// Whether a word is one of those that may stand here; true for shapes without a list of words.
  fileprivate func takes(_ word: String) -> Bool { if case .words(let words) = self { words.contains(word) } else { true } }
}
