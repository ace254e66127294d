import FoundationEssentials
import Reports
import ScenarioEngine
import ScenarioModel

/// What a report says of the program and the scenarios that made it.
enum Origin {
  static let version = "0.1.0"

  static func of(_ scenarios: [Scenario], paths: [String]) -> RunRecord.Origin {
    RunRecord.Origin(version: version, commit: commit(), scenarioSet: digest(scenarios, paths))
  }

  /// The commit of the git checkout that this program lies in: read when it is asked for, so that a build needs no git and is the same
  /// whatever the commit. A checkout that moved on since the build names the newer one.
  private static func commit() -> String? {
    guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
    var parts = program.split(separator: "/").dropLast()
    while !parts.isEmpty {
      let folder = "/" + parts.joined(separator: "/")
      if FileManager.default.fileExists(atPath: "\(folder)/.git") { return GitCheckout(folder)?.commit }
      parts = parts.dropLast()
    }
    return nil
  }

  /// Names, files, and what those files and the ones beside them that are there to be included say. FNV-1a, 64 bits: it tells different
  /// sets apart, and is no seal.
  private static func digest(_ scenarios: [Scenario], _ paths: [String]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ text: String) {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
      hash = (hash ^ 0xFF) &* 0x0000_0100_0000_01B3
    }
    for name in scenarios.map(\.name).sorted() { add(name) }
    let texts = Set(scenarios.map(\.file)).union(ScenarioLibrary.libraries(paths).map(\.file)).compactMap {
      try? ScenarioLibrary.text(of: $0)
    }
    for text in texts.sorted() { add(text) }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// A git checkout, read without git (gitrepository-layout(5)).
private struct GitCheckout {
  private let folder: String

  /// nil when it is none.
  init?(_ root: String) {
    let place = "\(root)/.git"
    var isFolder = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else { return nil }
    if isFolder {
      folder = place
    } else {
      // A worktree or a submodule: the file says where its folder is.
      guard let text = Self.line(of: place), text.hasPrefix("gitdir: ") else { return nil }
      let path = String(text.dropFirst(8))
      folder = path.hasPrefix("/") ? path : "\(root)/\(path)"
    }
  }

  var commit: String? {
    guard let head = Self.line(of: "\(folder)/HEAD") else { return nil }
    guard head.hasPrefix("ref: ") else { return Self.hash(head) }
    let reference = String(head.dropFirst(5))
    let common = Self.line(of: "\(folder)/commondir").map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" } ?? folder
    for place in [folder, common] { if let hash = Self.line(of: "\(place)/\(reference)").flatMap(Self.hash) { return hash } }
    let packed = Self.text(of: "\(common)/packed-refs") ?? ""
    return packed.split(separator: "\n").first { $0.hasSuffix(" \(reference)") }.flatMap { Self.hash(String($0.prefix { $0 != " " })) }
  }

  /// 40 digits of SHA-1, or 64 of SHA-256.
  private static func hash(_ text: String) -> String? {
    [40, 64].contains(text.utf8.count) && text.allSatisfy(\.isHexDigit) ? text : nil
  }

  private static func line(of path: String) -> String? { text(of: path)?.split(separator: "\n").first.map(String.init) }

  private static func text(of path: String) -> String? { try? ScenarioLibrary.text(of: path) }
}
