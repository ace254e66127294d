import SansIO

/// A JSON document that keeps the order of its members.
public indirect enum JSONValue: Sendable {
  case string(String)
  case integer(Int)
  case flag(Bool)
  case list([JSONValue])
  case object([(String, JSONValue)])
  case null

  public static func strings(_ values: [String]) -> JSONValue { .list(values.map { .string($0) }) }

  /// Indented by two spaces (RFC 8259).
  public func text(indent: Int = 0) -> String {
    let (inner, outer) = (String(repeating: " ", count: indent + 2), String(repeating: " ", count: indent))
    switch self {
    case .string(let value): return JSONText.quoted(value)
    case .integer(let value): return String(value)
    case .flag(let value): return String(value)
    case .null: return "null"
    case .list(let values):
      if values.isEmpty { return "[]" }
      let short = "[\(values.map { $0.text() }.joined(separator: ", "))]"
      if short.count < 100, !short.contains("\n") { return short }
      return "[\n\(values.map { inner + $0.text(indent: indent + 2) }.joined(separator: ",\n"))\n\(outer)]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { "\(inner)\(JSONText.quoted($0.0)): \($0.1.text(indent: indent + 2))" }
      return "{\n\(lines.joined(separator: ",\n"))\n\(outer)}"
    }
  }
}
