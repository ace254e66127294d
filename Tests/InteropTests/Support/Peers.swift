import Foundation
import Subprocess
import Testing

/// Real SIP peers on this machine. A missing one skips its tests with the reason, or fails them when `LAB_REQUIRE_PEERS` names it.
enum Peer: String, CaseIterable {
  case sipp, baresip, sipsak, tshark, asterisk, openssl, kamailio
  /// The YAML reader and the validator of the system's Python; the tests of the language use them.
  case python

  var path: String? {
    if self == .asterisk { return AsteriskRoot.found?.program }
    if self == .kamailio { return KamailioRoot.found?.program }
    if self == .python {
      let modules = ["yaml", "jsonschema"].map { "/usr/lib/python3/dist-packages/\($0)" }
      return modules.allSatisfy(FileManager.default.fileExists) ? "/usr/bin/python3" : nil
    }
    return ["/usr/bin", "/usr/local/bin", "/bin"].map { "\($0)/\(rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static let required: Set<String> = Set(
    (ProcessInfo.processInfo.environment["LAB_REQUIRE_PEERS"] ?? "").split(separator: ",").map { String($0.filter { $0 != " " }) })

  var isRequired: Bool { Self.required.contains(rawValue) }

  /// True when tests with this peer run: it is there, or its absence has to fail them.
  var runs: Bool { path != nil || isRequired }

  var reason: Comment {
    switch self {
    case .asterisk: "there is no Asterisk in \(AsteriskRoot.folder); 'make asterisk' fetches one, or says why it cannot"
    default: "\(rawValue) is not installed (Debian package \(package ?? rawValue)); LAB_REQUIRE_PEERS=\(rawValue) would make this a failure"
    }
  }

  /// nil = not from a package of this machine.
  private var package: String? {
    switch self {
    case .sipp: "sip-tester"
    case .baresip: "baresip-core"
    case .sipsak: "sipsak"
    case .tshark: "tshark"
    case .openssl: "openssl"
    case .python: "python3-jsonschema"
    case .asterisk: nil
    case .kamailio: "kamailio, kamailio-tls-modules"
    }
  }

  /// What this machine has, as its packager calls it.
  func version() async -> String? {
    if self == .asterisk { return await AsteriskRoot.found?.version() }
    if self == .kamailio { return await KamailioRoot.version() }
    guard path != nil, let package else { return nil }
    let asked = try? await program("/usr/bin/dpkg-query", ["-W", "-f", "${Version}", package])
    return asked?.code == 0 ? asked?.output : nil
  }

  func required() throws -> String { try #require(path, "\(rawValue) is required and not installed") }

  static func table(_ versions: [Peer: String]) -> String {
    let lines = allCases.map { peer in
      let place = peer.path.map { "\(versions[peer] ?? "version unknown"), \($0)" }
      let state = place ?? (peer.isRequired ? "MISSING, required" : "MISSING: its tests were skipped; \(peer.reason)")
      return "  \(peer.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)) \(state)"
    }
    return (["Peers of this run:"] + lines).joined(separator: "\n")
  }
}

enum Place {
  static let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }.path
  static let lab = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent(
    "kallglot-lab"
  ).path

  static func temporary() throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("lab-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}

/// Runs a program to its end; its exit code and what it printed.
func program(_ path: String, _ arguments: [String], folder: String? = nil) async throws -> (code: Int32, output: String) {
  let result = try await Subprocess.run(
    .path(.init(path)), arguments: .init(arguments), workingDirectory: folder.map { .init($0) }, output: .string(limit: 4 << 20),
    error: .combinedWithOutput)
  let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
  return (code, result.standardOutput)
}
