import Foundation
import Subprocess
import Testing

/// Real SIP peers on this machine. A missing one skips its tests with the reason, or fails them when `LAB_REQUIRE_PEERS` names it.
enum Peer: String, CaseIterable {
  case sipp, baresip, tshark

  var path: String? {
    ["/usr/bin", "/usr/local/bin", "/bin"].map { "\($0)/\(rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static let required: Set<String> = Set(
    (ProcessInfo.processInfo.environment["LAB_REQUIRE_PEERS"] ?? "").split(separator: ",").map { String($0.filter { $0 != " " }) })

  var isRequired: Bool { Self.required.contains(rawValue) }

  /// True when tests with this peer run: it is there, or its absence has to fail them.
  var runs: Bool { path != nil || isRequired }

  var reason: Comment { "\(rawValue) is not installed (Debian package \(package)); LAB_REQUIRE_PEERS=\(rawValue) would make this a failure" }

  private var package: String {
    switch self {
    case .sipp: "sip-tester"
    case .baresip: "baresip-core"
    case .tshark: "tshark"
    }
  }

  func required() throws -> String { try #require(path, "\(rawValue) is required and not installed") }

  static func table() -> String {
    let lines = allCases.map { peer in
      let state = peer.path ?? (peer.isRequired ? "MISSING, required" : "missing: its tests were skipped")
      return "  \(peer.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)) \(state)"
    }
    return (["Peers of this run:"] + lines).joined(separator: "\n")
  }
}

enum Place {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let lab = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("kallglot-lab").path

  static func temporary() throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("lab-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}

/// A `kallglot-lab serve` of its own for one test.
struct Served {
  var log: String

  /// Serves while the body runs, then ends it as Ctrl-C does; the log comes after.
  static func run<Value: Sendable>(_ arguments: [String], _ body: @Sendable () async throws -> Value) async throws -> (value: Value, log: String, code: Int32) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(["serve"] + arguments), input: .none, output: .sequence, error: .discarded
    ) { execution -> (Value?, String) in
      var log = ""
      var value: Value?
      var failure: (any Error)?
      for try await line in execution.standardOutput.strings() {
        log += line + "\n"
        guard value == nil, failure == nil, line.contains("ready;") else { continue }
        do { value = try await body() } catch { failure = error }
        try execution.send(signal: .interrupt)
      }
      if let failure { throw failure }
      return (value, log)
    }
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    let (value, log) = result.closureResult
    return (try #require(value, "serve did not get ready: \(log)"), log, code)
  }
}

/// Runs a program to its end; its exit code and what it printed.
func program(_ path: String, _ arguments: [String], folder: String? = nil) async throws -> (code: Int32, output: String) {
  let result = try await Subprocess.run(
    .path(.init(path)), arguments: .init(arguments), workingDirectory: folder.map { .init($0) }, output: .string(limit: 4 << 20), error: .combinedWithOutput)
  let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
  return (code, result.standardOutput)
}
