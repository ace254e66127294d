import Yams

/// A file as a tree that keeps where each part stands: also after includes were merged and the places of a table filled.
struct SourceNode: Sendable {
  struct Entry: Sendable {
    var key: SourceNode
    var value: SourceNode
  }

  indirect enum Content: Sendable {
    case scalar(String)
    case list([SourceNode])
    /// In the order of the file.
    case mapping([Entry])
  }

  var content: Content
  var file: String
  /// From 1.
  var line: Int
  var column: Int
  /// The row of a table that this value came from: `[udp, inactive]`.
  var row: String?
  /// A scalar without quotes, whose type other readers of YAML guess from its text.
  var isPlain = false

  init(_ content: Content, file: String, line: Int, column: Int, row: String? = nil) {
    self.content = content
    self.file = file
    self.line = line
    self.column = column
    self.row = row
  }

  var scalar: String? { if case .scalar(let text) = content { text } else { nil } }
  var list: [SourceNode]? { if case .list(let nodes) = content { nodes } else { nil } }
  var mapping: [Entry]? { if case .mapping(let entries) = content { entries } else { nil } }

  /// The value of a key, in a mapping that has it.
  subscript(key: String) -> SourceNode? { mapping?.first { $0.key.scalar == key }?.value }

  /// The first scalar written here; for the labels of a table's rows.
  var label: String {
    switch content {
    case .scalar(let text): text
    case .list(let nodes): nodes.map(\.label).joined(separator: " ")
    case .mapping(let entries): entries.map { "\($0.key.label) \($0.value.label)" }.joined(separator: " ")
    }
  }

  func problem(_ message: String) -> SourceProblem { SourceProblem(file: file, line: line, column: column, message) }
}

extension SourceNode {
  /// What a file may hold: more is a mistake or an attack by aliases of aliases.
  private static let nodeLimit = 200_000
  private static let depthLimit = 60

  /// Reads YAML.
  static func parse(_ text: String, file: String) throws(SourceProblem) -> SourceNode {
    let node: Node
    do {
      guard let composed = try Yams.compose(yaml: text) else { throw SourceProblem(file: file, "the file is empty") }
      node = composed
    } catch let problem as SourceProblem {
      throw problem
    } catch let error as YamlError {
      throw problem(error, text, file: file)
    } catch {
      throw SourceProblem(file: file, "\(error)")
    }
    var count = 0
    return try convert(node, file: file, depth: 0, &count)
  }

  private static func convert(_ node: Node, file: String, depth: Int, _ count: inout Int) throws(SourceProblem) -> SourceNode {
    let (line, column) = (node.mark?.line ?? 0, node.mark?.column ?? 0)
    count += 1
    guard count <= nodeLimit else {
      throw SourceProblem(file: file, line: line, column: column, "the file has more than \(nodeLimit) values")
    }
    guard depth <= depthLimit else {
      throw SourceProblem(file: file, line: line, column: column, "values are nested more than \(depthLimit) deep")
    }
    if let sequence = node.sequence {
      var nodes: [SourceNode] = []
      for element in sequence { nodes.append(try convert(element, file: file, depth: depth + 1, &count)) }
      return SourceNode(.list(nodes), file: file, line: line, column: column)
    }
    if let mapping = node.mapping {
      var entries: [Entry] = []
      for (key, value) in mapping {
        guard key.scalar != nil else { throw SourceProblem(file: file, line: line, column: column, "a key has to be a word") }
        entries.append(
          Entry(
            key: try convert(key, file: file, depth: depth + 1, &count), value: try convert(value, file: file, depth: depth + 1, &count)))
      }
      return SourceNode(.mapping(entries), file: file, line: line, column: column)
    }
    var scalar = SourceNode(.scalar(node.scalar?.string ?? ""), file: file, line: line, column: column)
    scalar.isPlain = node.scalar?.style == .plain || node.scalar?.style == .any
    return scalar
  }

  private static func problem(_ error: YamlError, _ text: String, file: String) -> SourceProblem {
    switch error {
    case .scanner(_, let what, let mark, _), .parser(_, let what, let mark, _), .composer(_, let what, let mark, _):
      SourceProblem(file: file, line: mark.line, column: mark.column, "this is not YAML: \(what)\(hint(at: mark.line, in: text))")
    case .duplicatedKeysInMapping(let keys, let context):
      DuplicateKey(keys.first.map(\.description) ?? "", line: context.mark.line, column: context.mark.column).problem(text, file: file)
    default: SourceProblem(file: file, "this is not YAML: \(error)")
    }
  }

  /// Between braces `${x}` without quotes ends the mapping: the mistake that tables invite.
  private static func hint(at line: Int, in text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.indices.contains(line - 1), lines[line - 1].contains("${") else { return "" }
    return "; between braces a place of a table needs quotes: \"${…}\""
  }
}
