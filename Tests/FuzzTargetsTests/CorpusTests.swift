import Foundation
import FuzzTargets
import Testing

/// The inputs that are committed, "fixtures/fuzz", without libFuzzer: so targets that only it builds do not rot.
@Suite struct CorpusTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "fixtures/fuzz")

  private func files(_ target: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: Self.folder.appending(path: target), includingPropertiesForKeys: nil)
      .sorted { $0.path < $1.path }
  }

  @Test(arguments: FuzzTargets.all.keys.sorted())
  func `what holds for every input holds for those that are kept, for their beginnings and with each byte broken`(target: String) throws {
    let body = try #require(FuzzTargets.all[target])
    let inputs = try files(target).map { [UInt8](try Data(contentsOf: $0)) }
    #expect(!inputs.isEmpty, "no input is kept for \(target)")
    body([])
    for input in inputs {
      body(input)
      // A dozen places of each are enough here: the fuzzer tries the others.
      for step in 0..<12 where !input.isEmpty {
        let place = step * input.count / 12
        body(Array(input[..<place]))
        var broken = input
        broken[place] ^= 0x80 >> UInt8(step % 8)
        body(broken)
      }
    }
  }

  @Test func `every folder of inputs has a target`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { !$0.hasPrefix(".") }
    #expect(Set(folders) == Set(FuzzTargets.all.keys))
  }
}
