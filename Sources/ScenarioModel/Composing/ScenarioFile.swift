/// A scenario file as it was read: the scenarios it makes, every mistake in it, and what is odd about it.
public struct ScenarioFile: Sendable {
  public var file: String
  /// Reads what steps play.
  private var loader = SourceLoader.none
  /// One, or one for each row of the file's table. Only rows without a mistake are here.
  public var scenarios: [Scenario] = []
  /// In the order of their places; those of included files after those of the file itself.
  public var problems: [SourceProblem] = []
  /// Elements of `proves` that refer to nothing. Such a file runs; `lint` refuses it.
  public var references: [SourceProblem] = []
  /// What is given and never used, in the order of the file.
  public var warnings: [SourceProblem] = []

  /// What a run of the file has to report: its scenarios, or one that stands for all of them when the file has a mistake.
  public var runnable: [Scenario] { problems.isEmpty ? scenarios : [.unreadable(file, problems)] }

  public init(file: String, problems: [SourceProblem] = []) { (self.file, self.problems) = (file, problems) }

  /// A file whose name begins with `_` is for inclusion only, not a scenario.
  public static func isLibrary(_ path: String) -> Bool { path.split(separator: "/").last?.hasPrefix("_") == true }

  /// Reads a file's text; never throws, so that all mistakes can be told at once.
  ///
  /// - Parameters:
  ///   - file: its path, for messages and for what includes are relative to.
  ///   - name: what results call it; nil = the last folder and the name without suffix.
  ///   - loader: gives the text of the files it includes.
  public static func read(_ text: String, file: String, name: String? = nil, loader: SourceLoader = .none) -> ScenarioFile {
    var result = ScenarioFile(file: file)
    result.loader = loader
    do throws(SourceProblem) {
      var composer = Composer(loader)
      var root = try composer.compose(text, file: file)
      guard let entries = root.mapping, let index = entries.firstIndex(where: { $0.key.scalar == "table" }) else {
        result.take(root, name ?? defaultName(file), row: nil, columns: [])
        return result.sorted()
      }
      let table = try Table(entries[index].value)
      root.content = .mapping(entries.enumerated().filter { $0.offset != index }.map(\.element))
      result.take(root, name ?? defaultName(file), table)
    } catch {
      result.problems.append(error)
    }
    return result.sorted()
  }

  /// Reads a file that is only included: what can be wrong with it alone.
  public static func readLibrary(_ text: String, file: String, loader: SourceLoader) -> ScenarioFile {
    var result = ScenarioFile(file: file)
    do throws(SourceProblem) {
      var composer = Composer(loader)
      let root = NodeReader(node: try composer.compose(text, file: file))
      _ = try root.fields(ScenarioKeys.shape, .empty)
    } catch {
      result.problems.append(error)
    }
    return result
  }

  static func defaultName(_ file: String) -> String {
    let parts = file.split(separator: "/").suffix(2).map(String.init)
    return parts.joined(separator: "/").replacing(".yaml", with: "").replacing(".yml", with: "")
  }

  private mutating func take(_ root: SourceNode, _ name: String, _ table: Table) {
    let columns = table.columns.map(\.name)
    var used: Set<String> = []
    var oddities: [[SourceProblem]] = []
    for row in table.rows {
      used.formUnion(take(root, "\(name)\(row.label)", row: row, columns: columns))
      oddities.append(warnings)
      warnings = []
    }
    // Odd is what no row needs.
    warnings = (oddities.first ?? []).filter { oddity in oddities.allSatisfy { $0.contains(oddity) } }
    for column in table.columns where !used.contains(column.name) {
      problems.append(column.place.problem("table: no value of this file has '${\(column.name)}'"))
    }
  }

  /// - Returns: the columns that the file's places name.
  @discardableResult
  private mutating func take(_ root: SourceNode, _ name: String, row: Table.Row?, columns: [String]) -> Set<String> {
    var filler = TableFiller(row: row, columns: columns)
    let filled = filler.fill(root)
    guard filler.problems.isEmpty else {
      add(filler.problems)
      return filler.used
    }
    let notes = ReadingNotes()
    notes.loader = loader
    if let scenario = Scenario.read(NodeReader(node: filled), file: file, name: name, notes: notes) { scenarios.append(scenario) }
    add(notes.problems)
    if notes.problems.isEmpty { add(notes.unusedDefaults.filter { $0.file == file }) }
    for problem in notes.references where !references.contains(problem) { references.append(problem) }
    // What an included file gives is there for all who include it.
    warnings = notes.problems.isEmpty ? (notes.warnings + notes.unused).filter { $0.file == file } : []
    return filler.used
  }

  /// A mistake that all rows share is told once.
  private mutating func add(_ more: [SourceProblem]) { for problem in more where !problems.contains(problem) { problems.append(problem) } }

  private func sorted() -> ScenarioFile {
    var result = self
    let main = file
    result.problems = problems.enumerated().sorted { left, right in
      let (first, second) = (left.element, right.element)
      let (a, b) = (first.file == main ? "" : first.file, second.file == main ? "" : second.file)
      return (a, first.line, first.column, left.offset) < (b, second.line, second.column, right.offset)
    }.map(\.element)
    return result
  }
}
