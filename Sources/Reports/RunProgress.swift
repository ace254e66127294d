import SansIO
import ScenarioModel

/// Where a run stands, as one line for a terminal.
public struct RunProgress: Sendable {
  private let total: Int
  private var done = 0
  /// Those that failed or could not run.
  private var failed = 0
  /// Scenarios under way, the one that has run longest first.
  private var running: [String] = []

  public init(total: Int) { self.total = total }

  public mutating func began(_ name: String) { running.append(name) }

  public mutating func ended(_ result: ScenarioResult) {
    done += 1
    if !result.verdict.isGood { failed += 1 }
    if let index = running.firstIndex(of: result.name) { running.remove(at: index) }
  }

  /// `[ 57/119] 0:03  1 failed  nat/binding-expires and 1 more`, cut to `width` characters.
  public func line(elapsed: Duration, width: Int, style: TextStyle) -> String {
    let count = String(done)
    let padding = String(repeating: " ", count: max(0, String(total).count - count.count))
    let seconds = elapsed.wholeNanoseconds / 1_000_000_000
    let clock = "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"
    let head = "[\(padding)\(count)/\(total)] \(clock)  "
    let failures = failed == 0 ? "" : "\(failed) not passed  "
    let names = running.first.map { "\($0)\(running.count > 1 ? " and \(running.count - 1) more" : "")" } ?? ""
    let room = max(0, width - head.count - failures.count)
    let fitting = names.count <= room ? names : room > 1 ? "\(names.prefix(room - 1))…" : ""
    return head + style.bad(failures) + fitting
  }
}

/// Whether lines have colours.
public enum TextStyle: Sendable, Hashable {
  case plain
  /// ANSI colours (ECMA-48 SGR).
  case coloured

  func good(_ text: String) -> String { paint(text, "32") }
  func bad(_ text: String) -> String { paint(text, "31") }
  func faint(_ text: String) -> String { paint(text, "2") }

  private func paint(_ text: String, _ code: String) -> String {
    switch self {
    case .plain: text
    case .coloured: text.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
  }
}

/// How results are shown where standard output goes.
public struct Terminal: Sendable, Hashable {
  /// One line that is written over and over, instead of a line a scenario.
  public let isLive: Bool
  public let style: TextStyle

  /// A terminal gets a live line and colours; a pipe, a file and CI get plain lines. `NO_COLOR` that is not empty takes the colours away
  /// (no-color.org), `TERM=dumb` both.
  public init(isTerminal: Bool, environment: [String: String]) {
    let canMove = isTerminal && environment["TERM"] != "dumb"
    isLive = canMove && environment["CI"]?.isEmpty != false
    style = canMove && environment["NO_COLOR"]?.isEmpty != false ? .coloured : .plain
  }
}
