import SansIO
import WireReader

extension InspectionReport {
  func findingLines(_ style: Style) -> [String] {
    let shown = shownFindings(style)
    let notes = shown.filter { $0.severity == .note }
    let wrong = shown.filter { $0.severity != .note }
    var lines = [""] + (wrong.isEmpty ? TextWrap.wrap(allClear(style), first: "", rest: "", style.width) : ["What is wrong"])
    lines += wrong.flatMap { Self.lines($0, style.width) }
    if !notes.isEmpty { lines += ["", "Worth knowing"] + notes.flatMap { Self.lines($0, style.width) } }
    if findingsLeftOut > 0 { lines.append("  and \(CountText.grouped(findingsLeftOut)) more") }
    return lines
  }

  /// Where no finding is worse than a note: what that is worth.
  private func allClear(_ style: Style) -> String {
    if let sentence = verdict(style).sentence { return "\(sentence.prefix(1).uppercased())\(sentence.dropFirst())." }
    guard !hiddenWords.isEmpty else { return "Nothing is wrong as far as this capture shows." }
    return "Nothing is wrong in what could be read: \(hiddenWords.joined(separator: "; "))."
  }

  private static func lines(_ finding: InspectionFinding, _ width: Int) -> [String] {
    let mark = Words.left(finding.severity.rawValue, 8)
    let prefix = "  \(mark) #\(Words.left(String(finding.frame), 6)) "
    return TextWrap.wrap(finding.sentence, first: prefix, rest: String(repeating: " ", count: prefix.count), width)
  }

  /// Of a scenario's capture, for its report: the errors and warnings, at most so many lines, and how many there are beside them.
  public func accusations(atMost count: Int) -> [String] {
    let wrong = findings.filter { $0.severity != .note }
    let more = wrong.count + findingsLeftOut - count
    return wrong.prefix(count).map { "\($0.severity.rawValue) #\($0.frame) \(Words.printable($0.sentence))" }
      + (more > 0 ? ["and \(CountText.grouped(more)) more"] : [])
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
