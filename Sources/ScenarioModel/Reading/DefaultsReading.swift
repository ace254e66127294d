/// The keys of `defaults:`: every field that a file may give once for all places where it is missing.
enum DefaultsKeys {
  /// In the order in which the registries name them, each name once.
  static let descriptions: [FieldDescription] = {
    let steps =
      StepRegistry.kinds.flatMap { $0.shape.ownFields } + ExpectationRegistry.kinds.flatMap { $0.fields.map(\.description) }
    let all = CastKeys.shape.fields + GivenKeys.Session.shape.fields + NetworkKeys.shape.fields + steps
    var names: Set<String> = []
    return all.filter { $0.isInheritable && names.insert($0.name).inserted }.map { field in
      var field = field
      (field.isRequired, field.standard, field.isInheritable, field.conditions) = (false, nil, false, [])
      return field
    }
  }()

  static let shape = MappingShape(descriptions: descriptions)
}

extension Shape {
  /// The keys a step's value takes besides those of an expectation.
  var ownFields: [FieldDescription] {
    switch self {
    case .mapping(let mapping): mapping.fields
    case .alternatives(let mappings): mappings.flatMap(\.fields)
    case .expectation(let context): context.others.fields
    case .text, .flag, .integer, .words, .quantity, .name, .list, .oneOrMore, .named, .steps, .table: []
    }
  }
}

extension StepScope {
  /// Takes `defaults:`; their values are read where they are used, and one that is used nowhere is a mistake.
  mutating func takeDefaults(_ place: NodeReader) throws(SourceProblem) {
    _ = try place.fields(DefaultsKeys.shape, self)
    for (name, keyPlace, value) in try place.pairs() {
      defaults[name] = value
      notes.give(.standard, name, at: keyPlace)
    }
  }
}
