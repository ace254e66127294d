import Foundation
import Reports
import ScenarioModel
import Synchronization

/// Collects results from several threads and shows them: a line each in the order of the files, or on a terminal one live line and only
/// what did not pass.
final class RunBoard: Sendable {
  private struct State {
    var results: [ScenarioResult?]
    var shown = 0
    var progress: RunProgress
    var isOver = false
  }

  private let state: Mutex<State>
  private let terminal: Terminal
  private let started = ContinuousClock.now

  init(count: Int, terminal: Terminal) {
    state = Mutex(State(results: [ScenarioResult?](repeating: nil, count: count), progress: RunProgress(total: count)))
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
      state.results[index] = result
      state.progress.ended(result)
      while state.shown < state.results.count, let next = state.results[state.shown] {
        show(next)
        state.shown += 1
      }
    }
  }

  /// Ends the live line; the results, in the order of the files. After an interruption some are missing.
  func finish() -> [ScenarioResult] {
    state.withLock { state in
      state.isOver = true
      // Behind one that never came: not shown yet.
      for result in state.results.dropFirst(state.shown) { if let result { show(result) } }
      if terminal.isLive { erase() }
      return state.results.compactMap(\.self)
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

/// Whether Ctrl-C or SIGTERM came: the run ends with what is done. A second one ends the program at once.
enum Interruption {
  private static let flag = Atomic<Bool>(false)

  static var hasCome: Bool { flag.load(ordering: .relaxed) }

  static func watch() {
    // Made before a handler may need it.
    flag.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interruption.flag.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }
}
