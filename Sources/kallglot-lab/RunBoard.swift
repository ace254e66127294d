import Foundation
import Reports
import ScenarioModel
import Synchronization

/// How a run is shown.
struct RunView: Sendable {
  let terminal: Terminal
  /// Only what did not pass, and the last lines.
  let isQuiet: Bool
  let github: GitHubRun?

  var isLive: Bool { terminal.isLive && !isQuiet }

  func isShown(_ result: ScenarioResult) -> Bool { !result.verdict.isGood || !terminal.isLive && !isQuiet }

  func lines(_ result: ScenarioResult) -> [String] {
    TextReport.lines(result, style: terminal.style) + (github?.report.annotations(result) ?? [])
  }

  func lastLines(_ record: RunRecord) -> [String] {
    isQuiet ? Summary.ending(record, terminal.style) : Summary.lines(record, style: terminal.style)
  }
}

extension Terminal {
  /// Columns of the terminal that standard output is; nil when it is none.
  static var width: Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  static var ofStandardOutput: Terminal {
    Terminal(isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
  }
}

/// Collects results from several threads and shows them: a line a scenario in the order of the files, or on a terminal one live line and
/// only what did not pass.
final class RunBoard: Sendable {
  private struct State {
    var tallies: [ScenarioTally]
    var shown = 0
    var progress: RunProgress
    var isOver = false
  }

  private let state: Mutex<State>
  private let view: RunView
  private let started = ContinuousClock.now

  /// - Parameter count: scenarios; each runs as often as the series says.
  init(count: Int, series: RunSeries, _ view: RunView) {
    let tallies = [ScenarioTally](repeating: ScenarioTally(series), count: count)
    state = Mutex(State(tallies: tallies, progress: RunProgress(total: count * series.planned)))
    self.view = view
    guard view.isLive else { return }
    // A thread, since the workers may have all of the pool's.
    Thread.detachNewThread { [self] in
      while paint() { Thread.sleep(forTimeInterval: 0.1) }
    }
  }

  func began(_ name: String) { state.withLock { $0.progress.began(name) } }

  /// - Parameter number: of the run in the series.
  func put(_ result: ScenarioResult, at index: Int, number: UInt64) {
    state.withLock { state in
      state.tallies[index].add(result, number)
      state.progress.ended(result)
      while state.shown < state.tallies.count, state.tallies[state.shown].isComplete {
        if let next = state.tallies[state.shown].result { show(next) }
        state.shown += 1
      }
    }
  }

  /// Ends the live line; the results with their places, in the order of the files. Where the run ended early some are missing, or know some
  /// of their runs.
  func finish() -> [(place: Int, result: ScenarioResult)] {
    state.withLock { state in
      state.isOver = true
      // Behind one that never came: not shown yet.
      for tally in state.tallies.dropFirst(state.shown) { if let result = tally.result { show(result) } }
      if view.isLive { erase() }
      return state.tallies.enumerated().compactMap { place, tally in tally.result.map { (place, $0) } }
    }
  }

  private func show(_ result: ScenarioResult) {
    guard view.isShown(result) else { return }
    if view.isLive { erase() }
    for line in view.lines(result) { say(line) }
  }

  private func erase() { Console.write("\r\u{1B}[K") }

  /// Writes the live line over itself; false when the run is over.
  private func paint() -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      let line = state.progress.line(elapsed: ContinuousClock.now - started, width: (Terminal.width ?? 80) - 1, style: view.terminal.style)
      Console.write("\r\u{1B}[K\(line)")
      return true
    }
  }

}
