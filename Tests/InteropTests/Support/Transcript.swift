import Dispatch
import Synchronization

/// What a program said, line by line, and a way to wait for a line: tests wait for what happens, never for time to pass.
final class Transcript: Sendable {
  /// A line that was found; the search goes on behind it.
  struct Sighting: Sendable {
    var line: String
    fileprivate var next: Int
  }

  struct Missing: Error, CustomStringConvertible {
    var description: String
  }

  private struct Waiter {
    let number: Int
    let text: String
    let continuation: CheckedContinuation<Sighting?, Never>
  }

  private struct State {
    var lines: [String] = []
    var isOver = false
    var waiters: [Waiter] = []
    var count = 0
  }

  private let name: String
  private let state = Mutex(State())

  init(_ name: String) { self.name = name }

  func take(_ line: String) {
    let found = state.withLock { state -> [(Waiter, Sighting)] in
      state.lines.append(line)
      let found = state.waiters.filter { line.contains($0.text) }.map { ($0, Sighting(line: line, next: state.lines.count)) }
      state.waiters.removeAll { line.contains($0.text) }
      return found
    }
    for (waiter, sighting) in found { waiter.continuation.resume(returning: sighting) }
  }

  /// The program ended: what did not come will not come.
  func end() {
    let waiters = state.withLock { state -> [Waiter] in
      state.isOver = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume(returning: nil) }
  }

  var isOver: Bool { state.withLock(\.isOver) }
  var text: String { state.withLock { $0.lines.joined(separator: "\n") } }

  /// The first line with the text, from the beginning or behind an earlier one.
  func line(_ text: String, after earlier: Sighting? = nil, within limit: Duration = .seconds(15)) async throws -> Sighting {
    if let found = await look(for: text, after: earlier, within: limit) { return found }
    throw Missing(description: "\(name) never said '\(text)'. What it said:\n\(self.text.suffix(6_000))")
  }

  /// True when no line with the text comes for so long.
  func isSilent(about text: String, after earlier: Sighting? = nil, for limit: Duration) async -> Bool {
    await look(for: text, after: earlier, within: limit) == nil
  }

  private func look(for text: String, after earlier: Sighting?, within limit: Duration) async -> Sighting? {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> (Sighting?, Int?) in
        for (index, line) in state.lines.enumerated().dropFirst(earlier?.next ?? 0) where line.contains(text) {
          return (Sighting(line: line, next: index + 1), nil)
        }
        guard !state.isOver else { return (nil, nil) }
        state.count += 1
        state.waiters.append(Waiter(number: state.count, text: text, continuation: continuation))
        return (nil, state.count)
      }
      guard let number = answer.1 else { return continuation.resume(returning: answer.0) }
      let (seconds, attoseconds) = limit.components
      let delay = DispatchTimeInterval.milliseconds(Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
      DispatchQueue.global().asyncAfter(deadline: .now() + delay) { [self] in giveUp(number) }
    }
  }

  private func giveUp(_ number: Int) {
    let waiter = state.withLock { state -> Waiter? in
      state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
    }
    waiter?.continuation.resume(returning: nil)
  }
}
