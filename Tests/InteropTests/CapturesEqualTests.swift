import Foundation
import Testing

/// `.ci/captures-equal`, which says whether two commits leave the same captures.
@Suite struct CapturesEqualTests {
  private let folder: String

  init() throws {
    folder = try Place.temporary()
    for path in [".ci", "fixtures", "a/1/call", "b/1/call"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(atPath: "\(Place.root)/.ci/captures-equal", toPath: "\(folder)/.ci/captures-equal")
    try write("same", to: "a/1/call/pbx.pcapng")
    try write("same", to: "b/1/call/pbx.pcapng")
  }

  private func write(_ text: String, to path: String) throws {
    try text.write(toFile: "\(folder)/\(path)", atomically: true, encoding: .utf8)
  }

  private func compare(_ arguments: [String] = ["--compare", "a", "b"]) async throws -> (code: Int32, lines: [String]) {
    let result = try await program("/bin/bash", ["\(folder)/.ci/captures-equal"] + arguments)
    return (result.code, result.output.split(separator: "\n").map(String.init))
  }

  @Test func `equal captures are counted; a difference, or a capture of one side alone, fails and is named`() async throws {
    let equal = try await compare()
    #expect(equal.code == 0 && equal.lines == ["1 files equal, 0 listed"])
    try write("other", to: "b/1/call/pbx.pcapng")
    try write("new", to: "b/1/call/kallglot.pcapng")
    try write("notes are no captures", to: "b/1/call/journal.ndjson")
    let different = try await compare()
    #expect(different.code == 1 && different.lines.suffix(2) == ["2 files differ", "0 files equal, 0 listed"], "\(different.lines)")
    #expect(different.lines.contains("only after: 1/call/kallglot.pcapng"))
    #expect(different.lines.contains { $0.hasPrefix("a/1/call/pbx.pcapng b/1/call/pbx.pcapng differ") })
  }

  @Test func `a difference that is listed with a reason passes for every seed, one without a reason is bad input`() async throws {
    try write("other", to: "b/1/call/pbx.pcapng")
    try write("# none\ncall/pbx.pcapng  the order was an accident\n", to: "fixtures/captures-equal.txt")
    let listed = try await compare()
    #expect(listed.code == 0 && listed.lines == ["0 files equal, 1 listed"])
    try write("call/pbx.pcapng\n", to: "fixtures/captures-equal.txt")
    #expect(try await compare().code == 2)
  }

  @Test(arguments: [[], ["--compare", "a"], ["--compare", "a", "nowhere"], ["no-such-commit"]])
  func `bad input is exit code 2 and a sentence`(arguments: [String]) async throws {
    let result = try await compare(arguments)
    #expect(result.code == 2 && result.lines.count == 1 && result.lines[0].hasPrefix("captures-equal: "), "\(result.lines)")
  }

  @Test func `folders without captures are bad input, not equal`() async throws {
    try FileManager.default.removeItem(atPath: "\(folder)/a/1")
    try FileManager.default.removeItem(atPath: "\(folder)/b/1")
    #expect(try await compare().code == 2)
  }
}
