import Impairments
import SansIO

extension Scenario {
  /// The scenario as a file that stands alone, of which some steps are left, and whose links do to each packet what a plan says.
  ///
  /// - Parameters:
  ///   - fates: instead of what links would draw; what is not in them takes the delay.
  ///   - steps: which are left, by their places in ``steps``, ascending.
  ///   - note: lines that stand above it as comments.
  /// - Returns: nil where the file's tree is not known.
  public func written(fates: FatePlan, steps: [Int], note: [String]) -> String? {
    guard let source, let entries = source.mapping else { return nil }
    var lines = note.map { "# \($0)" }
    for entry in entries {
      guard let key = entry.key.scalar, key != "network", key != "proves", key != "defaults" || !entry.value.isEmpty else { continue }
      switch key {
      case "steps":
        lines += networkLines(source["network"], fates)
        lines.append("steps:")
        let written = entry.value.list ?? []
        lines += steps.filter(written.indices.contains).map { "  - \(YAMLText.flow(withoutDraws(written[$0])))" }
      case "cast", "given", "policy":
        lines.append("\(key):")
        lines += (entry.value.mapping ?? []).map { "  \(YAMLText.flow($0.key)): \(YAMLText.flow($0.value))" }
      default: lines.append("\(key): \(YAMLText.flow(entry.value))")
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// NATs as they are, and a link for each direction that has a delay of its own or a fate.
  private func networkLines(_ given: SourceNode?, _ fates: FatePlan) -> [String] {
    var lines = (given?.list ?? []).filter { $0["nat"] != nil }.map { "  - \(YAMLText.flow($0))" }
    var directions: [FatePlan.Direction] = []
    for link in network {
      for (from, to) in link.ends.directions { directions.append(FatePlan.Direction(from: from, to: to)) }
    }
    for direction in fates.directions where !directions.contains(direction) && !fates[direction].isEmpty { directions.append(direction) }
    for direction in directions {
      let link = network.last { $0.ends.directions.contains { $0.from == direction.from && $0.to == direction.to } }
      var words = ["from: \(YAMLText.scalar(direction.from))", "to: \(YAMLText.scalar(direction.to))"]
      words.append("delay: \(Passage(after: (link?.impairment.delay ?? .milliseconds(1)).wholeNanoseconds))")
      let listed = fates[direction].sorted { $0.key < $1.key }.map { "\($0.key): \(YAMLText.scalar($0.value.description))" }
      if !listed.isEmpty { words.append("fates: { \(listed.joined(separator: ", ")) }") }
      lines.append("  - { \(words.joined(separator: ", ")) }")
    }
    return lines.isEmpty ? [] : ["network:"] + lines
  }

  /// A step that impairs a link changes only its delay: what it would draw is in the fates.
  private func withoutDraws(_ step: SourceNode) -> SourceNode {
    guard let entry = step.mapping?.first, entry.key.scalar == ImpairStep.keyword, let keys = entry.value.mapping else { return step }
    var (whole, value) = (step, entry.value)
    value.content = .mapping(keys.filter { ["between", "from", "to", "delay", "delaySteps"].contains($0.key.scalar) })
    whole.content = .mapping([SourceNode.Entry(key: entry.key, value: value)])
    return whole
  }
}

extension SourceNode {
  fileprivate var isEmpty: Bool { mapping?.isEmpty ?? list?.isEmpty ?? scalar?.isEmpty ?? true }
}

/// Trees as YAML in one line.
enum YAMLText {
  static func flow(_ node: SourceNode) -> String {
    switch node.content {
    case .scalar(let text): return scalar(text)
    case .list(let nodes): return nodes.isEmpty ? "[]" : "[\(nodes.map(flow).joined(separator: ", "))]"
    case .mapping(let entries):
      return entries.isEmpty ? "{}" : "{ \(entries.map { "\(flow($0.key)): \(flow($0.value))" }.joined(separator: ", ")) }"
    }
  }

  /// Plain where every reader takes it as it stands, else in double quotes.
  static func scalar(_ text: String) -> String {
    let isPlain = text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false
    if isPlain, text.last != " ", text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || " -_./%".contains($0)) }) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\u{5C}": quoted += "\u{5C}\u{5C}"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 32:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
