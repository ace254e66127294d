import Foundation
import Reports

/// A job of GitHub Actions that this program runs in.
struct GitHubRun: Sendable {
  let report: GitHubReport
  /// `GITHUB_STEP_SUMMARY`.
  private let summaryFile: String?

  /// nil elsewhere.
  static var current: GitHubRun? {
    let environment = ProcessInfo.processInfo.environment
    guard environment["GITHUB_ACTIONS"] == "true" else { return nil }
    let folder = FileManager.default.currentDirectoryPath
    let summaryFile = environment["GITHUB_STEP_SUMMARY"].flatMap { $0.isEmpty ? nil : $0 }
    return GitHubRun(
      report: GitHubReport(workingDirectory: folder, workspace: environment["GITHUB_WORKSPACE"]), summaryFile: summaryFile)
  }

  /// Appends to the step's summary. A run keeps its verdict where that cannot be written.
  func summarize(_ record: RunRecord) {
    guard let summaryFile else { return }
    do { try Output.append(report.summary(record), to: summaryFile) } catch {
      Console.complain("kallglot-lab: \((error as? Complaint)?.sentence ?? "\(error)")")
    }
  }
}
