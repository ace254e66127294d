import Foundation
import Reports
import ScenarioModel
import Synchronization

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
  private let terminal: Terminal
  private let started = ContinuousClock.now

  /// - Parameter count: scenarios; each runs with every seed.
  init(count: Int, seeds: ClosedRange<UInt64>, terminal: Terminal) {
    let tallies = [ScenarioTally](repeating: ScenarioTally(seeds), count: count)
    state = Mutex(State(tallies: tallies, progress: RunProgress(total: count * SeedSweep(seeds).planned)))
    self.terminal = terminal
    guard terminal.isLive else { return }
    // A thread, since the workers may have all of the pool's.
    Thread.detachNewThread { [self] in
      while paint() { Thread.sleep(forTimeInterval: 0.1) }
    }
  }

  func began(_ name: String) { state.withLock { $0.progress.began(name) } }

  func put(_ result: ScenarioResult, at index: Int) {
    state.withLock { state in
      state.tallies[index].add(result)
      state.progress.ended(result)
      while state.shown < state.tallies.count, state.tallies[state.shown].isComplete {
        if let next = state.tallies[state.shown].result { show(next) }
        state.shown += 1
      }
    }
  }

  /// Ends the live line; the results, in the order of the files. Where the run ended early some are missing, or know some of their seeds.
  func finish() -> [ScenarioResult] {
    state.withLock { state in
      state.isOver = true
      // Behind one that never came: not shown yet.
      for tally in state.tallies.dropFirst(state.shown) { if let result = tally.result { show(result) } }
      if terminal.isLive { erase() }
      return state.tallies.compactMap(\.result)
    }
  }

  private func show(_ result: ScenarioResult) {
    guard !terminal.isLive || (result.verdict != .passed && result.verdict != .notApplicable) else { return }
    if terminal.isLive { erase() }
    for line in TextReport.lines(result, style: terminal.style) { say(line) }
  }

  private func erase() { FileHandle.standardOutput.write(Data("\r\u{1B}[K".utf8)) }

  /// Writes the live line over itself; false when the run is over.
  private func paint() -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      let line = state.progress.line(elapsed: ContinuousClock.now - started, width: Self.width - 1, style: terminal.style)
      FileHandle.standardOutput.write(Data("\r\u{1B}[K\(line)".utf8))
      return true
    }
  }

  /// Columns of the terminal.
  private static var width: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
