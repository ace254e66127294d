import Foundation
import LiveNetwork
import Synchronization
import Testing

/// One test's own world: a folder, a /24 of 127/8, and the programs that run in it. All of them end with the test, and whatever the Lab
/// captured is then read by tshark and by `inspect`, which have to agree.
final class Scene: Sendable {
  let folder: String
  /// The first three octets of its addresses.
  let network: String
  private let name: String
  /// Nobody else's as long as the scene lives.
  private let claim: LoopbackNetwork
  private let companions = Mutex<[(Companion, Int32)]>([])

  /// What the programs of a scene bind: SIP, sipp's own ports, baresip's, and where media begin.
  private static let ports: [UInt16] = [5_060, 5_061, 5_070, 5_071, 5_090, 4_444, 6_000, 10_000, 20_000, 20_001]

  private init(_ name: String) throws {
    self.name = name
    claim = try LoopbackNetwork.claim(.twentyFour, addresses: [1, 2, 3], ports: Self.ports)
    network = claim.address(0).description.split(separator: ".").dropLast().joined(separator: ".")
    folder = try Place.temporary()
  }

  /// Our endpoint's address in this world.
  var us: String { "\(network).1" }
  var them: String { "\(network).2" }

  /// - Parameter name: what its folder is called where it is kept.
  static func run(_ name: String, _ body: (Scene) async throws -> Void) async throws {
    let scene = try Scene(name)
    do {
      try await body(scene)
    } catch {
      try? await scene.endAll()
      scene.leave()
      throw error
    }
    try await scene.endAll()
    try await scene.checkCaptures()
    scene.leave()
  }

  /// Starts a program; it is ended with `signal` after the test.
  func start(_ name: String, _ path: String, _ arguments: [String], endedBy signal: Int32 = SIGINT) async throws -> Companion {
    let companion = try await Companion.start(name, path, arguments, folder: folder)
    companions.withLock { $0.append((companion, signal)) }
    return companion
  }

  /// Starts `kallglot-lab serve` with this configuration and waits until it listens. Its captures are in the folder of its name.
  ///
  /// - Parameters:
  ///   - limit: none of its files grows beyond so many KiB (`ulimit -S -f`, RLIMIT_FSIZE of setrlimit(2)).
  ///   - more: further options.
  func serve(
    _ configuration: String, named name: String = "serve", filesOf limit: Int? = nil, more: [String] = []
  ) async throws -> Companion {
    let path = try write(configuration, to: "\(name).yaml")
    let arguments = ["serve", "--config", path, "--out", "\(folder)/\(name)", "--state", "\(folder)/\(name)-state.json"] + more
    let served =
      if let limit {
        try await start(
          name, "/bin/bash", ["-c", "ulimit -S -f \(limit) && exec env --default-signal=XFSZ \"$0\" \"$@\"", Place.lab] + arguments)
      } else {
        try await start(name, Place.lab, arguments)
      }
    _ = try await served.line("ready;")
    return served
  }

  @discardableResult func write(_ text: String, to file: String) throws -> String {
    let path = "\(folder)/\(file)"
    try FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// Every capture below the folder.
  func captures() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".pcapng") }.sorted().map { "\(folder)/\($0)" }
  }

  /// The capture whose name begins so; ``endAll()`` has to come first, since a file is complete when its program has ended.
  func capture(_ prefix: String) throws -> String {
    try #require(try captures().first { $0.hasPrefix("\(folder)/\(prefix)") }, "there is no capture \(prefix)…")
  }

  /// Ends all programs, the last one first.
  func endAll() async throws {
    let all = companions.withLock { companions in
      defer { companions = [] }
      return companions
    }
    for (companion, signal) in all.reversed() {
      let code = try await companion.stop(signal)
      try write(companion.transcript.text, to: "\(companion.name).log")
      if companion.name.hasPrefix("serve") { #expect(code == 0, "serve ended with \(code):\n\(companion.transcript.text.suffix(12_000))") }
    }
  }

  private func checkCaptures() async throws {
    guard Peer.tshark.runs else { return }
    for capture in try captures() {
      let report = try await program(Place.lab, ["inspect", capture]).output
      // Where RTP/AVP has keys (RFC 8643) tshark takes SRTCP for RTCP, and what stands in its ciphertext may look malformed.
      let complaints = try await Shark.complaints(capture).filter { !report.contains("SRTP") || !$0.contains(" RTCP ") }
      #expect(complaints.isEmpty, "\(capture): tshark says \(complaints)")
      let (shark, ours) = (try await Sight.shark(capture), try await Sight.inspect(capture))
      // Where numbers were skipped in a hold the two count loss differently, and inspect says so.
      let isCountedOtherwise = report.contains("counted otherwise than Wireshark")
      let isSame = isCountedOtherwise ? shark.withoutLosses == ours.withoutLosses : shark == ours
      #expect(isSame, "\(capture): tshark sees \(shark), inspect \(ours)")
    }
  }

  /// With `LAB_INTEROP_OUT` the folder goes there with its captures and logs, for people to look at.
  private func leave() {
    if let kept = ProcessInfo.processInfo.environment["LAB_INTEROP_OUT"] {
      try? FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
      let place = "\(kept)/\(name)"
      try? FileManager.default.removeItem(atPath: place)
      try? FileManager.default.moveItem(atPath: folder, toPath: place)
    } else {
      try? FileManager.default.removeItem(atPath: folder)
    }
  }
}
