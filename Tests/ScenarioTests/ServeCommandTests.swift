import Foundation
import Subprocess
import Testing

/// `serve` as people call it, as far as it needs no peer.
@Suite(.timeLimit(.minutes(15))) struct ServeCommandTests {
  private func serve(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(["serve"] + arguments), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return (code, result.standardOutput, result.standardError)
  }

  @Test func `an address of another machine is refused; --print opens no socket, so that it takes one`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let elsewhere = ["--listen", "udp 192.0.2.1:5060", "--state", "\(folder)/serve.json"]
    let refused = try await serve(elsewhere[0], elsewhere[1], elsewhere[2], elsewhere[3])
    #expect(refused.code == 2 && refused.errors.contains("not an address of this machine"), "\(refused)")
    let printed = try await serve("--print", "asterisk", elsewhere[0], elsewhere[1], elsewhere[2], elsewhere[3])
    #expect(printed.code == 0 && printed.output.contains("outbound_proxy=sip:192.0.2.1:5060\\;transport=udp\\;lr"), "\(printed)")
  }

  @Test func `printing twice gives the same text; --config's account, listeners and domain are what is printed`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try await serve("--print", "asterisk", "--state", "\(folder)/serve.json")
    let second = try await serve("--print", "asterisk", "--state", "\(folder)/serve.json")
    #expect(first.code == 0 && first.output == second.output && first.output.contains("protocol=tls"))
    let path = "\(folder)/c.yaml"
    try "account: { username: acme, password: s3cret }\ndomain: sip.example.com\nlisten: tcp 127.0.0.1:5090\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    let named = try await serve("--print", "freeswitch", "--config", path)
    for part in ["\"username\" value=\"acme\"", "\"password\" value=\"s3cret\"", "sip.example.com", "127.0.0.1:5090;transport=tcp"] {
      #expect(named.output.contains(part), "\(part) is missing in \(named.output)")
    }
  }
}
