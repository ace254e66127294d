import SansIO

/// JSON Schemas (draft 2020-12) of the files the Lab reads, made from the same descriptions that the reader holds.
///
/// They hold what one file shows by itself: keys, words, forms and ranges. Names (of members, legs, accounts) are for `lint`.
public enum JSONSchema {
  private static let draft = "https://json-schema.org/draft/2020-12/schema"

  /// Of scenario files.
  public static let scenario: String = {
    let properties = ScenarioKeys.shape.fields.map { ($0.name, described(schema(of: $0.shape, isWhole: false), $0)) }
    let whole = JSONValue.object([
      ("required", .strings(["cast", "steps"])),
      (
        "properties",
        .object([
          ("cast", .object([("additionalProperties", schema(of: .mapping(CastKeys.shape)))])),
          ("given", schema(of: .mapping(GivenKeys.shape))), ("network", .object([("items", schema(of: NetworkKeys.element))])),
        ])
      ),
    ])
    let root: [(String, JSONValue)] = [
      ("$schema", .string(draft)), ("title", .string("Kallglot Lab scenario")),
      ("description", .string("The members, the network, the steps, and what must and must never happen.")),
      ("type", .string("object")), ("properties", .object(properties)), ("required", .strings(["summary"])),
      ("additionalProperties", .bool(false)),
      // What another file may complete need not be whole here.
      ("if", .object([("not", .object([("required", .strings(["include"]))]))])), ("then", whole), ("$defs", .object(definitions)),
    ]
    return JSONValue.object(root).document
  }()

  /// Of a configuration with the policy's keys and these.
  package static func configuration(_ title: String, _ keys: [any DescribedField]) -> String {
    let shape = MappingShape(descriptions: keys.map(\.description) + PolicySchema.descriptions)
    guard case .object(let members) = schema(of: .mapping(shape)) else { return "{}" }
    let root: [(String, JSONValue)] =
      [("$schema", .string(draft)), ("title", .string(title))] + members + [("$defs", .object(definitions))]
    return JSONValue.object(root).document
  }

  // MARK: - Definitions

  private static var definitions: [(String, JSONValue)] {
    let steps = StepRegistry.kinds.map { kind in
      (kind.keyword, described(schema(of: kind.shape), "\(kind.summary)\n\nExample: \(kind.examples.first ?? "")"))
    }
    let step = JSONValue.object([
      ("description", .string("A step is one keyword with its value.")), ("type", .string("object")), ("properties", .object(steps)),
      ("additionalProperties", .bool(false)), ("minProperties", .integer(1)), ("maxProperties", .integer(1)),
    ])
    let kinds = ExpectationRegistry.kinds.map { ($0.key, $0) }
    let columns: [(String, JSONValue)] = [
      (
        "column",
        .object([
          ("description", .string("A place that is filled by the row of a table.")), ("type", .string("string")),
          ("pattern", .string("\\$\\{[^}]+\\}")),
        ])
      ),
      ("text", .object([("type", .strings(["string", "number", "boolean"]))])), ("flag", .object([("enum", flagValues)])),
    ]
    let quantities = Shape.Quantity.allCases.map { ($0.rawValue, $0.schema) }
    // Each set of keys beside an expectation's own makes a definition; the set is its name.
    let expectations = expectationContexts.map { context in
      let alternatives = kinds.map { _, kind in described(schema(of: .mapping(context.shape(of: kind))), kind.summary) }
      return (context.name, JSONValue.object([("anyOf", .array(alternatives))]))
    }
    return columns + quantities + expectations + [("step", step)]
  }

  private static let flagValues = JSONValue.array([.bool(true), .bool(false)] + NodeReader.flags.map { .string($0.0) })

  /// All sets of keys that stand beside expectations somewhere, each once.
  private static var expectationContexts: [ExpectationContext] {
    var contexts: [ExpectationContext] = [.alone, .prohibition]
    func visit(_ shape: Shape) {
      switch shape {
      case .expectation(let context):
        if !contexts.contains(where: { $0.name == context.name }) { contexts.append(context) }
        for field in context.others.fields { visit(field.shape) }
      case .mapping(let mapping): for field in mapping.fields { visit(field.shape) }
      case .alternatives(let mappings): for mapping in mappings { visit(.mapping(mapping)) }
      case .list(let inner), .oneOrMore(let inner), .named(let inner): visit(inner)
      case .text, .flag, .integer, .words, .quantity, .name, .steps, .table: break
      }
    }
    for kind in StepRegistry.kinds { visit(kind.shape) }
    return contexts
  }

  // MARK: - Shapes

  private static func reference(_ name: String) -> JSONValue { .object([("$ref", .string("#/$defs/\(name)"))]) }

  private static func anyOf(_ values: [JSONValue]) -> JSONValue { .object([("anyOf", .array(values))]) }

