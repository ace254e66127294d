/// A key whose value has a type: read, documented and put into the schema from this one description.
public struct Field<Value>: DescribedField {
  public let description: FieldDescription
  fileprivate let read: @Sendable (NodeReader?, FieldSet) throws(SourceProblem) -> Value
}

public protocol DescribedField: Sendable {
  var description: FieldDescription { get }
}

/// Makes fields.
enum Key {
  /// The key has to stand there.
  static func required<Value>(
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
  static func optional<Value>(
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
  static func standard<Value>(
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
  private let values: [String: NodeReader]

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
  func place(of field: any DescribedField) -> NodeReader? {
    let field = field.description
    return values[field.name] ?? (field.isInheritable ? scope.defaults[field.name] : nil)
  }

  /// Whether the key itself stands here.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// The key that was chosen from a group of which exactly one stands there.
  func chosen(_ group: [String]) -> String { group.first { values[$0] != nil } ?? "" }
}

extension NodeReader {
  /// The fields of a mapping, of which no others than those of `shape` may stand there.
  func fields(_ shape: MappingShape, _ scope: StepScope) throws(SourceProblem) -> FieldSet {
    if let bare = shape.bare, !isMapping { return FieldSet(place: self, scope: scope, values: [bare: self]) }
    var values: [String: NodeReader] = [:]
    var unknown: [SourceProblem] = []
    for (key, place, value) in try pairs() {
      if shape.names.contains(key) { values[key] = value } else { unknown.append(unknownKey(key, place, shape.names)) }
    }
    if let last = unknown.popLast() {
      unknown.forEach(scope.notes.add)
      throw last
    }
    for group in shape.exactlyOneOf {
      let present = group.filter { values[$0] != nil }
      guard present.count != 1 else { continue }
      let words = group.joined(separator: ", ")
      throw problem(
        present.isEmpty
          ? "expected one of the keys \(words)" : "only one of \(words) may stand here, found \(present.joined(separator: " and "))")
    }
    return FieldSet(place: self, scope: scope, values: values)
  }

  private func unknownKey(_ key: String, _ place: NodeReader, _ known: [String]) -> SourceProblem {
    let hint = Spelling.hint(for: key, among: known)
    return place.node.problem(
      "unknown key '\(key)'\(path.isEmpty ? "" : " in \(path)")\(hint.isEmpty ? "." : hint) Known: \(known.joined(separator: ", "))")
  }
}
