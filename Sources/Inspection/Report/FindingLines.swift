import SansIO
import WireReader

extension InspectionReport {
  func findingLines(_ style: Style) -> [String] {
    let groups = FindingGroup.of(shownFindings(style))
    let notes = groups.filter { $0.severity == .note }
    let wrong = groups.filter { $0.severity != .note }
    var lines = [""] + (wrong.isEmpty ? TextWrap.wrap(allClear(style), first: "", rest: "", style.width) : ["What is wrong"])
    lines += wrong.flatMap { $0.lines(style.width) }
    if !notes.isEmpty { lines += ["", "Worth knowing"] + notes.flatMap { $0.lines(style.width) } }
    if findingsLeftOut > 0 { lines.append("  and \(CountText.grouped(findingsLeftOut)) more") }
    return lines
  }

  /// Where no finding is worse than a note: what that is worth.
  private func allClear(_ style: Style) -> String {
    if let sentence = verdict(style).sentence { return "\(sentence.prefix(1).uppercased())\(sentence.dropFirst())." }
    guard !hiddenWords.isEmpty else { return "Nothing is wrong as far as this capture shows." }
    return "Nothing is wrong in what could be read: \(hiddenWords.joined(separator: "; "))."
  }

  /// Of a scenario's capture, for its report: the errors and warnings that follow from no other, at most so many lines, and how many
  /// there are beside them.
  public func accusations(atMost count: Int) -> [String] {
    let wrong = findings.filter { $0.severity != .note && $0.cause == nil }
    let more = wrong.count + findingsLeftOut - count
    return wrong.prefix(count).map { "\($0.severity.rawValue) #\($0.frame) \(Words.printable($0.sentence))" }
      + (more > 0 ? ["and \(CountText.grouped(more)) more"] : [])
  }
}

/// A finding with what follows from it.
private struct FindingGroup {
  let first: InspectionFinding
  private(set) var symptoms: [InspectionFinding] = []
  var severity: InspectionFinding.Severity { first.severity }

  /// - Parameter findings: what follows from a finding stands behind it; a filter may have left its cause out.
  static func of(_ findings: [InspectionFinding]) -> [FindingGroup] {
    var groups: [FindingGroup] = []
    for finding in findings {
      if let last = groups.indices.last, finding.cause.map(groups[last].has) ?? false {
        groups[last].symptoms.append(finding)
      } else {
        groups.append(FindingGroup(first: finding))
      }
    }
    return groups
  }

  private func has(_ cause: InspectionFinding.Cause) -> Bool {
    (CollectionOfOne(first) + symptoms).contains { $0.check == cause.check && $0.frame == cause.frame }
  }

  func lines(_ width: Int) -> [String] {
    let base = first.cause?.level ?? 0
    return Self.lines(first, 0, width) + symptoms.flatMap { Self.lines($0, max(($0.cause?.level ?? 0) - base, 1), width) }
  }

  private static func lines(_ finding: InspectionFinding, _ level: Int, _ width: Int) -> [String] {
    let mark = Words.left(finding.severity.rawValue, 8)
    let indent = String(repeating: " ", count: 2 * min(level, 8))
    let prefix = "  \(mark) #\(Words.left(String(finding.frame), 6)) \(indent)\(level > 0 ? "└ " : "")"
    return TextWrap.wrap(finding.sentence, first: prefix, rest: String(repeating: " ", count: prefix.count), width)
  }
}

extension InspectionFinding {
  /// `"51 × INVITE has no Max-Forwards (RFC 3261 §8.1.1.6): #12, #48, #90 …"`.
  public var sentence: String {
    let section = rule.isEmpty ? "" : " (\(rule))"
    guard count > 1 else { return text + section }
    let numbers = numbersVary ? ", numbers as in #\(frame)" : ""
    let places = frames.prefix(3).map { "#\($0)" }.joined(separator: ", ") + (count > min(frames.count, 3) ? " …" : "")
    return "\(CountText.grouped(count)) × \(text)\(numbers)\(section): \(places)"
  }
}

/// Breaks lines at spaces.
enum TextWrap {
  static func wrap(_ text: String, first: String, rest: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in text.split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = rest
        isEmpty = true
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    return lines + [line]
  }
}