  /// The number that other readers of YAML take a word for: `486`, `1.2`.
  private static func number(_ word: String) -> JSONValue? {
    if let number = Int(word) { return .integer(number) }
    return word.contains(".") ? Double(word).map { .number($0) } : nil
  }

  /// - Parameter isWhole: false = what is required may stand in an included file.
  static func schema(of shape: Shape, isWhole: Bool = true) -> JSONValue {
    switch shape {
    case .text, .name: reference("text")
    case .flag: anyOf([reference("flag"), reference("column")])
    case .integer(let range):
      anyOf([
        .object([("type", .string("integer")), ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound))]),
        reference("column"),
      ])
    case .words(let words):
      // A word of digits is a number for every reader of YAML but ours.
      anyOf([.object([("enum", .array(words.map { .string($0) } + words.compactMap(Self.number)))]), reference("column")])
    case .quantity(let quantity): anyOf([reference(quantity.rawValue), reference("column")])
    case .list(let inner): anyOf([list(of: inner, isWhole), reference("column")])
    case .oneOrMore(let inner): anyOf([schema(of: inner, isWhole: isWhole), list(of: inner, isWhole)])
    case .named(let inner): .object([("type", .string("object")), ("additionalProperties", schema(of: inner, isWhole: isWhole))])
    case .mapping(let mapping): schema(of: mapping, isWhole)
    case .alternatives(let mappings): anyOf(mappings.map { schema(of: $0, isWhole) })
    case .expectation(let context): reference(context.name)
    case .steps: .object([("type", .string("array")), ("items", reference("step"))])
    case .table: table
    }
  }

  private static func list(of inner: Shape, _ isWhole: Bool) -> JSONValue {
    .object([("type", .string("array")), ("items", schema(of: inner, isWhole: isWhole))])
  }

  private static func schema(of mapping: MappingShape, _ isWhole: Bool) -> JSONValue {
    let properties = mapping.fields.flatMap { field in
      let value = schema(of: field.shape, isWhole: isWhole)
      return [(field.name, described(value, field))]
        + field.aliases.map {
          ($0, described(value, "The older name of '\(field.name)', which readers of YAML 1.1 take for a truth value."))
        }
    }
    var members: [(String, JSONValue)] = [
      ("type", .string("object")), ("properties", .object(properties)), ("additionalProperties", .bool(false)),
    ]
    if isWhole {
      // A field that the file's defaults may give need not stand here.
      let required = mapping.fields.filter { $0.isRequired && !$0.isInheritable && $0.conditions.isEmpty && $0.aliases.isEmpty }
      if !required.isEmpty { members.append(("required", .strings(required.map(\.name)))) }
      let rules = mapping.rules
      if !rules.isEmpty { members.append(("allOf", .array(rules))) }
    }
    let object = JSONValue.object(members)
    guard let bare = mapping.bare, let field = mapping.fields.first(where: { $0.name == bare }) else { return object }
    return anyOf([schema(of: field.shape, isWhole: isWhole), object])
  }

  private static var table: JSONValue {
    let value = anyOf([reference("text"), .object([("type", .string("array")), ("items", reference("text"))])])
    let row = JSONValue.object([("type", .string("object")), ("minProperties", .integer(1)), ("additionalProperties", value)])
    let column = JSONValue.object([("type", .string("array")), ("minItems", .integer(1)), ("items", value)])
    return anyOf([
      .object([("type", .string("array")), ("minItems", .integer(1)), ("items", row)]),
      .object([("type", .string("object")), ("minProperties", .integer(1)), ("additionalProperties", column)]),
    ])
  }

  // MARK: - Descriptions

  private static func described(_ schema: JSONValue, _ field: FieldDescription) -> JSONValue {
    let standard = field.standard.map { " When missing: \($0.isEmpty ? "none" : $0)." } ?? ""
    let inherited = field.isInheritable ? " 'defaults' may give it." : ""
    return described(schema, field.summary + standard + inherited)
  }

  private static func described(_ schema: JSONValue, _ text: String) -> JSONValue {
    guard case .object(let members) = schema else { return schema }
    return .object([("description", .string(text))] + members)
  }
}

