import Foundation
import Testing

/// What a file imports, its target depends on: SwiftPM finds a module of another target as soon as it has been built, by chance, so a
/// missing dependency is seen only in the first build of a fresh clone, and there not always.
@Suite struct PackageTests {
  private struct Manifest: Decodable {
    var targets: [Target]
  }

  private struct Target: Decodable {
    var name: String
    var type: String
    var path: String?
    var dependencies: [Dependency]

    var folder: String { path ?? (type == "test" ? "Tests/\(name)" : "Sources/\(name)") }
  }

  /// `{ "byName": ["SansIO", null] }`, `{ "product": ["Yams", "Yams", null, null] }` or `{ "target": ["SIPMessage", null] }`.
  private struct Dependency: Decodable {
    var name: String
    /// An executable `lab-bench` is imported as `lab_bench`.
    var module: String { name.replacing("-", with: "_") }

    init(from decoder: any Decoder) throws {
      let kinds = try decoder.singleValueContainer().decode([String: [Word?]].self)
      name = kinds.values.first?.first??.text ?? ""
    }

    /// A name, or a condition that stands behind it.
    struct Word: Decodable {
      var text: String?
      init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }
  }

  /// What comes with the compiler.
  private let toolchain: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationXML", "Dispatch", "Synchronization", "Glibc", "Testing",
  ]

  @Test func `every import of a target is one of its dependencies in Package.swift, so that a fresh clone builds`() throws {
    let targets = try manifest().targets
    #expect(targets.contains { $0.name == "lab-fuzz" } && targets.contains { $0.name == "ArchitectureTests" })
    for target in targets where target.type != "system" {
      let known = toolchain.union(target.dependencies.map(\.module)).union([target.name])
      for file in Repository.files(target.folder) {
        for imported in Set(file.imports) where !known.contains(imported) {
          Issue.record("\(file.path) imports \(imported), which \(target.name) does not depend on")
        }
      }
    }
  }

  /// As SwiftPM reads it, with the fuzzer's target; in a folder of its own, since the build that runs this test holds the usual one.
  private func manifest() throws -> Manifest {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "manifest-\(UUID())")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "--package-path", Repository.root, "--scratch-path", scratch.path, "dump-package",
    ]
    process.environment = ProcessInfo.processInfo.environment.merging(["LAB_FUZZ": "1"]) { $1 }
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(Manifest.self, from: text)
  }
}
