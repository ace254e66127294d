import Capture
import Inspection
import ScenarioModel

/// What `inspect` says of the captures of a scenario that did not pass.
public enum CaptureInspections {
  /// Lines of each capture.
  private static let most = 3

  /// Reads the captures that the run left, where it failed: the errors and warnings of each host's.
  public static func added(to result: ScenarioResult) -> ScenarioResult {
    guard !result.verdict.isGood, !result.captures.isEmpty else { return result }
    var result = result
    result.inspected = zip(result.hosts, result.captures).flatMap { host, path in
      lines(path).map { "\(host): \($0)" }
    }
    return result
  }

  private static func lines(_ path: String) -> [String] {
    guard !path.isEmpty else { return [] }
    do { return try Inspector().inspect(path: path).accusations(atMost: most) } catch { return ["\(path) cannot be read: \(error)"] }
  }
}
