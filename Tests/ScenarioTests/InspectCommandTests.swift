import Foundation
import LabBench
import SansIO
import Subprocess
import Testing

/// `inspect` as people and CI call it.
@Suite(.timeLimit(.minutes(15))) struct InspectCommandTests {
  private func lab(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(["inspect"] + arguments), workingDirectory: .init(Place.root),
      output: .string(limit: 1 << 22), error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return (code, result.standardOutput, result.standardError)
  }

  private func write(_ bytes: Bytes, _ folder: String, _ name: String) throws -> String {
    try Data(bytes.array).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    return "\(folder)/\(name)"
  }

  private func refused() -> Bytes {
    var packets = Packets()
    packets.udp(alice, to: bob, Talk().request("INVITE", cseq: 1))
    packets.udp(bob, to: alice, Talk().response("404 Not Found", cseq: 1, "INVITE"))
    packets.udp(alice, to: bob, Talk().request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
    return packets.file
  }

  @Test func `exit codes: 0 judged, 1 at or above --fail-on, 2 missing or no capture, 3 nothing judged; the worst of several`() async throws
  {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let refused = try write(refused(), folder, "refused.pcapng")
    let empty = try write(RawFrames.pcap(1, []), folder, "empty.pcap")
    let text = try write("no capture at all", folder, "text.txt")
    #expect(try await lab([refused]).code == 0)
    #expect(try await lab([refused, "--fail-on", "error"]).code == 0)
    #expect(try await lab([refused, "--fail-on", "warning"]).code == 1)
    #expect(try await lab([empty]).code == 3)
    #expect(try await lab([refused, "--filter", "nowhere"]).code == 3)
    #expect(try await lab([text]).code == 2)
    #expect(try await lab([refused, empty, "--fail-on", "note"]).code == 3)
    let several = try await lab(["\(folder)/none.pcap", text, refused, empty])
    #expect(several.code == 2 && several.output.contains("refused with 404") && several.output.contains("Nothing could be judged"))
    #expect(several.errors.split(separator: "\n").count == 2 && several.errors.contains("text.txt is neither pcapng nor pcap"))
  }

  @Test func `a failed scenario's report has what inspect says of its captures, and a passed one's has not`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func run(_ file: String) async throws -> String {
      let result = try await Subprocess.run(
        .path(.init(Place.lab)), arguments: ["run", file, "--out", folder], workingDirectory: .init(Place.root),
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
      return result.standardOutput
    }
    let failed = try await run("fixtures/scenarios/requires-tls.yaml")
    #expect(failed.contains("\n    inspect   kallglot: warning #2 INVITE was refused with 403 Forbidden by 198.51.100.10"), "\(failed)")
    #expect(failed.contains("\n              pbx: warning #2 INVITE was refused with 403 Forbidden by 198.51.100.10"))
    #expect(!(try await run("scenarios/basic/answered-udp.yaml")).contains("inspect"))
  }

  @Test func `a wrong word of --fail-on is answered with the nearest valid one`() async throws {
    let outcome = try await lab(["x.pcap", "--fail-on", "warnings"])
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("--fail-on is 'warnings', expected error, warning or note, did you mean 'warning'?"))
  }
}
