import Foundation

/// The repository as text.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  struct File: Sendable {
    var path: String
    var text: String
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// `Sources/<module>/…`.
    var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// The modules that it imports, also `@testable` and one declaration of a module.
    var imports: [String] {
      Repository.code(text).compactMap { line in
        let words = line.split(separator: " ")
        guard let index = words.firstIndex(of: "import"), index <= 2, words.count > index + 1, line.first != " " || words.first == "import"
        else { return nil }
        // Text that quotes an import is none.
        return words[index + 1].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? String(words[index + 1]) : nil
      }
    }
  }

  static func files(_ folder: String, suffix: String = ".swift") -> [File] {
    let all = (try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")) ?? []
    return all.filter { $0.hasSuffix(suffix) }.sorted().compactMap { path in
      (try? String(contentsOfFile: "\(root)/\(folder)/\(path)", encoding: .utf8)).map { File(path: "\(folder)/\(path)", text: $0) }
    }
  }

  /// The text without comments and string literals, good enough to look for names in.
  static func code(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let trimmed = line.drop { $0 == " " }
      if trimmed.hasPrefix("//") { return "" }
      guard let comment = line.range(of: " // ") ?? line.range(of: "  //") else { return line }
      return line[..<comment.lowerBound]
    }
  }
}
