import Foundation
import Glibc
import Testing

/// The folder that `make asterisk` fills: unpacked Debian packages whose programs run with their own loader and libraries.
struct AsteriskRoot: Sendable {
  private let loader: String
  private let libraries: String

  var program: String { "\(Self.folder)/usr/sbin/asterisk" }
  var modules: String { "\(libraries)/asterisk/modules" }

  static let folder: String = {
    let environment = ProcessInfo.processInfo.environment
    if let named = environment["LAB_ASTERISK_ROOT"] { return named }
    return "\(environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")/kallglot-lab/asterisk"
  }()

  static let found: AsteriskRoot? = {
    let files = FileManager.default
    guard files.isExecutableFile(atPath: "\(folder)/usr/sbin/asterisk") else { return nil }
    let libraries = (try? files.contentsOfDirectory(atPath: "\(folder)/usr/lib"))?.sorted().map { "\(folder)/usr/lib/\($0)" }
      .first { files.fileExists(atPath: "\($0)/libc.so.6") }
    let loader = ["\(folder)/usr/lib64", "\(folder)/usr/lib"].lazy
      .compactMap { place in (try? files.contentsOfDirectory(atPath: place))?.first { $0.hasPrefix("ld-linux") }.map { "\(place)/\($0)" } }
      .first
    guard let libraries, let loader else { return nil }
    return AsteriskRoot(loader: loader, libraries: libraries)
  }()

  /// How a program of this root is started.
  func command(_ program: String, _ arguments: [String]) -> (path: String, arguments: [String]) {
    (loader, ["--library-path", libraries, "\(Self.folder)/\(program)"] + arguments)
  }

  func version() async -> String? {
    let (path, arguments) = command("usr/sbin/asterisk", ["-V"])
    return (try? await InteropTests.program(path, arguments))?.output.split(separator: "\n").first.map(String.init)
  }
}

/// A real Asterisk with a folder and an address of its own. Its log, SIP messages included, is what ``program`` says.
struct AsteriskServer: Sendable {
  let program: Companion
  private let root: AsteriskRoot
  private let folder: String

  /// Starts one and waits until it is fully booted.
  ///
  /// - Parameters:
  ///   - pjsip: `pjsip.conf` without its `[global]`.
  ///   - dialplan: `extensions.conf`.
  static func start(_ scene: Scene, pjsip: String, dialplan: String, rtpPorts: ClosedRange<Int> = 10_000...10_099) async throws
    -> AsteriskServer
  {
    try await start(
      scene, files: [("pjsip.conf", "[global]\ntype=global\ndebug=yes\n\(pjsip)\n"), ("extensions.conf", dialplan + "\n")],
      rtpPorts: rtpPorts)
  }

  /// Starts one with these configuration files as they are, beside those that say where its folders are and what it logs.
  static func start(_ scene: Scene, files: [(name: String, text: String)], rtpPorts: ClosedRange<Int> = 10_000...10_099) async throws
    -> AsteriskServer
  {
    let root = try #require(AsteriskRoot.found, Peer.asterisk.reason)
    let folder = "\(scene.folder)/asterisk"
    for place in ["db", "key", "spool", "run", "log"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(place)", withIntermediateDirectories: true)
    }
    for (file, text) in configuration(root, folder, rtpPorts) + files { try scene.write(text, to: "asterisk/\(file)") }
    let (path, arguments) = root.command("usr/sbin/asterisk", ["-f", "-C", "\(folder)/asterisk.conf"])
    let program = try await scene.start("asterisk", path, arguments, endedBy: SIGTERM)
    _ = try await program.line("Asterisk Ready.", within: .seconds(30))
    return AsteriskServer(program: program, root: root, folder: folder)
  }

  private static func configuration(
    _ root: AsteriskRoot, _ folder: String, _ ports: ClosedRange<Int>
  ) -> [(name: String, text: String)] {
    let share = "\(AsteriskRoot.folder)/usr/share/asterisk"
    let own = """
      [directories]
      astetcdir => \(folder)
      astmoddir => \(root.modules)
      astvarlibdir => \(share)
      astdatadir => \(share)
      astdbdir => \(folder)/db
      astkeydir => \(folder)/key
      astspooldir => \(folder)/spool
      astrundir => \(folder)/run
      astlogdir => \(folder)/log
      [options]
      verbose = 3

      """
    return [
      ("asterisk.conf", own), ("logger.conf", "[logfiles]\n/dev/stdout => notice,warning,error,verbose(3)\n"),
      ("modules.conf", "[modules]\nautoload=yes\n"), ("rtp.conf", "[general]\nrtpstart=\(ports.lowerBound)\nrtpend=\(ports.upperBound)\n"),
    ]
  }

  private func asking(_ command: String) -> (path: String, arguments: [String]) {
    root.command("usr/sbin/asterisk", ["-C", "\(folder)/asterisk.conf", "-rx", command])
  }

  /// The program and the arguments that give the running server a command.
  func command(_ text: String) -> [String] {
    let (path, arguments) = asking(text)
    return [path] + arguments
  }

  /// Asks the command line of the running server; what it answers.
  @discardableResult func ask(_ command: String) async throws -> String {
    let (path, arguments) = asking(command)
    return try await InteropTests.program(path, arguments).output
  }

  /// Asks again until the answer has the text; the command line has no events.
  @discardableResult func ask(_ command: String, until text: String, tries: Int = 60) async throws -> String {
    var answer = ""
    for _ in 0..<tries {
      answer = try await ask(command)
      if answer.contains(text) { return answer }
    }
    throw Transcript.Missing(description: "'\(command)' never answered with '\(text)', but at last with:\n\(answer)")
  }

  /// Waits until it is registered. Its own first attempt may come before the module that answers challenges is loaded; then it gives up
  /// for good, and has to be told.
  func register(_ registration: String) async throws {
    if try await !ask("pjsip show registrations").contains("Registered") { try await ask("pjsip send register \(registration)") }
    try await ask("pjsip show registrations", until: "Registered", tries: 200)
  }

  func line(_ text: String, after earlier: Transcript.Sighting? = nil) async throws -> Transcript.Sighting {
    try await program.line(text, after: earlier)
  }
}
