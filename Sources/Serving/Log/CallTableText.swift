import SansIO

/// The calls that are up or being set up as a table for people.
enum CallTableText {
  static func lines(_ calls: [StatusFile.Call], accounts: [(name: String, up: Int, cap: Int)], time: WallTime) -> [String] {
    let head = ["leg", "direction", "peer", "from", "to", "account", "state", "since", "codec", "sent", "received"]
    let rows = calls.map { call -> [String] in
      let entry = call.entry
      return [
        "\(entry.number)", entry.facts.direction == .incoming ? "in" : "out", "\(entry.facts.peer)", entry.facts.from, entry.facts.to,
        entry.account.isEmpty ? "-" : entry.account, entry.state.rawValue, time.text(entry.since), entry.codec ?? "-", "\(call.sent)",
        "\(call.received)",
      ]
    }
    let table = rows.isEmpty ? ["no calls"] : aligned([head] + rows)
    return table + accounts.map { "account \($0.name): \($0.up) of \($0.cap) calls" }
  }

  private static func aligned(_ rows: [[String]]) -> [String] {
    guard let first = rows.first else { return [] }
    let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).enumerated().map { index, cell in
        index == row.count - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
      }.joined(separator: "  ")
    }
  }
}
