import Foundation
import LabTesting
import SansIO
import ScenarioModel
import Testing

/// Wireshark's command line, which knows nothing of ours.
enum Shark {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tshark")
  static let isRequired = (ProcessInfo.processInfo.environment["LAB_REQUIRE_PEERS"] ?? "").split(separator: ",").contains {
    $0.filter { $0 != " " } == "tshark"
  }
  static var runs: Bool { isInstalled || isRequired }
  static let reason: Comment = "tshark is not installed (Debian package tshark); LAB_REQUIRE_PEERS=tshark would make this a failure"

  /// One line a frame: protocol, SIP methods and statuses, whether it is malformed.
  static func frames(_ path: String) throws -> [(protocolName: String, messages: Int, isMalformed: Bool)] {
    let fields = ["_ws.col.Protocol", "sip.Method", "sip.Status-Code", "_ws.malformed"].flatMap { ["-e", $0] }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/tshark")
    // Without the preference tshark loses a TLS stream at a segment that comes again; of ports other than 5061 it does not know that TLS
    // carries SIP there.
    process.arguments =
      ["-r", path, "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-d", "tls.port==5081,sip", "-T", "fields", "-E", "separator=;"] + fields
    process.environment = ["HOME": NSTemporaryDirectory(), "LC_ALL": "C.UTF-8"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true).map { line in
      let words = line.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
      func count(_ place: Int) -> Int { words.count > place ? words[place].split(separator: ",").count : 0 }
      return (words[0], count(1) + count(2), words.count > 3 && !words[3].isEmpty)
    }
  }
}

/// Runs of the repository's own scenarios, in a folder that is gone when the test is over.
final class Runs {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("decryption-\(UUID().uuidString)").path

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Those whose text has the word, at most so many.
  static func scenarios(_ path: String = "", having word: String = "", most: Int = .max) throws -> [Scenario] {
    try Array(
      ScenarioSuite("\(root)/scenarios/\(path)").scenarios.filter { scenario in
        word.isEmpty || (try? String(contentsOfFile: scenario.file, encoding: .utf8))?.contains(word) == true
      }.prefix(most))
  }

  func files(_ folder: String, _ suffix: String = "") throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(suffix) && !$0.isEmpty }.sorted().map {
      "\(folder)/\($0)"
    }.filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
    }
  }
}
