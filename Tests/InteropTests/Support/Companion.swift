import Dispatch
import Foundation
import Subprocess
import Synchronization

/// A program that runs beside a test.
final class Companion: Sendable {
  let name: String
  let transcript: Transcript
  let process: Int32
  private let typing: AsyncStream<String>.Continuation
  private let running: Task<Int32, any Error>

  private init(
    _ name: String, _ transcript: Transcript, process: Int32, typing: AsyncStream<String>.Continuation, running: Task<Int32, any Error>
  ) {
    self.name = name
    self.transcript = transcript
    self.process = process
    self.typing = typing
    self.running = running
  }

  static func start(_ name: String, _ path: String, _ arguments: [String], folder: String? = nil) async throws -> Companion {
    let transcript = Transcript(name)
    let (lines, typing) = AsyncStream<String>.makeStream()
    let (processes, started) = AsyncStream<Int32>.makeStream()
    let running = Task { () -> Int32 in
      defer {
        transcript.end()
        started.finish()
      }
      let result = try await Subprocess.run(
        .path(.init(path)), arguments: .init(arguments), workingDirectory: folder.map { .init($0) }, input: .inputWriter, output: .sequence,
        error: .combinedWithOutput
      ) { execution in
        started.yield(execution.processIdentifier.value)
        await withTaskGroup(of: Void.self) { group in
          group.addTask { for await line in lines { _ = try? await execution.standardInputWriter.write(line + "\n") } }
          do { for try await line in execution.standardOutput.strings() { transcript.take(line) } } catch {
            transcript.take("its output broke off: \(error)")
          }
          group.cancelAll()
        }
      }
      return if case .exited(let code) = result.terminationStatus { code } else { -1 }
    }
    for await process in processes { return Companion(name, transcript, process: process, typing: typing, running: running) }
    _ = try await running.value
    throw Transcript.Missing(description: "\(name) did not start")
  }

  /// Types a line at it.
  func type(_ line: String) { typing.yield(line) }

  func line(_ text: String, after earlier: Transcript.Sighting? = nil, within limit: Duration = .seconds(15)) async throws
    -> Transcript.Sighting
  {
    try await transcript.line(text, after: earlier, within: limit)
  }

  /// Waits until it ends by itself; its exit code.
  func finished() async throws -> Int32 { try await running.value }

  /// Ends it, at first politely. By its own process id, and only while it has not been waited for.
  @discardableResult func stop(_ signal: Int32 = SIGINT) async throws -> Int32 {
    if !transcript.isOver { kill(process, signal) }
    let patience = DispatchWorkItem { [transcript, process] in if !transcript.isOver { kill(process, SIGKILL) } }
    DispatchQueue.global().asyncAfter(deadline: .now() + 10, execute: patience)
    defer { patience.cancel() }
    return try await running.value
  }
}
