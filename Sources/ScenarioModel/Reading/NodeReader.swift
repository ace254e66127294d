import SansIO

/// A place in a YAML file that can be read as one thing or another, and says where it stands when it cannot.
public struct NodeReader: Sendable {
  let node: SourceNode
  /// What this place is called in messages: `cast.pbx.transport`.
  public let path: String

  public var file: String { node.file }
  /// The line it begins on.
  var source: SourcePlace { SourcePlace(file: node.file, line: node.line) }

  init(node: SourceNode, path: String = "") {
    self.node = node
    self.path = path
  }

  /// The root of a file's text.
  public static func root(_ text: String, file: String) throws(SourceProblem) -> NodeReader {
    NodeReader(node: try SourceNode.parse(text, file: file))
  }

  public func problem(_ message: String) -> SourceProblem {
    node.problem((path.isEmpty ? message : "\(path): \(message)") + (node.row.map { " (in row \($0))" } ?? ""))
  }

  func child(_ node: SourceNode, _ name: String) -> NodeReader {
    NodeReader(node: node, path: path.isEmpty ? name : name.hasPrefix("[") ? path + name : "\(path).\(name)")
  }

  // MARK: - Shapes

  public var isMapping: Bool { node.mapping != nil }
  public var isScalar: Bool { node.scalar != nil }
  public var isSequence: Bool { node.list != nil }

  /// The key and value pairs in their order.
  public func pairs() throws(SourceProblem) -> [(key: String, keyPlace: NodeReader, value: NodeReader)] {
    guard let entries = node.mapping else { throw problem("expected keys with values, found \(kind)") }
    for entry in entries where entry.key.scalar?.contains("${") == true {
      throw NodeReader(node: entry.key, path: path).problem("'\(entry.key.scalar ?? "")' is a key: places are filled only in values")
    }
    return entries.map { entry in
      let name = entry.key.scalar ?? ""
      return (name, child(entry.key, name), child(entry.value, name))
    }
  }

  public func elements() throws(SourceProblem) -> [NodeReader] {
    guard let nodes = node.list else { throw problem("expected a list, found \(kind)") }
    return nodes.enumerated().map { child($1, "[\($0 + 1)]") }
  }

  /// A list, or one element that stands for a list of one.
  public func elementsOrOne() throws(SourceProblem) -> [NodeReader] { node.list == nil ? [self] : try elements() }

  var kind: String { node.mapping != nil ? "keys with values" : node.list != nil ? "a list" : "'\(node.scalar ?? "")'" }

  // MARK: - Scalars

  public func text() throws(SourceProblem) -> String {
    let text = try template()
    guard !text.contains("${") else {
      throw problem("'\(text)' has a place that is never filled: places are filled only in the messages of send, reply and request")
    }
    return text
  }

  /// A text whose places are filled while the scenario runs.
  func template() throws(SourceProblem) -> String {
    guard let scalar = node.scalar else { throw problem("expected a word, found \(kind)") }
    return scalar
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
    guard !words.isEmpty else { throw problem("'\(text)' is not known: none is defined") }
    let names = words.map(\.0)
    // A list that nobody would read to its end hides the word that was meant.
    let choice = names.count <= 40 ? names.joined(separator: ", ") : "\(names.count) words that 'kallglot-lab schema --reference' lists"
    throw problem("'\(text)' is not one of \(choice)\(Spelling.hint(for: text, among: names))")
  }

  static let flags: [(String, Bool)] = [("true", true), ("false", false), ("on", true), ("off", false), ("yes", true), ("no", false)]
  public func flag() throws(SourceProblem) -> Bool { try word(Self.flags) }

  public func integer(_ range: ClosedRange<Int>) throws(SourceProblem) -> Int {
    try value("a whole number from \(range.lowerBound) to \(range.upperBound)") { Int($0).flatMap { range.contains($0) ? $0 : nil } }
  }

  /// `2 s`, `30 ms`, `1.5 min`, `0`.
  public func duration() throws(SourceProblem) -> Duration {
    let text = try text()
    if let duration = ScalarText.duration(text) { return duration }
    throw problem("'\(text)' is not a duration such as '2 s' or '30 ms'\(Int(text) == nil ? "" : ", did you mean '\(text) s'?")")
  }

  /// `3 %`, `0.5 %`, `1/64`.
  public func ratio() throws(SourceProblem) -> Ratio { try value("a share such as '3 %' or '1/64'", ScalarText.ratio) }

  /// `192.0.2.20`, or with a port: `192.0.2.20:5080`, `[2001:db8::1]:5080`.
  func memberAddress() throws(SourceProblem) -> (IPAddress, UInt16?) {
    let text = try text()
    if let address = IPAddress(text) { return (address, nil) }
    guard let place = TransportAddress(text), place.port > 0 else { throw problem("'\(text)' is not an IP address, alone or with a port") }
    return (place.address, place.port)
  }

  public func address() throws(SourceProblem) -> IPAddress { try value("an IP address") { IPAddress($0) } }
}
