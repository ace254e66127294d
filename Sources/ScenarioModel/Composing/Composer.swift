/// Puts a file and those it includes together into one tree, each part of which still knows where it stands.
///
/// The rules, all of them:
/// - `include:` at the top: the other file's keys stand *under* this one's. Mappings are joined key by key at every depth, and what this
///   file says wins; the lists `network` and `never` are appended to those of the other file; everything else is replaced.
///   Of several files the later one stands over the earlier one. `summary`, `proves`, `steps` and `table` of the other file are left out.
/// - `- include: FILE` as a step: the steps of the other file stand in its place.
/// - Paths are relative to the file that names them. A file that comes to include itself is a mistake.
struct Composer {
  private static let depthLimit = 16
  private static let fileLimit = 500
  /// Lists that are appended instead of replaced.
  private static let appended: Set<String> = ["network", "never"]

  let loader: SourceLoader
  private var opened = 0

  init(_ loader: SourceLoader) { self.loader = loader }

  mutating func compose(_ text: String, file: String) throws(SourceProblem) -> SourceNode {
    try resolve(try SourceNode.parse(text, file: file), chain: [SourcePath.resolve(file, in: "")])
  }

  private mutating func resolve(_ root: SourceNode, chain: [String]) throws(SourceProblem) -> SourceNode {
    guard let entries = root.mapping else { return root }
    var own: [SourceNode.Entry] = []
    for var entry in entries where entry.key.scalar != "include" {
      if entry.key.scalar == "steps", let steps = entry.value.list {
        entry.value.content = .list(try resolveSteps(steps, chain: chain))
      }
      if entry.key.scalar == "network", let elements = entry.value.list {
        var own: [SourceNode] = []
        for element in elements { own.append(try withPattern(element)) }
        entry.value.content = .list(own)
      }
      own.append(entry)
    }
    var base = root
    base.content = .mapping([])
    for path in paths(root["include"]) {
      let (other, file) = try open(path, chain: chain)
      if let table = other.mapping?.first(where: { $0.key.scalar == "table" }) {
        throw table.key.problem("a table belongs in a scenario, not in an included file")
      }
      let kept = (other.mapping ?? []).filter { ScenarioKeys.included.contains($0.key.scalar ?? "") }
      try checkKeys(of: other, file: file)
      base = merge(base, SourceNode(.mapping(kept), file: root.file, line: root.line, column: root.column), isTop: true)
    }
    return merge(base, SourceNode(.mapping(own), file: root.file, line: root.line, column: root.column), isTop: true)
  }

  /// A key of an included file that is left out by misspelling would never be missed.
  private func checkKeys(of root: SourceNode, file: String) throws(SourceProblem) {
    let reader = NodeReader(node: root)
    guard root.mapping != nil else { throw reader.problem("expected keys with values, found \(reader.kind)") }
    _ = try reader.fields(ScenarioKeys.shape, .empty)
  }

  private mutating func resolveSteps(_ steps: [SourceNode], chain: [String]) throws(SourceProblem) -> [SourceNode] {
    var result: [SourceNode] = []
    for step in steps {
      guard let entries = step.mapping, entries.count == 1, entries[0].key.scalar == IncludeStep.keyword else {
        result.append(try withPatternOfImpairment(step))
        continue
      }
      for path in paths(entries[0].value) {
        let (other, file) = try open(path, chain: chain)
        guard let inner = other["steps"]?.list else { throw path.problem("\(file) has no steps to include") }
        result += inner
      }
    }
    return result
  }

  private mutating func withPatternOfImpairment(_ step: SourceNode) throws(SourceProblem) -> SourceNode {
    guard var entries = step.mapping, entries.count == 1, entries[0].key.scalar == ImpairStep.keyword else { return step }
    entries[0].value = try withPattern(entries[0].value)
    var whole = step
    whole.content = .mapping(entries)
    return whole
  }

  /// The text of a link's pattern stands in place of its path, with places in that file.
  private mutating func withPattern(_ link: SourceNode) throws(SourceProblem) -> SourceNode {
    guard var entries = link.mapping, let index = entries.firstIndex(where: { $0.key.scalar == "pattern" }),
      let path = entries[index].value.scalar
    else { return link }
    let place = entries[index].value
    let file = SourcePath.resolve(path, in: place.file)
    do throws(SourceProblem) {
      entries[index].value = SourceNode(.scalar(try loader.text(file)), file: file, line: 1, column: 1)
    } catch { throw place.problem("pattern: \(file): \(error.message)") }
    var whole = link
    whole.content = .mapping(entries)
    return whole
  }

  private func paths(_ node: SourceNode?) -> [SourceNode] { node.map { $0.list ?? [$0] } ?? [] }

  private mutating func open(_ path: SourceNode, chain: [String]) throws(SourceProblem) -> (SourceNode, file: String) {
    guard let text = path.scalar, !text.isEmpty else {
      throw path.problem("include: expected the path of a file, found \(NodeReader(node: path).kind)")
    }
    let file = SourcePath.resolve(text, in: path.file)
    if chain.contains(file) { throw path.problem("include: \(file) includes itself: \((chain + [file]).joined(separator: " → "))") }
    opened += 1
    guard chain.count < Self.depthLimit, opened <= Self.fileLimit else { throw path.problem("include: too many files include each other") }
    let content: String
    do { content = try loader.text(file) } catch { throw path.problem("include: \(file): \(error.message)") }
    return (try resolve(try SourceNode.parse(content, file: file), chain: chain + [file]), file)
  }

  private func merge(_ under: SourceNode, _ over: SourceNode, isTop: Bool = false) -> SourceNode {
    guard var entries = under.mapping, let own = over.mapping else { return over }
    for entry in own {
      guard let index = entries.firstIndex(where: { $0.key.scalar == entry.key.scalar }) else {
        entries.append(entry)
        continue
      }
      if isTop, let name = entry.key.scalar, Self.appended.contains(name), let first = entries[index].value.list,
        let second = entry.value.list
      {
        entries[index].value.content = .list(first + second)
      } else {
        entries[index] = SourceNode.Entry(key: entry.key, value: merge(entries[index].value, entry.value))
      }
    }
    var merged = over
    merged.content = .mapping(entries)
    return merged
  }
}
