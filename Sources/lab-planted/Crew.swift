import Defects
import Foundation

/// Processes that try one defect each, so many at once.
struct Crew {
  private struct Worker {
    var position: Int
    var process: Process
    var output: String
    var began: Date
  }

  let program: String
  let folder: String
  let patience: Double

  private var workers: [Worker] = []

  init(program: String, folder: String, patience: Double) {
    (self.program, self.folder, self.patience) = (program, folder, patience)
  }

  /// - Returns: one a defect, in their order.
  mutating func run(_ defects: [Defect], arguments: [String], jobs: Int, _ tell: (String) -> Void) throws -> [Outcome] {
    var outcomes = [Outcome?](repeating: nil, count: defects.count)
    var next = 0
    while next < defects.count || !workers.isEmpty {
      while next < defects.count, workers.count < jobs {
        workers.append(try begin(defects[next], next, arguments))
        next += 1
      }
      usleep(20_000)
      for index in workers.indices.reversed() {
        let worker = workers[index]
        let isStuck = Date().timeIntervalSince(worker.began) > patience
        guard !worker.process.isRunning || isStuck else { continue }
        if isStuck { worker.process.terminate() }
        worker.process.waitUntilExit()
        workers.remove(at: index)
        let defect = defects[worker.position]
        let text = (try? String(contentsOfFile: worker.output, encoding: .utf8)) ?? ""
        let outcome =
          Outcome(line: text.split(separator: "\n").last ?? "") ?? .withoutVerdict(defect, isStuck ? "it never ends" : "the program ended")
        outcomes[worker.position] = outcome
        tell(outcome.text)
      }
    }
    return outcomes.compactMap(\.self)
  }

  private func begin(_ defect: Defect, _ position: Int, _ arguments: [String]) throws -> Worker {
    let output = "\(folder)/\(position)"
    FileManager.default.createFile(atPath: output, contents: nil)
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments + ["--one", defect.name]
    process.standardOutput = FileHandle(forWritingAtPath: output)
    try process.run()
    return Worker(position: position, process: process, output: output, began: Date())
  }
}
