/// The rows of a `table:`, each of which makes a scenario of its file.
///
/// Two forms: a list of rows, each with all columns (`[{ transport: udp, hold: sendonly }, …]`), or columns with their values, whose every
/// combination is a row, the first column changing slowest (`{ transport: [udp, tcp], hold: [sendonly, inactive] }`).
struct Table {
  private static let rowLimit = 5_000

  struct Row {
    /// By column.
    var values: [String: SourceNode]
    /// `[udp, inactive]`.
    var label: String
  }

  /// In the order of the file, with where they were named first.
  private(set) var columns: [(name: String, place: SourceNode)] = []
  private(set) var rows: [Row] = []

  init(_ node: SourceNode) throws(SourceProblem) {
    if let list = node.list {
      try takeRows(list)
    } else if let mapping = node.mapping {
      try takeColumns(mapping, node)
    } else {
      throw node.problem("table: expected a list of rows, or columns with their values")
    }
    guard !rows.isEmpty else { throw node.problem("table: it has no row") }
    var labels: Set<String> = []
    for (index, row) in rows.enumerated() where !labels.insert(row.label).inserted {
      throw (node.list?[index] ?? node).problem("table: two rows are \(row.label)")
    }
  }

  private mutating func takeRows(_ list: [SourceNode]) throws(SourceProblem) {
    for node in list {
      guard let entries = node.mapping, !entries.isEmpty else { throw node.problem("table: a row is columns with their values") }
      if columns.isEmpty { columns = entries.map { ($0.key.scalar ?? "", $0.key) } }
      for entry in entries where !columns.contains(where: { $0.name == entry.key.scalar }) {
        let name = entry.key.scalar ?? ""
        let names = columns.map(\.name)
        throw entry.key.problem(
          "table: the first row has no column '\(name)'\(Spelling.hint(for: name, among: names)) It has: \(names.joined(separator: ", "))")
      }
      var values: [SourceNode] = []
      for column in columns {
        guard let value = node[column.name] else { throw node.problem("table: the column '\(column.name)' is missing in this row") }
        values.append(value)
      }
      try add(values, node)
    }
  }

  private mutating func takeColumns(_ entries: [SourceNode.Entry], _ node: SourceNode) throws(SourceProblem) {
    columns = entries.map { ($0.key.scalar ?? "", $0.key) }
    var combinations: [[SourceNode]] = [[]]
    for entry in entries {
      guard let values = entry.value.list, !values.isEmpty else {
        throw entry.value.problem("table: the column '\(entry.key.label)' needs a list of values")
      }
      guard combinations.count * values.count <= Self.rowLimit else { throw node.problem("table: it has more than \(Self.rowLimit) rows") }
      combinations = combinations.flatMap { row in values.map { row + [$0] } }
    }
    for values in combinations { try add(values, node) }
  }

  private mutating func add(_ values: [SourceNode], _ node: SourceNode) throws(SourceProblem) {
    for value in values where value.mapping != nil || value.list?.contains(where: { $0.scalar == nil }) == true {
      throw value.problem("table: a value is a word or a list of words")
    }
    guard rows.count < Self.rowLimit else { throw node.problem("table: it has more than \(Self.rowLimit) rows") }
    let pairs = zip(columns, values).map { ($0.0.name, $0.1) }
    rows.append(
      Row(values: Dictionary(pairs, uniquingKeysWith: { first, _ in first }), label: "[\(values.map(\.label).joined(separator: ", "))]"))
  }
}

/// Fills the places `${column}` of a tree.
struct TableFiller {
  /// nil = the file has no table.
  let row: Table.Row?
  let columns: [String]
  private(set) var used: Set<String> = []
  private(set) var problems: [SourceProblem] = []

  init(row: Table.Row?, columns: [String]) {
    self.row = row
    self.columns = columns
  }

  mutating func fill(_ node: SourceNode) -> SourceNode {
    var node = node
    switch node.content {
    case .list(let nodes): node.content = .list(nodes.map { fill($0) })
    case .mapping(let entries): node.content = .mapping(entries.map { SourceNode.Entry(key: $0.key, value: fill($0.value)) })
    case .scalar(let text): if text.contains("${") { fill(text, &node) }
    }
    return node
  }

  private mutating func fill(_ text: String, _ node: inout SourceNode) {
    var result = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "${") {
      result += rest[..<start.lowerBound]
      let after = rest[start.upperBound...]
      guard let end = after.firstIndex(of: "}") else { break }
      let name = String(after[..<end])
      rest = after[after.index(after: end)...]
      // A name with a dot is a place that is filled while the scenario runs.
      guard !name.contains(".") else {
        result += "${\(name)}"
        continue
      }
      guard let value = value(name, node) else { continue }
      node.row = row?.label
      if case .scalar(let text) = value.content { result += text; continue }
      guard text == "${\(name)}" else {
        problems.append(node.problem("the column '\(name)' holds \(NodeReader(node: value).kind): that can only be a whole value"))
        continue
      }
      node.content = marked(value).content
      return
    }
    node.content = .scalar(result + rest)
  }

  private mutating func value(_ name: String, _ node: SourceNode) -> SourceNode? {
    used.insert(name)
    if let value = row?.values[name] { return value }
    let known = row == nil ? "This file has no table" : "The table has: \(columns.joined(separator: ", "))"
    let hint = Spelling.hint(for: name, among: columns)
    problems.append(node.problem("'${\(name)}' is not a column\(hint.isEmpty ? "." : hint) \(known)"))
    return nil
  }

  /// A value of the table with the row's name on all that it holds.
  private func marked(_ node: SourceNode) -> SourceNode {
    var node = node
    node.row = row?.label
    switch node.content {
    case .list(let nodes): node.content = .list(nodes.map(marked))
    case .mapping(let entries): node.content = .mapping(entries.map { SourceNode.Entry(key: $0.key, value: marked($0.value)) })
    case .scalar: break
    }
    return node
  }
}
