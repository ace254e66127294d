/// A JSON value (RFC 8259) whose members keep their order.
indirect enum JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(String, JSONValue)])

  init(stringLiteral value: String) { self = .string(value) }
  init(integerLiteral value: Int) { self = .integer(value) }
  init(booleanLiteral value: Bool) { self = .bool(value) }

  init(_ value: String?) { self = value.map(JSONValue.string) ?? .null }
  init(_ value: Int?) { self = value.map(JSONValue.integer) ?? .null }
  init(_ value: Bool) { self = .bool(value) }
  init(_ value: Double) { self = value.isFinite ? .number(value) : .null }

  /// Members one a line for the outer levels, the rest on a line of its own.
  func text(indent: Int = 0, breaks: Int = 3) -> String {
    let inner = String(repeating: " ", count: indent + 2)
    let outer = String(repeating: " ", count: indent)
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return "\(value)"
    case .number(let value): return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value)).0" : "\(value)"
    case .string(let value): return Self.quoted(value)
    case .array(let values):
      guard !values.isEmpty else { return "[]" }
      let items = values.map { $0.text(indent: indent + 2, breaks: breaks - 1) }
      return breaks > 0 ? "[\n\(inner)\(items.joined(separator: ",\n\(inner)"))\n\(outer)]" : "[\(items.joined(separator: ", "))]"
    case .object(let members):
      guard !members.isEmpty else { return "{}" }
      let items = members.map { "\(Self.quoted($0.0)): \($0.1.text(indent: indent + 2, breaks: breaks - 1))" }
      return breaks > 0 ? "{\n\(inner)\(items.joined(separator: ",\n\(inner)"))\n\(outer)}" : "{\(items.joined(separator: ", "))}"
    }
  }

  /// RFC 8259 §7.
  private static func quoted(_ value: String) -> String {
    var result = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{0}"..<" ", "\u{7F}"..."\u{9F}":
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
