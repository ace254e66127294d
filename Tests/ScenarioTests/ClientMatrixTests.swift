import ScenarioEngine
import ScenarioModel
import Testing

/// One cell of what is asked of clients over TLS × what is shown × the version (contract 8.8).
private struct Cell: Hashable {
  /// `off`, `optional`, `required`.
  var use: String
  /// `none`, or the word of a certificate: `right`, `other` (name), `stranger` (authority), `expired`.
  var shown: String
  var version: String

  static let all: [Cell] = ["off", "optional", "required"].flatMap { use in
    ["none", "right", "other", "stranger", "expired"].flatMap { shown in
      ["1.2", "1.3"].map { Cell(use: use, shown: shown, version: $0) }
    }
  }

  /// What has to become of a call: `taken`, or the alert.
  var outcome: String {
    guard use != "off", shown != "right" else { return "taken" }
    switch shown {
    case "none": return use == "optional" ? "taken" : version == "1.2" ? "handshake_failure" : "certificate_required"
    case "other": return "bad_certificate"
    case "stranger": return "unknown_ca"
    default: return "certificate_expired"
    }
  }
}

/// The files `scenarios/policy/matrix-client-*.yaml`.
@Suite struct ClientMatrixTests {
  /// The cell of a row and what the row expects, by the name of its scenario.
  private func row(_ name: String, _ file: String) -> (cell: Cell, outcome: String) {
    let values = name.split(separator: "[").last.map { $0.dropLast().components(separatedBy: ", ") } ?? []
    let isBare = file.hasPrefix("none-")
    let cell = Cell(use: values[0], shown: isBare ? "none" : values[1], version: values[isBare ? 1 : 2])
    return (cell, file.hasSuffix("taken") ? "taken" : values[isBare ? 2 : 3])
  }

  @Test func `each of the 30 cells has one row, which expects what contract 8.8 says of it`() throws {
    var seen: [Cell: String] = [:]
    for file in ["taken", "none-taken", "refused", "none-refused"] {
      let (scenarios, problems) = ScenarioLibrary.load(["\(Place.root)/scenarios/policy/matrix-client-\(file).yaml"])
      try #require(problems.isEmpty && !scenarios.isEmpty)
      for scenario in scenarios {
        let (cell, outcome) = row(scenario.name, file)
        #expect(seen.updateValue(outcome, forKey: cell) == nil, "\(scenario.name) is there twice")
      }
    }
    #expect(seen.count == 30 && Set(Cell.all).count == 30)
    for cell in Cell.all { #expect(seen[cell] == cell.outcome, "\(cell)") }
  }
}
