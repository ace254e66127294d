/// A JSON document (RFC 8259) whose members keep their order.
public indirect enum JSONValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(String, JSONValue)])

  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }

  public init(_ value: String?) { self = value.map(JSONValue.string) ?? .null }
  public init(_ value: Int?) { self = value.map(JSONValue.integer) ?? .null }
  public init(_ value: Bool) { self = .bool(value) }
  public init(_ value: Double) { self = value.isFinite ? .number(value) : .null }

  public static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

  /// The document in lines, short arrays without objects in one.
  public var document: String {
    var json = JSONWriter()
    writeDocument(to: &json)
    return json.text
  }

  /// - Parameter levels: how many of the outer levels have each element in a line; what is inside stands in one.
  public func write(to json: inout JSONWriter, lines levels: Int = 0) {
    let layout: JSONWriter.Layout = levels > 0 ? .lines : .spaced
    switch self {
    case .null: json.null()
    case .bool(let value): json.value(value)
    case .integer(let value): json.value(value)
    case .number(let value): json.value(value)
    case .string(let value): json.value(value)
    case .array(let values): json.array(layout) { json in for value in values { value.write(to: &json, lines: levels - 1) } }
    case .object(let members):
      json.object(layout) { json in
        for (name, value) in members {
          json.name(quoting: name)
          value.write(to: &json, lines: levels - 1)
        }
      }
    }
  }

  private func writeDocument(to json: inout JSONWriter) {
    switch self {
    case .array(let values) where !isShort:
      json.array(.lines) { json in for value in values { value.writeDocument(to: &json) } }
    case .object(let members):
      json.object(.lines) { json in
        for (name, value) in members {
          json.name(quoting: name)
          value.writeDocument(to: &json)
        }
      }
    case .null, .bool, .integer, .number, .string, .array: write(to: &json)
    }
  }

  /// An array that needs less than a line.
  private var isShort: Bool {
    guard !hasObjects else { return false }
    var json = JSONWriter()
    write(to: &json)
    return json.text.count < 100
  }

  private var hasObjects: Bool {
    switch self {
    case .array(let values): values.contains { $0.hasObjects }
    case .object(let members): !members.isEmpty
    case .null, .bool, .integer, .number, .string: false
    }
  }
}
