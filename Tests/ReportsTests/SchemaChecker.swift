import Foundation

/// A JSON value.
enum JSONValue: Decodable, Equatable {
  case null
  case flag(Bool)
  case number(Int64)
  case text(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? value.decode(Int64.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let array = try? value.decode([JSONValue].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  subscript(name: String) -> JSONValue? { if case .object(let members) = self { members[name] } else { nil } }
  var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  /// In the words of JSON Schema.
  var kind: String {
    switch self {
    case .null: "null"
    case .flag: "boolean"
    case .number: "integer"
    case .text: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}

/// Checks JSON against the part of JSON Schema 2020-12 that our schemas use; a keyword it does not know is a problem, not passed over.
struct SchemaChecker {
  private let root: JSONValue
  private static let silent: Set<String> = ["$schema", "title", "description", "$defs"]

  init(_ data: Data) throws { root = try JSONDecoder().decode(JSONValue.self, from: data) }

  /// What is wrong, with the path to it.
  func problems(in document: String) throws -> [String] {
    check(try JSONDecoder().decode(JSONValue.self, from: Data(document.utf8)), root, "$")
  }

  private func check(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
    guard case .object(let keywords) = schema else { return ["\(path): the schema is no object"] }
    return keywords.sorted { $0.key < $1.key }.flatMap { keyword, rule in
      Self.silent.contains(keyword) ? [] : check(value, keyword, rule, path)
    }
  }

  private func check(_ value: JSONValue, _ keyword: String, _ rule: JSONValue, _ path: String) -> [String] {
    switch (keyword, rule, value) {
    case ("$ref", .text(let reference), _):
      let name = reference.split(separator: "/").last.map(String.init) ?? ""
      return root["$defs"]?[name].map { check(value, $0, path) } ?? ["\(path): no \(reference)"]
    case ("type", .text(let name), _): return name == value.kind ? [] : ["\(path) is of type \(value.kind), not \(name)"]
    case ("type", .array(let names), _): return names.contains(.text(value.kind)) ? [] : ["\(path) is of type \(value.kind)"]
    case ("const", _, _): return rule == value ? [] : ["\(path) is not \(rule)"]
    case ("enum", .array(let words), _): return words.contains(value) ? [] : ["\(path) is none of the words"]
    case ("minimum", .number(let least), .number(let number)): return number >= least ? [] : ["\(path) is below \(least)"]
    case ("pattern", .text(let pattern), .text(let text)):
      return text.range(of: pattern, options: .regularExpression) != nil ? [] : ["\(path) does not match \(pattern)"]
    case ("required", .array(let names), .object):
      return names.compactMap(\.text).filter { value[$0] == nil }.map { "\(path).\($0) is missing" }
    case ("properties", .object(let properties), .object(let members)):
      return members.sorted { $0.key < $1.key }.flatMap { name, member in
        // Stricter than the schema: what it does not describe, nobody can rely on.
        properties[name].map { check(member, $0, "\(path).\(name)") } ?? ["\(path).\(name) is not described"]
      }
    case ("items", _, .array(let elements)): return elements.enumerated().flatMap { check($1, rule, "\(path)[\($0 + 1)]") }
    case ("minimum", _, _), ("pattern", _, _), ("required", _, _), ("properties", _, _), ("items", _, _): return []
    default: return ["\(path): the checker does not know \(keyword)"]
    }
  }
}
