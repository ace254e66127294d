import LabBench
import Foundation
import SansIO
import Testing
import WireReader

/// Wireshark's command line, the independent reader beside ours.
enum Tshark {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tshark")
  static let isRequired = (ProcessInfo.processInfo.environment["LAB_REQUIRE_PEERS"] ?? "").split(separator: ",").contains {
    $0.filter { $0 != " " } == "tshark"
  }
  /// True when its tests run: it is there, or its absence has to fail them.
  static var runs: Bool { isInstalled || isRequired }
  static let reason: Comment = "tshark is not installed (Debian package tshark); LAB_REQUIRE_PEERS=tshark would make this a failure"

  /// What a program prints; complaints about its user left out.
  static func run(_ program: String, _ arguments: [String], folder: Folder) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/\(program)")
    process.arguments = arguments
    process.environment = ["HOME": folder.path, "LC_ALL": "C.UTF-8", "TZ": "UTC"]
    let output = folder.file("output-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: output, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
  }

  /// One RTP stream as `rtp,streams` prints it.
  struct Stream: Hashable {
    var source: String
    var destination: String
    var ssrc: UInt32
    var packets: Int
    var lost: Int
    var meanDelta: String
    var maximumDelta: String
    var meanJitter: String
    var maximumJitter: String
  }

  /// What tshark says of a file in one run: RTP streams, and SIP messages by method or status.
  static func read(_ path: String, options: [String] = [], folder: Folder) throws -> (streams: Set<Stream>, messages: [String: Int]) {
    let fields = ["-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"]
    // Without the preference tshark loses a TLS stream at a segment that comes again.
    let preferences = ["-o", "tcp.reassemble_out_of_order:TRUE"]
    let lines = try run("tshark", ["-r", path, "-n"] + preferences + options + fields + ["-z", "rtp,streams"], folder: folder).split(
      separator: "\n")
    let table = lines.firstIndex { $0.hasPrefix("=") } ?? lines.count
    var messages: [String: Int] = [:]
    for line in lines[..<table] {
      for word in line.split(whereSeparator: { "\t,".contains($0) }) { messages[String(word), default: 0] += 1 }
    }
    return (Set(lines[table...].compactMap { line in stream(line.split(separator: " ").map(String.init)) }), messages)
  }

  /// Start, end, source, port, destination, port, SSRC, payload names, packets, lost, `(%)`, min, mean, max delta, min, mean, max jitter.
  private static func stream(_ words: [String]) -> Stream? {
    guard let percent = words.firstIndex(where: { $0.hasPrefix("(") && $0.hasSuffix("%)") }), percent >= 10, words.count > percent + 6,
      let packets = Int(words[percent - 2]), let lost = Int(words[percent - 1]), let ssrc = UInt32(words[6].dropFirst(2), radix: 16)
    else { return nil }
    return Stream(
      source: "\(words[2]) \(words[3])", destination: "\(words[4]) \(words[5])", ssrc: ssrc, packets: packets, lost: lost,
      meanDelta: words[percent + 2], maximumDelta: words[percent + 3], meanJitter: words[percent + 5], maximumJitter: words[percent + 6])
  }
}

/// A folder that is gone when the test is over.
final class Folder {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("inspection-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ bytes: Bytes, to name: String) -> String {
    _ = FileManager.default.createFile(atPath: file(name), contents: Data(bytes))
    return file(name)
  }
}
