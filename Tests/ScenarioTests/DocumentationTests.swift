import Foundation
import LabTesting
import ScenarioModel
import Subprocess
import Testing

@testable import kallglot_lab

/// A page that users read.
struct Page: Sendable, CustomTestStringConvertible {
  var path: String
  var text: String
  var testDescription: String { path }

  static let all: [Page] = {
    let sources = (try? FileManager.default.subpathsOfDirectory(atPath: "\(Place.root)/Sources")) ?? []
    let articles = sources.filter { $0.contains(".docc/") && $0.hasSuffix(".md") }.sorted().map { "Sources/\($0)" }
    return (["README.md"] + articles).compactMap { path in
      (try? String(contentsOfFile: "\(Place.root)/\(path)", encoding: .utf8)).map { Page(path: path, text: $0) }
    }
  }()

  /// Lines within fences.
  var code: [String] {
    text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.flatMap { $0.element.components(separatedBy: "\n") }
  }

  /// What a reader would type: the words of each command line, comments and prompts apart.
  var commands: [[String]] {
    code.compactMap { line in
      var line = line.trimmingCharacters(in: .whitespaces)
      if line.hasPrefix("$ ") { line.removeFirst(2) }
      guard line.hasPrefix("kallglot-lab ") else { return nil }
      return Self.words(line)
    }
  }

  /// Splits as a shell does, as far as the documentation needs it.
  static func words(_ line: String) -> [String] {
    var (words, word, quote): ([String], String?, Character?) = ([], nil, nil)
    for character in line {
      if character == quote {
        quote = nil
      } else if quote == nil, character == "'" || character == "\"" {
        (quote, word) = (character, word ?? "")
      } else if quote == nil, character == " " {
        if let whole = word { words.append(whole) }
        word = nil
      } else if quote == nil, character == "#" || character == ">" || character == "|", word == nil {
        break
      } else {
        word = (word ?? "") + String(character)
      }
    }
    return words + [word].compactMap(\.self)
  }
}

@Suite struct DocumentationTests {
  @Test func `there are pages and commands to try`() {
    #expect(Page.all.count > 10)
    #expect(Page.all.flatMap(\.commands).count > 15)
  }

  @Test(arguments: Page.all)
  func `every command of the documentation is one that the program takes`(page: Page) {
    for words in page.commands {
      #expect(throws: Never.self, "\(page.path): \(words.joined(separator: " "))") { try KallglotLab.parseAsRoot(Array(words.dropFirst())) }
    }
  }

  @Test func `the report in the README is the one that its scenario leaves`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.copyItem(atPath: "\(Place.root)/fixtures/scenarios/requires-tls.yaml", toPath: "\(folder)/trunk.yaml")
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: ["run", "trunk.yaml", "--out", "out"], workingDirectory: .init(folder),
      output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
    let finding = result.standardOutput.components(separatedBy: "\n").filter { $0.hasPrefix("  ") }.prefix(6)
    let readme = try #require(Page.all.first).code
    let start = try #require(readme.firstIndex { $0.hasPrefix("FAILED  trunk") })
    #expect(finding.count == 6)
    #expect(Array(readme[(start + 1)...].prefix(6)) == Array(finding))
  }

  @Test func `the README's scenario passes`() {
    let block = Page.all[0].text.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first
    let file = ScenarioFile.read(block ?? "", file: "readme.yaml")
    #expect(file.problems + file.references + file.warnings == [] && file.scenarios.count == 1)
    for scenario in file.scenarios {
      let result = ScenarioSuite.run(scenario)
      #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
    }
  }

  @Test(arguments: Page.all)
  func `every page, file and make target that the documentation names is there`(page: Page) throws {
    let makefile = try String(contentsOfFile: "\(Place.root)/Makefile", encoding: .utf8)
    for match in page.text.matches(of: /make ([a-z]+)/) {
      let target = match.output.1
      let isTarget = makefile.contains("\n\(target):")
      #expect(isTarget || !page.code.contains { $0.contains("make \(target)") }, "\(page.path): make \(target)")
    }
    for match in page.text.matches(of: /\]\(([A-Za-z][^):#]*)\)/) {
      #expect(FileManager.default.fileExists(atPath: "\(Place.root)/\(match.output.1)"), "\(page.path): \(match.output.1)")
    }
    for match in page.text.matches(of: /<doc:([A-Za-z]+)>/) {
      #expect(Page.all.contains { $0.path.hasSuffix("/\(match.output.1).md") }, "\(page.path): \(match.output.1)")
    }
    for match in page.text.matches(of: /`((?:scenarios|fixtures|Tests|Sources|captures)\/[A-Za-z0-9\/._-]*)`/) {
      #expect(FileManager.default.fileExists(atPath: "\(Place.root)/\(match.output.1)"), "\(page.path): \(match.output.1)")
    }
  }
}
