import SansIO

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
  func text() -> String {
    var text = ""
    write(to: &text, indent: 0, breaks: 3)
    return text
  }

  private func write(to text: inout String, indent: Int, breaks: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value == value.rounded() && abs(value) < 1e15 ? "\(Int(value)).0" : "\(value)"
    case .string(let value): JSONText.quote(value, to: &text)
    case .array(let values):
      Self.list(values, "[", "]", to: &text, indent, breaks) { $0.write(to: &$1, indent: indent + 2, breaks: breaks - 1) }
    case .object(let members):
      Self.list(members, "{", "}", to: &text, indent, breaks) { member, text in
        JSONText.quote(member.0, to: &text)
        text += ": "
        member.1.write(to: &text, indent: indent + 2, breaks: breaks - 1)
      }
    }
  }

  private static func list<Element>(
    _ elements: [Element], _ open: String, _ close: String, to text: inout String, _ indent: Int, _ breaks: Int,
    _ write: (Element, inout String) -> Void
  ) {
    text += open
    let separator = breaks > 0 ? "\n" + String(repeating: " ", count: indent + 2) : ""
    for (position, element) in elements.enumerated() {
      text += position == 0 ? separator : breaks > 0 ? "," + separator : ", "
      write(element, &text)
    }
    if breaks > 0, !elements.isEmpty { text += "\n" + String(repeating: " ", count: indent) }
    text += close
  }
}
