import Foundation
import Testing

/// sipp's built-in scenarios on loopback; each test has a /24 of 127/8 of its own.
extension Interop {
  @Suite(.enabled(if: Peer.sipp.runs, Peer.sipp.reason)) struct SippTests {
    private let open = "\(Place.root)/fixtures/policies/open.yaml"

    private func succeeded(_ output: String) -> Int? {
      output.split(separator: "\n").last { $0.contains("Successful call") }?.split(separator: "|").last.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    }

    @Test(arguments: [("u1", "udp", "127.31.1"), ("t1", "tcp", "127.31.2")])
    func `sipp -sn uac completes its calls against serve`(mode: String, transport: String, network: String) async throws {
      let sipp = try Peer.sipp.required()
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let (output, log, code) = try await Served.run(["--config", open, "--listen", "\(transport) \(network).1:5060", "--out", folder]) {
        try await program(
          sipp, ["-sn", "uac", "-t", mode, "\(network).1:5060", "-i", "\(network).2", "-p", "5070", "-m", "5", "-r", "10", "-d", "300", "-nostdin", "-timeout", "20"])
      }
      #expect(output.code == 0 && succeeded(output.output) == 5, "\(output.output.suffix(1_500))")
      #expect(code == 0)
      #expect(log.components(separatedBy: "hung up by the peer").count == 6, "\(log)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count { $0.hasPrefix("call-") } == 5)
    }

    @Test func `sipp -sn uac_pcap completes, and its audio is counted without loss`() async throws {
      let sipp = try Peer.sipp.required()
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      // sipp looks for pcap/ beside its working directory.
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/pcap", withDestinationPath: "/usr/share/sip-tester")
      let (output, log, _) = try await Served.run(["--config", open, "--listen", "udp 127.31.3.1:5060"]) {
        try await program(
          sipp, ["-sn", "uac_pcap", "127.31.3.1:5060", "-i", "127.31.3.2", "-mi", "127.31.3.2", "-p", "5070", "-m", "1", "-nostdin", "-timeout", "30"],
          folder: folder)
      }
      #expect(output.code == 0 && succeeded(output.output) == 1, "\(output.output.suffix(1_500))")
      let line = try #require(log.split(separator: "\n").first { $0.contains("hung up by the peer") })
      let received = line.components(separatedBy: ", in ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
      let lost = line.components(separatedBy: ", ").first { $0.hasSuffix(" lost") }.flatMap { Int($0.dropLast(5)) } ?? 1
      // Its telephone-events end with repeated packets, so the count may be below zero.
      #expect(received > 200 && lost <= 0, "\(line)")
    }

    @Test func `kallglot-lab call reaches sipp -sn uas and says what happened`() async throws {
      let sipp = try Peer.sipp.required()
      async let uas = program(sipp, ["-sn", "uas", "-i", "127.31.4.2", "-p", "5060", "-m", "1", "-nostdin", "-timeout", "20"])
      // sipp needs a moment to listen; our INVITE is repeated by Timer A if it comes too early.
      let call = try await program(Place.lab, ["call", "sip:service@127.31.4.2", "--for", "800 ms", "--tone"])
      #expect(call.code == 0 && call.output.contains("answered; hung up here"), "\(call.output)")
      #expect(try await uas.code == 0)
    }
  }
}
