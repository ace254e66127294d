import FoundationEssentials
import SansIO
import ScenarioModel

/// Finds and reads scenario files.
public enum ScenarioLibrary {
  /// The files a path means: itself, or all `.yaml` below a folder, in the order of their paths. Files whose name begins with `_` are
  /// there to be included and stay out.
  public static func files(at path: String) throws(SourceProblem) -> [String] {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw SourceProblem(file: path, "no such file or folder")
    }
    guard isFolder else {
      guard !ScenarioFile.isLibrary(path) else {
        throw SourceProblem(file: path, "a file whose name begins with _ is for inclusion only, not a scenario")
      }
      return [path]
    }
    return yaml(in: path).filter { !ScenarioFile.isLibrary($0) }
  }

  /// The files below folders that are there to be included, with what is wrong with them alone.
  public static func libraries(_ paths: [String]) -> [ScenarioFile] {
    paths.flatMap(yaml).filter(ScenarioFile.isLibrary).compactMap { path in
      (try? text(of: path)).map { ScenarioFile.readLibrary($0, file: path, loader: loader) }
    }
  }

  private static func yaml(in path: String) -> [String] {
    let inside = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    let base = path.hasSuffix("/") ? String(path.dropLast()) : path
    return inside.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted().map { "\(base)/\($0)" }
  }

  public static func text(of path: String) throws(SourceProblem) -> String {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw SourceProblem(file: path, "no such file")
    }
    guard !isFolder else { throw SourceProblem(file: path, "the file cannot be read: it is a folder") }
    guard let text = String(data: try data(of: path), encoding: .utf8) else {
      throw SourceProblem(file: path, "the file is not UTF-8 text")
    }
    return text
  }

  /// The content of a file that a step plays.
  static func bytes(of path: String) throws(SourceProblem) -> Bytes {
    guard FileManager.default.fileExists(atPath: path) else { throw SourceProblem(file: path, "no such file") }
    return Bytes([UInt8](try data(of: path)))
  }

  private static func data(of path: String) throws(SourceProblem) -> Data {
    do { return try Data(contentsOf: URL(filePath: path)) } catch {
      throw SourceProblem(file: path, "the file cannot be read: \(FileFailure.reason(error))")
    }
  }

  /// Gives included files from the disk.
  public static let loader = SourceLoader(
    { (path) throws(SourceProblem) in try text(of: path) }, bytes: { (path) throws(SourceProblem) in try bytes(of: path) })

  /// All files that paths mean, read with every mistake in them; and the paths that mean none.
  public static func read(_ paths: [String]) -> (files: [ScenarioFile], problems: [SourceProblem]) {
    var read: [ScenarioFile] = []
    var problems: [SourceProblem] = []
    for path in paths {
      do throws(SourceProblem) { read += try files(at: path).map(self.read) } catch { problems.append(error) }
    }
    return (read, problems)
  }

  private static func read(_ file: String) -> ScenarioFile {
    do throws(SourceProblem) { return ScenarioFile.read(try text(of: file), file: file, loader: loader) } catch {
      return ScenarioFile(file: file, problems: [error])
    }
  }

  /// All scenarios that paths mean, in the order of the paths. A file with a mistake is one that is not readable
  /// (``ScenarioModel/Scenario/mistakes``): it is reported like the others, which run.
  ///
  /// - Returns: the scenarios, and the paths that mean none.
  public static func load(_ paths: [String]) -> (scenarios: [Scenario], problems: [SourceProblem]) {
    let (files, problems) = read(paths)
    return (files.flatMap(\.runnable), problems)
  }
}
