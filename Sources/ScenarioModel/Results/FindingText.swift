import SansIO

extension ScenarioResult {
  /// The findings as people read them, each beginning with `file:line`, then once how to see them again:
  ///
  /// ```
  ///   x/wrong-password.yaml:17  expect leg is refused with 401 within 2.0 seconds
  ///     rule      RFC 3261 §13.2.2, contract 8.1
  ///     observed  refused with 403 Forbidden
  ///     because   policy step 5, authentication: response does not match the password
  ///     message   pbx#5 received at 0.004 s: 403 Forbidden to INVITE (out/x/wrong-password/pbx.pcapng)
  ///     replay    kallglot-lab run x/wrong-password.yaml --seed 1 --out out
  /// ```
  /// `expected` stands there where the step does not say it itself, and `inspect` behind them where captures were written that have
  /// errors or warnings.
  public var findingLines: [String] {
    guard !findings.isEmpty || !verdict.isGood else { return [] }
    let inspected = inspected.enumerated().map { FindingText.field($0.offset == 0 ? "inspect" : "", $0.element) }
    return findings.flatMap(lines) + [FindingText.field("replay", replayCommand)] + inspected
  }

  private func lines(_ finding: Finding) -> [String] {
    let place = finding.place.map(\.description) ?? file
    let title = finding.step.isEmpty ? "no peer breaks a rule" : finding.step
    var lines = ["  \(FindingText.printable(place))  \(FindingText.printable(title))", FindingText.field("rule", finding.rule)]
    if !title.contains(finding.expected) { lines.append(FindingText.field("expected", finding.expected)) }
    lines.append(FindingText.field("observed", finding.observed))
    for (index, cause) in finding.because.enumerated() { lines.append(FindingText.field(index == 0 ? "because" : "", cause.description)) }
    if let message = message(of: finding) { lines.append(FindingText.field("message", message)) }
    return lines
  }

  /// `pbx#5 received at 0.004 s: 403 Forbidden to INVITE (out/x/pbx.pcapng)`; nil when a finding rests on no frame.
  public func message(of finding: Finding) -> String? {
    guard let evidence = finding.evidence else { return nil }
    let file = capture(of: evidence).map { " (\($0))" } ?? ""
    guard let exhibit = finding.exhibit else { return "\(citation(evidence))\(file)" }
    return "\(citation(evidence)) \(exhibit.direction.rawValue) at \(exhibit.at) s: \(exhibit.text)\(file)"
  }
}

/// Lines of a finding.
enum FindingText {
  static func field(_ name: String, _ value: String) -> String {
    "    \(name)\(String(repeating: " ", count: max(1, 10 - name.count)))\(printable(value))"
  }

  /// One line of printable text: what a peer wrote must not move a terminal's cursor.
  static func printable(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 32 || (127...159).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
      result.unicodeScalars.append(isControl ? "?" : scalar)
    }
    return result
  }
}
