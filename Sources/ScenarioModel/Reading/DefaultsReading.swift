/// The keys of `defaults:`: every field that a file may give once for all places where it is missing.
enum DefaultsKeys {
  /// In the order in which the registries name them, each name once.
  static let descriptions: [FieldDescription] = {
    let steps =
      StepRegistry.kinds.flatMap { Shape.fields(of: $0.shape) } + ExpectationRegistry.kinds.flatMap { $0.fields.map(\.description) }
    let all = CastKeys.shape.fields + GivenKeys.Session.shape.fields + NetworkKeys.shape.fields + steps
    var names: Set<String> = []
    return all.filter { $0.isInheritable && names.insert($0.name).inserted }.map { field in
      var field = field
      (field.isRequired, field.standard, field.isInheritable) = (false, nil, false)
      return field
    }
  }()

  static let shape = MappingShape(descriptions: descriptions)
}

extension Shape {
  /// The keys a step's value takes besides those of an expectation.
  static func fields(of shape: Shape) -> [FieldDescription] {
    switch shape {
    case .mapping(let mapping): mapping.fields
    case .alternatives(let mappings): mappings.flatMap(\.fields)
    case .expectation(let others): others
    case .text, .flag, .integer, .words, .quantity, .name, .list, .oneOrMore, .named, .steps, .table: []
    }
  }
}

extension StepScope {
  /// Takes `defaults:`; their values are read where they are used, so a mistake is told at its place in any case.
  mutating func takeDefaults(_ place: NodeReader) throws(SourceProblem) {
    _ = try place.fields(DefaultsKeys.shape, self)
    for (name, _, value) in try place.pairs() { defaults[name] = value }
  }
}
