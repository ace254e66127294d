import FoundationEssentials
import ScenarioModel

/// Finds and reads scenario files.
public enum ScenarioLibrary {
  /// The files a path means: itself, or all `.yaml` below a folder, in the order of their paths.
  public static func files(at path: String) throws(SourceProblem) -> [String] {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw SourceProblem(file: path, "there is no such file or folder")
    }
    guard isFolder else { return [path] }
    let inside = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    let base = path.hasSuffix("/") ? String(path.dropLast()) : path
    return inside.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted().map { "\(base)/\($0)" }
  }

  public static func text(of path: String) throws(SourceProblem) -> String {
    let data: Data
    do { data = try Data(contentsOf: URL(filePath: path)) } catch { throw SourceProblem(file: path, "the file cannot be read") }
    guard let text = String(data: data, encoding: .utf8) else { throw SourceProblem(file: path, "the file is no UTF-8 text") }
    return text
  }

  /// All scenarios that paths mean, and every mistake in them.
  public static func load(_ paths: [String]) -> (scenarios: [Scenario], problems: [SourceProblem]) {
    var scenarios: [Scenario] = []
    var problems: [SourceProblem] = []
    for path in paths {
      do throws(SourceProblem) {
        for file in try files(at: path) {
          do throws(SourceProblem) { scenarios.append(try Scenario.read(try text(of: file), file: file)) } catch { problems.append(error) }
        }
      } catch { problems.append(error) }
    }
    return (scenarios, problems)
  }
}
