import Capture
import Foundation
import Inspection
import LabTesting
import SRTP
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing
import WireReader

@testable import Decryption

/// Captures that are handed on: no file of a run has a secret's bytes.
@Suite struct NoSecretsTests {
  private let runs = Runs()

  /// The secrets of a run as they might be written: hexadecimal, base64, and the bytes themselves.
  private func secrets(_ folder: String) throws -> Set<Bytes> {
    var found: Set<Bytes> = []
    for path in try runs.files(folder, ".pcapng") where !path.hasSuffix(".clear.pcapng") {
      let clear = ClearText()
      let reader = PassiveReader(path: path, clearText: clear)
      var input = try CaptureReader(path: path)
      while let item = try input.next() {
        if case .secrets(let secrets) = item {
          reader.takeSecrets(secrets)
          for line in secrets.data.split(separator: 10) {
            if case .secret(_, _, let secret) = KeyLogEntry(line) {
              found.insert(secret)
              for isUpper in [false, true] { found.insert(Bytes(hex(secret, isUpper: isUpper))) }
            }
          }
        }
        guard case .packet(let packet) = item else { continue }
        _ = reader.take(packet)
        var texts = [packet.bytes]
        for piece in clear.pieces { if case .plaintext(let bytes) = piece.content { texts.append(bytes) } }
        for text in texts {
          for range in CryptoAttribute.keyRanges(in: text) where range.count >= 40 { found.insert(text[range].compacted()) }
        }
      }
    }
    return found
  }

  private func hex(_ bytes: Bytes, isUpper: Bool) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: isUpper) }.joined()
  }

  @Test(arguments: ["srtp/call.yaml", "srtp/outgoing.yaml", "srtp/keys-in-the-clear.yaml", "basic/answered-tls.yaml"])
  func `no secret's bytes are in any file of a run without secrets, and there is no twin`(file: String) throws {
    var count = 0
    for (number, scenario) in try Runs.scenarios(file).enumerated() {
      let (open, closed) = ("\(runs.folder)/\(number)/open", "\(runs.folder)/\(number)/closed")
      // An earlier run's twin would show what this one hides.
      _ = VirtualRun.run(scenario, seed: 3, folder: closed)
      _ = VirtualRun.run(scenario, seed: 3, folder: open)
      let result = VirtualRun.run(scenario, seed: 3, folder: closed, keepsSecrets: false)
      #expect(result.verdict == .passed)
      let secrets = try secrets(open)
      count += secrets.count
      #expect(try runs.files(closed, ".clear.pcapng").isEmpty)
      for path in try runs.files(closed) {
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        for secret in secrets { #expect(content.range(of: Data(secret.array)) == nil, "\(path)") }
      }
    }
    #expect(count > 3, "secrets were looked for")
  }

  @Test func `a frame whose keys were overwritten says so, is as long as it was, and nobody is accused of it`() throws {
    let scenario = try #require(try Runs.scenarios("srtp/call.yaml").first { $0.folderName.contains("osrtp-false-udp") })
    let folders = ["open", "closed"].map { "\(runs.folder)/\($0)" }
    _ = VirtualRun.run(scenario, seed: 1, folder: folders[0])
    _ = VirtualRun.run(scenario, seed: 1, folder: folders[1], keepsSecrets: false)
    func packets(_ folder: String) throws -> [CapturedPacket] {
      var reader = try CaptureReader(path: "\(folder)/pbx.pcapng")
      var packets: [CapturedPacket] = []
      while let packet = try reader.nextPacket() { packets.append(packet) }
      return packets
    }
    let (open, closed) = (try packets(folders[0]), try packets(folders[1]))
    #expect(open.map(\.bytes.count) == closed.map(\.bytes.count))
    let changed = zip(open, closed).filter { $0.bytes != $1.bytes }
    #expect(changed.count >= 2 && changed.allSatisfy { $1.comments.contains { $0.contains("keys of SRTP overwritten with x") } })
    #expect(changed.allSatisfy { $0.bytes.text.contains("inline:") && $1.bytes.text.contains("inline:xxxxxxxx") })
    let report = try Inspector().inspect(path: "\(folders[1])/pbx.pcapng")
    #expect(report.findings.allSatisfy { $0.severity == .note }, "\(report.findings)")
    #expect(report.text().contains { $0.contains("SRTP, closed: its key was overwritten") })
  }

  @Test func `a capture of somebody else is copied without its secrets, frame by frame`() throws {
    let scenario = try #require(try Runs.scenarios("srtp/call.yaml").first { $0.folderName.contains("require-false-tcp") })
    _ = VirtualRun.run(scenario, seed: 5, folder: runs.folder)
    let output = ByteOutput()
    let source = "\(runs.folder)/pbx.pcapng"
    let removed = try SecretsRemoval(.file(source)).write(to: output)
    #expect(removed.packets >= 2 && removed.problem == nil)
    let secrets = try secrets(runs.folder)
    let content = Data(output.bytes.array)
    #expect(!secrets.isEmpty && secrets.allSatisfy { content.range(of: Data($0.array)) == nil })
    let frames = try Inspector().inspect(path: source).frameCount
    #expect(try Inspector().inspect(output.bytes).frameCount == frames)
  }
}
