import SansIO

/// What of a mapping's keys goes together, as JSON Schema: the same descriptions that the reader holds.
extension MappingShape {
  /// Groups of which one key stands there, keys with older words, and keys that mean something only beside others.
  var rules: [JSONValue] {
    let groups = exactlyOneOf.map { group in JSONValue.object([("oneOf", .array(group.map { .has($0) }))]) }
    let renamed = fields.filter { $0.isRequired && !$0.aliases.isEmpty }.map { field in
      JSONValue.object([("oneOf", .array(([field.name] + field.aliases).map { .has($0) }))])
    }
    let conditional = fields.filter { !$0.conditions.isEmpty }.flatMap { field in
      let isMet = anyOf(field.conditions.map { schema(of: $0, isStrict: false) })
      let only = JSONValue.object([("if", .has(field.name)), ("then", isMet)])
      guard field.isRequired else { return [only] }
      let isAsked = anyOf(field.conditions.map { schema(of: $0, isStrict: true) })
      return [only, JSONValue.object([("if", isAsked), ("then", .has(field.name))])]
    }
    return groups + renamed + conditional
  }

  /// - Parameter isStrict: false = a place that the row of a table fills may be what is meant.
  private func schema(of condition: FieldCondition, isStrict: Bool) -> JSONValue {
    let field = fields.first { $0.name == condition.key }
    // A value that `defaults` may give need not stand here.
    if condition.values.isEmpty { return field?.isInheritable == true && !isStrict ? .object([]) : .has(condition.key) }
    let values = JSONValue.object([("enum", .strings(condition.values))])
    let value = isStrict ? values : anyOf([values, .object([("$ref", .string("#/$defs/column"))])])
    let isMeant = ("properties", JSONValue.object([(condition.key, value)]))
    // A missing key counts as its standard.
    let isStandard = field?.standard.map(condition.values.contains) ?? false
    return .object(isStandard ? [isMeant] : [isMeant, ("required", .strings([condition.key]))])
  }

  private func anyOf(_ values: [JSONValue]) -> JSONValue { values.count == 1 ? values[0] : .object([("anyOf", .array(values))]) }
}

extension JSONValue {
  fileprivate static func has(_ key: String) -> JSONValue { .object([("required", .strings([key]))]) }
}

extension ExpectationContext {
  /// What the schema calls expectations in such a place: the keys beside their own.
  var name: String {
    ([isProhibition ? "prohibition" : "expectation"] + others.names).joined(separator: "-")
  }
}
