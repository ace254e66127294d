import Defects

/// What became of one defect.
struct Outcome: Equatable {
  var defect: String
  /// Runs with it, and how many of them had other packets than without.
  var runs = 0
  var changed = 0
  var failed = 0
  /// The first finding of the first failing run says what is wrong.
  var isRight = false
  /// The first run that failed, with its first finding; the first whose finding was right; what `inspect` said.
  var first: String?
  var right: String?
  var named: String?
  /// What `inspect` says of a run that passes.
  var seen: String?

  init(defect: String) { self.defect = defect }

  static func withoutVerdict(_ defect: Defect, _ why: String) -> Outcome {
    var outcome = Outcome(defect: defect.name)
    outcome.first = "no verdict: \(why)"
    return outcome
  }

  var isCaught: Bool { failed > 0 }

  // MARK: - Between processes

  /// Cells between tabs.
  var line: String {
    let texts = [first, right, named, seen].map { text in
      (text ?? "").map { $0.isNewline || $0 == "\t" ? " " : String($0) }.joined()
    }
    return ([defect, "\(runs)", "\(changed)", "\(failed)", "\(isRight)"] + texts).joined(separator: "\t")
  }

  init?(line: Substring) {
    let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    guard cells.count == 9, let runs = Int(cells[1]), let changed = Int(cells[2]), let failed = Int(cells[3]) else { return nil }
    self.init(defect: cells[0])
    (self.runs, self.changed, self.failed, isRight) = (runs, changed, failed, cells[4] == "true")
    func text(_ cell: String) -> String? { cell.isEmpty ? nil : cell }
    (first, right, named, seen) = (text(cells[5]), text(cells[6]), text(cells[7]), text(cells[8]))
  }

  /// For people.
  var text: String {
    let look = seen.map { "; inspect sees it: \($0)" } ?? ""
    guard isCaught else { return "\(padded)  never caught, \(changed) of \(runs) differ\(first.map { ": \($0)" } ?? "")\(look)" }
    let reason = isRight ? "right" : right == nil ? "wrong" : "right, not first"
    return "\(padded)  \(failed) of \(runs) failed, \(reason)\(named == nil ? "" : ", named by inspect"): \(first?.prefix(220) ?? "")"
  }

  private var padded: String { defect + String(repeating: " ", count: max(0, 40 - defect.count)) }
}

/// All of them.
struct PlantedTable {
  private let outcomes: [Outcome]

  init(_ outcomes: [Outcome]) { self.outcomes = outcomes }

  var lines: [String] {
    var lines = outcomes.map(\.text)
    lines += ["", "What cannot be planted from outside, because both ends share it, is met by pinned vectors:"]
    lines += Vectors.all.map { "  \($0.what): \($0.test)" }
    let missed = outcomes.filter { !$0.isCaught }.map(\.defect)
    lines += ["", missed.isEmpty ? "Everything is caught." : "Never caught: \(missed.joined(separator: ", "))"]
    let wrong = outcomes.filter { $0.isCaught && $0.right == nil }.map(\.defect)
    lines += wrong.isEmpty ? [] : ["", "Caught for another reason alone: \(wrong.joined(separator: ", "))"]
    lines += ["", "In the first run that fails, in the order of the library, the reason is right for \(percent { $0.isRight }) %."]
    return lines + ["", summary]
  }

  /// `planted: 114 defects, 96 % caught, 88 % with the right reason, 40 % named by inspect`
  ///
  /// A reason is right where the first finding of a failing run, of any of them, says what stands beside the defect.
  var summary: String {
    let caught = percent { $0.isCaught }, right = percent { $0.right != nil }, named = percent { $0.named != nil }
    return "planted: \(outcomes.count) defects, \(caught) % caught, \(right) % with the right reason, \(named) % named by inspect"
  }

  /// Rounded down: nobody is to think that a goal was reached that was not.
  private func percent(_ isMeant: (Outcome) -> Bool) -> Int {
    outcomes.isEmpty ? 0 : outcomes.count(where: isMeant) * 100 / outcomes.count
  }
}
