import SansIO
import ScenarioModel

/// What a job of GitHub Actions shows of a run: annotations at the lines of files, and a summary as Markdown.
public struct GitHubReport: Sendable {
  /// Rows of the summary's table; a step's summary may have 1 MiB, and nobody reads so many.
  private static let mostRows = 100

  /// Folders that a path is relative to, without a `/` at their end: the first that holds it counts.
  private let bases: [String]
  private let workingDirectory: String

  /// - Parameters:
  ///   - workingDirectory: absolute; what relative paths of scenarios begin at.
  ///   - workspace: `GITHUB_WORKSPACE`, the repository's folder, which GitHub takes paths from.
  public init(workingDirectory: String, workspace: String? = nil) {
    func bare(_ path: String) -> String { path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }
    self.workingDirectory = bare(workingDirectory)
    bases = [workspace, workingDirectory].compactMap(\.self).filter { $0.hasPrefix("/") }.map(bare)
  }

  // MARK: - Annotations

  /// One error command a finding (GitHub: workflow commands for GitHub Actions, *setting an error message*), or one for each line that says
  /// why the scenario could not run; none when it passed.
  public func annotations(_ result: ScenarioResult) -> [String] {
    guard !result.verdict.isGood else { return [] }
    let seeds = result.sweep.map { "\(TextReport.sweep($0)). " } ?? ""
    let replay = "\nreplay: \(result.replayCommand)"
    guard !result.findings.isEmpty else {
      return problems(result).map { command($0.place, title: result.name, "\(seeds)\(result.verdict.rawValue): \($0.text)\(replay)") }
    }
    return result.findings.map { finding in
      let message = result.message(of: finding).map { "\nmessage: \($0)" } ?? ""
      let text = "\(seeds)expected \(finding.expected), observed \(finding.observed)\(message)\(replay)"
      return command(place(finding, result), title: "\(result.name): \(finding.rule)", text)
    }
  }

  private func place(_ finding: Finding, _ result: ScenarioResult) -> SourcePlace {
    finding.place ?? SourcePlace(file: result.file, line: 1)
  }

  /// Why a scenario could not run, at the place that it names: `x.yaml:3:1: unknown key 'sumary'`.
  private func problems(_ result: ScenarioResult) -> [(place: SourcePlace, text: String)] {
    let lines = (result.reason ?? "no finding says why").split(whereSeparator: \.isNewline).map(String.init)
    return lines.map { line in
      guard let match = line.firstMatch(of: #/^(.+?):([0-9]+):[0-9]+: /#), let number = Int(match.2) else {
        return (SourcePlace(file: result.file, line: 1), line)
      }
      return (SourcePlace(file: String(match.1), line: number), String(line[match.range.upperBound...]))
    }
  }

  private func command(_ place: SourcePlace, title: String, _ text: String) -> String {
    let properties = [("file", path(place.file)), ("line", "\(place.line)"), ("title", title)]
    return "::error \(properties.map { "\($0.0)=\(Self.property($0.1))" }.joined(separator: ","))::\(Self.data(text))"
  }

  /// A command's text on one line (actions/toolkit, `escapeData`); control characters that a log could act on become `?`.
  static func data(_ text: String) -> String { escaped(text, "%\r\n".unicodeScalars) }

  /// A command's property (actions/toolkit, `escapeProperty`).
  static func property(_ text: String) -> String { escaped(text, "%\r\n:,".unicodeScalars) }

  /// By scalars: CR LF is one character of a string.
  private static func escaped(_ text: String, _ special: String.UnicodeScalarView) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if special.contains(scalar) {
        let hex = String(scalar.value, radix: 16, uppercase: true)
        result += "%" + (hex.count == 1 ? "0" : "") + hex
      } else {
        result.unicodeScalars.append(scalar.value < 32 || (127...159).contains(scalar.value) ? "?" : scalar)
      }
    }
    return result
  }

  /// As GitHub finds it: relative to the repository, or else to the working directory.
  func path(_ file: String) -> String {
    let plain = file.hasPrefix("./") ? String(file.dropFirst(2)) : file
    let absolute = plain.hasPrefix("/") ? plain : "\(workingDirectory == "/" ? "" : workingDirectory)/\(plain)"
    for base in bases where absolute.hasPrefix("\(base)/") { return String(absolute.dropFirst(base.count + 1)) }
    return plain
  }

  // MARK: - Summary

  /// Markdown for `GITHUB_STEP_SUMMARY`: what did not pass and how to see it again, then the counts.
  public func summary(_ run: RunRecord) -> String {
    let bad = run.results.filter { !$0.verdict.isGood }
    let rows = bad.flatMap(rows)
    var lines = ["### Kallglot Lab: \(Self.verdict(run))", ""]
    if !rows.isEmpty {
      lines += ["| Scenario | Where | Rule | Observed | Seed | Replay |", "| --- | --- | --- | --- | --- | --- |"]
      lines += rows.prefix(Self.mostRows)
      lines.append("")
      if rows.count > Self.mostRows { lines += ["… and \(CountText.of(rows.count - Self.mostRows, "more finding")).", ""] }
    }
    lines += Summary.ending(run).map(Self.cell)
    return lines.joined(separator: "\n") + "\n\n"
  }

  private static func verdict(_ run: RunRecord) -> String {
    switch RunOutcome(run) {
    case .passed: "passed"
    case .failed: "failed"
    case .badInput: "nothing ran"
    case .couldNotRun: "something could not run"
    case .interrupted: "interrupted"
    }
  }

  private func rows(_ result: ScenarioResult) -> [String] {
    let seed =
      result.sweep.map { "\(result.seed); \(CountText.grouped($0.passed)) of \(CountText.grouped($0.ran)) pass" } ?? "\(result.seed)"
    func row(_ place: SourcePlace, _ rule: String, _ observed: String) -> String {
      let cells =
        [result.name, "\(path(place.file)):\(place.line)", rule, observed, seed].map(Self.cell) + [Self.code(result.replayCommand)]
      return "| \(cells.joined(separator: " | ")) |"
    }
    guard !result.findings.isEmpty else {
      return problems(result).map { row($0.place, result.verdict.rawValue, $0.text) }
    }
    return result.findings.map { row(place($0, result), $0.rule, $0.observed) }
  }

  /// Text in a cell of a table: nothing in it is Markdown or HTML (GitHub Flavored Markdown §6.1, §4.10).
  static func cell(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "~", "#", "@": result += "\\" + String(scalar)
      case "\r", "\n": result += " "
      case "\u{0}"..<" ", "\u{7F}"..."\u{9F}": result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Text as code in a cell: a `|` ends the cell even there, unless it is escaped.
  static func code(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ").replacing("|", with: "\\|")
    return line.contains("`") ? "`` \(line) ``" : "`\(line)`"
  }
}
