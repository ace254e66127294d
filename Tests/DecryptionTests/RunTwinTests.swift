import Capture
import Foundation
import Inspection
import LabTesting
import SansIO
import ScenarioModel
import Testing
import WireReader

@testable import Decryption

/// What runs of the scenario library leave: captures that open themselves, and their twins.
@Suite(.enabled(if: Shark.runs, Shark.reason)) struct RunTwinTests {
  private let runs = Runs()

  /// What our reader sees: SIP messages, bytes that TLS carried, and whether all of it was opened.
  private func read(_ path: String) throws -> (messages: Int, opened: Int, isWhole: Bool) {
    let reader = PassiveReader(path: path)
    var input = try CaptureReader(path: path)
    while let item = try input.next() {
      switch item {
      case .packet(let packet): _ = reader.take(packet)
      case .secrets(let secrets): reader.takeSecrets(secrets)
      case .interface(let interface): reader.take(interface)
      case .statistics, .other: continue
      }
    }
    _ = reader.finish(problem: nil)
    let secured = reader.connections.secured
    return (
      reader.counts.total, secured.reduce(0) { $0 + $1.openedBytes }, secured.allSatisfy { $0.openedBytes > 0 && $0.closedBytes == 0 }
    )
  }

  private static let scenarios: [Scenario] = {
    let everything = ProcessInfo.processInfo.environment["LAB_EVERY_CAPTURE"] != nil
    // Of segments of one byte tshark itself does not open all.
    let secured = ((try? Runs.scenarios(having: "tls")) ?? []).filter { !$0.name.hasPrefix("tls/wire-one-byte") }
    // The rows of a table differ in little: the first one of each sixth file.
    var files: [String] = []
    let chosen = secured.filter { scenario in
      guard !everything else { return true }
      guard files.last != scenario.file else { return false }
      files.append(scenario.file)
      return files.count % 6 == 1
    }
    // A chain of certificates does not fit into one segment, and a client logs its secrets one by one.
    let chain = (try? Runs.scenarios("tls/callee-taken.yaml")) ?? []
    return ["srtp", "dtls"].reduce(chosen + chain) { $0 + ((try? Runs.scenarios($1, most: everything ? .max : 5)) ?? []) }
  }()

  @Test(arguments: scenarios)
  func `tshark shows the SIP of each capture in which TLS carried something, and of its twin RTP where the capture has SRTP`(
    scenario: Scenario
  ) throws {
    try #require(Shark.isInstalled, "tshark is required and not installed")
    _ = ScenarioSuite.run(scenario, folder: runs.folder)
    for twin in try runs.files(runs.folder, ".clear.pcapng") {
      let original = twin.replacing(".clear.pcapng", with: ".pcapng")
      let ours = try read(original)
      let (sealed, clear) = (try Shark.frames(original), try Shark.frames(twin))
      #expect(sealed.count == clear.count, "\(twin) has other frames")
      #expect(!clear.contains { $0.protocolName.hasPrefix("SRT") || $0.protocolName.hasPrefix("DTLS") }, "\(twin)")
      if ours.isWhole { #expect(!clear.contains { $0.protocolName.hasPrefix("TLS") }, "\(twin)") }
      let isBroken = try Inspector().inspect(path: original).text().contains { $0.contains("deliberately broken") }
      guard !isBroken else { continue }
      // tshark opens suites that are closed here.
      guard ours.isWhole else { continue }
      if ours.opened > 0 { #expect(sealed.reduce(0) { $0 + $1.messages } == ours.messages, "SIP of \(original)") }
      #expect(clear.reduce(0) { $0 + $1.messages } == ours.messages, "SIP of \(twin)")
      #expect(clear.allSatisfy { !$0.isMalformed })
      #expect(try read(twin).messages == ours.messages)
    }
  }

  @Test func `a run's capture opens its RTP whatever keyed it: DTLS by its handshake's secret, SDES by SIP that TLS carried`() throws {
    for (name, word) in [("dtls/call.yaml", ""), ("srtp/call.yaml", "tls")] {
      let scenario = try #require(try Runs.scenarios(name).first { word.isEmpty || $0.folderName.contains(word) })
      let folder = "\(runs.folder)/\(name)"
      #expect(ScenarioSuite.run(scenario, folder: folder).verdict == .passed)
      for capture in try runs.files(folder, ".pcapng") where !capture.hasSuffix(".clear.pcapng") {
        let outcome = try ClearTwin(.file(capture)).write(to: ByteOutput())
        #expect(outcome.openedPackets > 20 && outcome.closed.isEmpty, "\(capture): \(outcome)")
      }
    }
  }

  @Test func `a twin stands beside each capture with TLS or SRTP, and beside no other`() throws {
    for (name, wanted) in [
      ("basic/answered-udp.yaml", []), ("basic/answered-tls.yaml", ["kallglot.clear.pcapng", "pbx.clear.pcapng"]),
    ] as [(String, [String])] {
      let folder = "\(runs.folder)/\(name)"
      _ = ScenarioSuite.run(try #require(try Runs.scenarios(name).first), folder: folder)
      #expect(try runs.files(folder, ".clear.pcapng") == wanted.map { "\(folder)/\($0)" })
    }
  }
}
