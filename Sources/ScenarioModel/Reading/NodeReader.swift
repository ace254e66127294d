import SansIO
import Yams

/// A place in a YAML file that can be read as one thing or another, and says where it stands when it cannot.
public struct NodeReader {
  let node: Node
  public let file: String
  /// What this place is called in messages: `cast.pbx.transport`.
  public let path: String

  /// The root of a file's text.
  public static func root(_ text: String, file: String) throws(SourceProblem) -> NodeReader {
    do {
      guard let node = try Yams.compose(yaml: text) else { throw SourceProblem(file: file, "the file is empty") }
      return NodeReader(node: node, file: file, path: "")
    } catch let problem as SourceProblem {
      throw problem
    } catch let error as YamlError {
      throw Self.problem(error, file: file)
    } catch {
      throw SourceProblem(file: file, "\(error)")
    }
  }

  private static func problem(_ error: YamlError, file: String) -> SourceProblem {
    switch error {
    case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _), .composer(_, let text, let mark, _):
      SourceProblem(file: file, line: mark.line, column: mark.column, "this is no YAML: \(text)")
    case .duplicatedKeysInMapping(let keys, let context):
      SourceProblem(file: file, line: context.mark.line, column: context.mark.column, "the key \(keys.map(\.description).joined(separator: ", ")) stands twice")
    default: SourceProblem(file: file, "this is no YAML: \(error)")
    }
  }

  public func problem(_ message: String) -> SourceProblem {
    let mark = node.mark
    return SourceProblem(file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, path.isEmpty ? message : "\(path): \(message)")
  }

  private func child(_ node: Node, _ name: String) -> NodeReader {
    NodeReader(node: node, file: file, path: path.isEmpty ? name : name.hasPrefix("[") ? path + name : "\(path).\(name)")
  }

  // MARK: - Shapes

  public var isMapping: Bool { node.mapping != nil }
  public var isScalar: Bool { node.scalar != nil }
  public var isSequence: Bool { node.sequence != nil }

  /// The key and value pairs in their order.
  public func pairs() throws(SourceProblem) -> [(key: String, keyPlace: NodeReader, value: NodeReader)] {
    guard let mapping = node.mapping else { throw problem("expected keys with values, found \(kind)") }
    var result: [(String, NodeReader, NodeReader)] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { throw problem("a key has to be a word") }
      result.append((name, child(key, name), child(value, name)))
    }
    return result
  }

  /// The fields of a mapping, of which no others than `known` may stand there.
  public func fields(_ known: [String]) throws(SourceProblem) -> FieldSet {
    var values: [String: NodeReader] = [:]
    for (key, place, value) in try pairs() {
      guard known.contains(key) else {
        throw SourceProblem(
          file: file, line: place.node.mark?.line ?? 0, column: place.node.mark?.column ?? 0,
          "unknown key '\(key)'\(path.isEmpty ? "" : " in \(path)")\(Spelling.hint(for: key, among: known)) Known: \(known.joined(separator: ", "))")
      }
      values[key] = value
    }
    return FieldSet(place: self, values: values)
  }

  public func elements() throws(SourceProblem) -> [NodeReader] {
    guard let sequence = node.sequence else { throw problem("expected a list, found \(kind)") }
    return sequence.enumerated().map { child($1, "[\($0 + 1)]") }
  }

  /// A list, or one element that stands for a list of one.
  public func elementsOrOne() throws(SourceProblem) -> [NodeReader] { node.sequence == nil ? [self] : try elements() }

  private var kind: String { node.mapping != nil ? "keys with values" : node.sequence != nil ? "a list" : "'\(node.scalar?.string ?? "")'" }

  // MARK: - Scalars

  public func text() throws(SourceProblem) -> String {
    guard let scalar = node.scalar else { throw problem("expected a word, found \(kind)") }
    return scalar.string
  }

  /// A text that `parse` understands.
  public func value<Value>(_ expected: String, _ parse: (String) -> Value?) throws(SourceProblem) -> Value {
    let text = try text()
    guard let value = parse(text) else { throw problem("'\(text)' is not \(expected)") }
    return value
  }

  /// One of some words.
  public func word<Value>(_ words: [(String, Value)]) throws(SourceProblem) -> Value {
    let text = try text()
    if let match = words.first(where: { $0.0 == text }) { return match.1 }
    throw problem("'\(text)' is not one of \(words.map(\.0).joined(separator: ", "))\(Spelling.hint(for: text, among: words.map(\.0)))")
  }

  public func flag() throws(SourceProblem) -> Bool { try word([("true", true), ("false", false), ("on", true), ("off", false), ("yes", true), ("no", false)]) }

  public func integer(_ range: ClosedRange<Int>) throws(SourceProblem) -> Int {
    try value("a whole number from \(range.lowerBound) to \(range.upperBound)") { Int($0).flatMap { range.contains($0) ? $0 : nil } }
  }

  /// `2 s`, `30 ms`, `1.5 min`, `0`.
  public func duration() throws(SourceProblem) -> Duration { try value("a duration such as '2 s' or '30 ms'", ScalarText.duration) }

  /// `3 %`, `0.5 %`, `1/64`.
  public func ratio() throws(SourceProblem) -> Ratio { try value("a share such as '3 %' or '1/64'", ScalarText.ratio) }

  public func address() throws(SourceProblem) -> IPAddress { try value("an IP address") { IPAddress($0) } }
}

/// The fields of one mapping.
public struct FieldSet {
  public let place: NodeReader
  let values: [String: NodeReader]

  public subscript(name: String) -> NodeReader? { values[name] }

  public func required(_ name: String) throws(SourceProblem) -> NodeReader {
    guard let value = values[name] else { throw place.problem("the key '\(name)' is missing") }
    return value
  }
}

/// How quantities are written.
enum ScalarText {
  private static let units: [(String, Int64)] = [
    ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000), ("s", 1_000_000_000),
  ]

  /// Exact to the nanosecond: no floating point takes part.
  static func duration(_ text: String) -> Duration? {
    let trimmed = text.filter { $0 != " " }
    if trimmed == "0" { return .zero }
    for (unit, factor) in units where trimmed.hasSuffix(unit) {
      guard let (number, scale) = decimal(trimmed.dropLast(unit.count)) else { continue }
      let (product, overflow) = number.multipliedReportingOverflow(by: factor)
      return overflow ? nil : .nanoseconds(product / scale)
    }
    return nil
  }

  static func ratio(_ text: String) -> Ratio? {
    let trimmed = text.filter { $0 != " " }
    if trimmed == "0" { return .never }
    let parts = trimmed.split(separator: "/")
    if parts.count == 2, let over = UInt32(parts[0]), let under = UInt32(parts[1]), under > 0, over <= under { return Ratio(over, of: under) }
    guard trimmed.hasSuffix("%"), let (number, scale) = decimal(trimmed.dropLast()), number <= 100 * scale, scale <= 10_000_000 else { return nil }
    return number == 0 ? .never : Ratio(UInt32(number), of: UInt32(scale * 100))
  }

  /// `12.5` as 125 over 10.
  private static func decimal(_ text: Substring) -> (Int64, Int64)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !text.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }), text.count <= 15,
      let number = Int64(parts.joined())
    else { return nil }
    var scale: Int64 = 1
    if parts.count == 2 { for _ in parts[1] { scale *= 10 } }
    return (number, scale)
  }
}

/// Durations as users write them on a command line.
public enum DurationText {
  /// `5 s`, `800 ms`, `1.5 min`; nil for anything else.
  public static func read(_ text: String) -> Duration? { ScalarText.duration(text) }
}
