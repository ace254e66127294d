import SansIO

/// Gives the text of a file that another one includes. Whoever may open files hands it in.
public struct SourceLoader: Sendable {
  let text: @Sendable (String) throws(SourceProblem) -> String
  /// The content of a file that a step plays.
  let bytes: @Sendable (String) throws(SourceProblem) -> Bytes

  public init(
    _ text: @escaping @Sendable (String) throws(SourceProblem) -> String,
    bytes: @escaping @Sendable (String) throws(SourceProblem) -> Bytes = { (path) throws(SourceProblem) in
      throw SourceProblem(file: path, "no other file can be read here")
    }
  ) {
    (self.text, self.bytes) = (text, bytes)
  }

  /// For texts that stand alone.
  public static let none = SourceLoader { (path) throws(SourceProblem) in
    throw SourceProblem(file: path, "no other file can be included here")
  }

  /// Files by their path, texts and what steps play; for tests.
  public static func files(_ texts: [String: String], played: [String: Bytes] = [:]) -> SourceLoader {
    SourceLoader(
      { (path) throws(SourceProblem) in
        guard let text = texts[path] else { throw SourceProblem(file: path, "no such file") }
        return text
      },
      bytes: { (path) throws(SourceProblem) in
        guard let bytes = played[path] else { throw SourceProblem(file: path, "no such file") }
        return bytes
      })
  }
}

/// Paths as text: no file system is asked.
enum SourcePath {
  /// `path` as it is meant in `file`, without `.` and `..` where they can be resolved.
  static func resolve(_ path: String, in file: String) -> String {
    if path.hasPrefix("/") { return normalize(path) }
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return normalize(folder.isEmpty && !file.hasPrefix("/") ? path : "\(folder)/\(path)")
  }

  private static func normalize(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }
}