extension Shape.Quantity {
  /// How the quantity is written, as a schema.
  var schema: JSONValue {
    switch self {
    case .duration: Self.written("'2 s', '30 ms', '1.5 min'", "^ *(0|[0-9]+(\\.[0-9]+)? *(ns|us|µs|ms|s|min|h)) *$", or: 0...0)
    case .share: Self.written("'3 %', '1/64'", "^ *(0|[0-9]+(\\.[0-9]+)? *%|[0-9]+ */ *[0-9]+) *$", or: 0...0)
    case .jitterBuffer:
      Self.written(
        "'none', 'fixed 60 ms', 'adaptive', 'adaptive 20 ms to 200 ms'",
        "^ *(none|fixed +[0-9.]+ *(ms|s)|adaptive( +[0-9.]+ *(ms|s) +to +[0-9.]+ *(ms|s))?) *$")
    case .shareBound:
      Self.written("'< 1 %', '<= 1/64', '> 20 %'", "^ *[<>]=? *(0|[0-9]+(\\.[0-9]+)? *%|[0-9]+ */ *[0-9]+) *$")
    case .durationBound: Self.written("'< 20 ms', '>= 1 s'", "^ *[<>]=? *(0|[0-9]+(\\.[0-9]+)? *(ns|us|µs|ms|s|min|h)) *$")
    case .numberBound: Self.written("'> 4.0', '<= 93'", "^ *[<>]=? *[0-9]+(\\.[0-9]+)? *$")
    case .frequency: Self.written("'440 Hz', from 100 to 3500", "^ *[0-9]+ *(Hz)? *$", or: 100...3_500)
    case .address: Self.written("An IPv4 or IPv6 address", "^[0-9A-Fa-f:.\\[\\]]+$")
    case .range: Self.written("An address, a CIDR range or a name of the cast", "^[^ ]+$")
    case .ports: Self.written("'20000-20100'", "^ *[0-9]+ *- *[0-9]+ *$")
    case .count:
      Self.written(
        "2 (or more), 'exactly 2', 'at most 2', 'once', 'none'", "^((exactly|at most|at least) [0-9]+|none|once|[0-9]+)$", or: 0...100_000)
    case .message:
      Self.written(
        "'the 2nd 200 INVITE', 'the first 3 BYE', 'every INVITE', 'the 50th to 80th RTP', 'the ACK of the 200'",
        "^(the )?(every |first [1-9][0-9]* |[1-9][0-9]*(st|nd|rd|th) (to [1-9][0-9]*(st|nd|rd|th) )?)?([1-6][0-9][0-9] )?[A-Z]+"
          + "( of the [2-6][0-9][0-9])?$")
    case .target: Self.written("'session NAME', a name of the cast, or a SIP URI", "^.+$")
    case .listener: Self.written("'udp 127.0.0.1:5060'", "^([uU][dD][pP]|[tT][cC][pP]|[tT][lL][sS]) +[^ ]+$")
    case .status: Self.written("'200 OK'", "^[1-6][0-9][0-9]( .*)?$", or: 100...699)
    case .sessionID: Self.written("'sess_demo'", "^sess_")
    case .decimal: Self.written("A number such as 2.5", "^[0-9]+(\\.[0-9]+)?$", isNumber: true)
    case .bitRate: Self.written("'512 kbit/s', '10 Mbit/s'", "^ *[0-9]+(\\.[0-9]+)? *[kMG]?bit/s *$")
    case .queue: Self.written("'64 kB', '200 ms'", "^ *(0|[0-9]+(\\.[0-9]+)? *([kM]?B|ns|us|µs|ms|s|min|h)) *$", or: 0...0)
    case .fate: Self.written("'lost', '21.5 ms', '21.5 ms, again 30 ms', '80 ms, held back'", "^ *(lost|0|[0-9])", or: 0...0)
    case .hexadecimal: Self.written("Pairs of hexadecimal digits", "^[0-9A-Fa-f\\s]*$", or: 0...Int(Int32.max))
    case .proof:
      Self.written(
        "A check id, an RFC section, a contract section, a persona or a quirk",
        "^([A-Z]+-[0-9]+|RFC [1-9][0-9]*( §[A-Z0-9][0-9]*(\\.[0-9]+)*)?|contract [0-9]+(\\.[0-9]+)*|persona [^ ]+|quirk [^ /]+/[^ ]+)$")
    }
  }

  /// - Parameter isNumber: readers of YAML take it for a number.
  private static func written(_ description: String, _ pattern: String, isNumber: Bool) -> JSONValue {
    let text = JSONValue.object([("type", .string("string")), ("pattern", .string(pattern))])
    let number = JSONValue.object([("type", .string("number")), ("minimum", .integer(0))])
    return .object([("description", .string(description)), ("anyOf", .array([text, number]))])
  }

  private static func written(_ description: String, _ pattern: String, or numbers: ClosedRange<Int>? = nil) -> JSONValue {
    let text = JSONValue.object([("type", .string("string")), ("pattern", .string(pattern))])
    guard let numbers else {
      return .object([("description", .string(description)), ("type", .string("string")), ("pattern", .string(pattern))])
    }
    let number = JSONValue.object([
      ("type", .string("integer")), ("minimum", .integer(numbers.lowerBound)), ("maximum", .integer(numbers.upperBound)),
    ])
    return .object([("description", .string(description)), ("anyOf", .array([text, number]))])
  }
}
