import Foundation
import SansIO
import SecureTransport
import Testing

/// sipp's built-in scenarios. They wait more than they work, so they run beside each other.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.sipp.runs, Peer.sipp.reason)) struct SippTests {
  private func open(_ listener: String, more: String = "") -> String {
    """
    listen: [\(listener)]
    authentication: none
    anyDomain: true
    maxConcurrentCalls: 100
    \(more)
    """
  }

  private func succeeded(_ output: String) -> Int? {
    output.split(separator: "\n").last { $0.contains("Successful call") }?.split(separator: "|").last.flatMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
  }

  /// Runs one of sipp's scenarios against our endpoint to its end.
  private func sipp(_ scene: Scene, _ scenario: String, _ more: [String]) async throws -> (code: Int32, output: String) {
    try await program(
      try Peer.sipp.required(),
      ["-sn", scenario, "\(scene.us):5060", "-i", scene.them, "-mi", scene.them, "-p", "5070", "-nostdin", "-timeout", "30"] + more,
      folder: scene.folder)
  }

  @Test(arguments: [("u1", "udp"), ("t1", "tcp")])
  func `sipp -sn uac completes its calls against serve`(mode: String, transport: String) async throws {
    try await Scene.run("sipp-uac-\(transport)") { scene in
      let serve = try await scene.serve(open("\(transport) \(scene.us):5060"))
      let output = try await sipp(scene, "uac", ["-t", mode, "-m", "5", "-r", "10", "-d", "300"])
      #expect(output.code == 0 && succeeded(output.output) == 5, "\(output.output.suffix(1_500))")
      try await scene.endAll()
      #expect(serve.transcript.text.components(separatedBy: "hung up by the peer").count == 6, "\(serve.transcript.text)")
      #expect(try scene.captures().count { $0.contains("/call-") } == 5)
    }
  }

  /// Debian 12's sipp has no TLS; that of the Asterisk's folder has, and checks our certificate.
  @Test(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason))
  func `sipp 3.8 -sn uac completes its calls over TLS`() async throws {
    try await Scene.run("sipp-uac-tls") { scene in
      let root = try #require(AsteriskRoot.found, Peer.asterisk.reason)
      _ = try await scene.serve(open("tls \(scene.us):5061"))
      let made = try LabCertificates.make(names: ["sipp.example.com"], addresses: [], entropy: .system, epoch: .virtual)
      let (certificate, key) = (
        try scene.write(made.certificate.text, to: "sipp.pem"), try scene.write(made.privateKey.text, to: "sipp.key")
      )
      let (path, arguments) = root.command(
        "usr/bin/sipp",
        [
          "-sn", "uac", "\(scene.us):5061", "-t", "l1", "-i", scene.them, "-mi", scene.them, "-m", "3", "-r", "10", "-d", "300", "-nostdin",
          "-timeout", "30", "-tls_cert", certificate, "-tls_key", key, "-tls_ca", "\(scene.folder)/serve/authority.pem",
        ])
      let output = try await program(path, arguments, folder: scene.folder)
      #expect(output.code == 0 && succeeded(output.output) == 3, "\(output.output.suffix(1_500))")
      try await scene.endAll()
      #expect(try scene.captures().count { $0.contains("/call-") } == 3)
    }
  }

  @Test func `sipp -sn uac_pcap completes, and its audio is counted without loss`() async throws {
    try await Scene.run("sipp-uac-pcap") { scene in
      // sipp looks for pcap/ beside its working directory.
      try FileManager.default.createSymbolicLink(atPath: "\(scene.folder)/pcap", withDestinationPath: "/usr/share/sip-tester")
      let serve = try await scene.serve(open("udp \(scene.us):5060"))
      let output = try await sipp(scene, "uac_pcap", ["-m", "1"])
      #expect(output.code == 0 && succeeded(output.output) == 1, "\(output.output.suffix(1_500))")
      let line = try await serve.line("hung up by the peer").line
      let received = line.components(separatedBy: ", in ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
      let lost = line.components(separatedBy: ", ").first { $0.hasSuffix(" lost") }.flatMap { Int($0.dropLast(5)) } ?? 1
      // Its telephone-events end with repeated packets, so the count may be below zero.
      #expect(received > 200 && lost <= 0, "\(line)")
    }
  }

  /// The scenario searches our 200: an address with a port anywhere in it, a Contact, an `o=` with three alphanumeric words; and it sends
  /// what it found back in headers of its own in the ACK.
  @Test func `sipp -sn regexp finds address, Contact and o= in our 200`() async throws {
    try await Scene.run("sipp-regexp") { scene in
      _ = try await scene.serve(open("udp \(scene.us):5060"))
      let output = try await sipp(scene, "regexp", ["-m", "3", "-r", "10"])
      #expect(output.code == 0 && succeeded(output.output) == 3, "\(output.output.suffix(1_500))")
      try await scene.endAll()
      let messages = try await Shark.messages(try scene.capture("serve/call-00001"))
      let ack = try #require(messages.first { $0.message.method == .ack }?.message)
      #expect(
        ack.bytes.text.contains("retrievedContact: <sip:") && ack.bytes.text.contains("retrievedSdpOrigin-username:kallglot"),
        "\(ack.bytes.text)")
    }
  }

  /// The scenario registers, and calls with the same Call-ID, CSeq number and From URI, but another From tag: a dialog of its own
  /// (RFC 3261 §12). Its domains are not ours, and its pauses add up to nine seconds a call.
  @Test func `sipp -sn branchc registers and calls with the Call-ID of its registration`() async throws {
    try await Scene.run("sipp-branchc") { scene in
      let serve = try await scene.serve(open("udp \(scene.us):5060"))
      let output = try await sipp(scene, "branchc", ["-m", "3", "-r", "10"])
      #expect(output.code == 0 && succeeded(output.output) == 3, "\(output.output.suffix(1_500))")
      try await scene.endAll()
      let log = serve.transcript.text
      #expect(log.components(separatedBy: "policy step registration passed").count == 4, "\(log)")
      #expect(log.components(separatedBy: "hung up by the peer").count == 4, "\(log)")
    }
  }

  @Test func `kallglot-lab call reaches sipp -sn uas and says what happened`() async throws {
    try await Scene.run("sipp-uas") { scene in
      let uas = try await scene.start(
        "sipp", try Peer.sipp.required(), ["-sn", "uas", "-i", scene.them, "-p", "5060", "-m", "1", "-nostdin", "-timeout", "20"])
      // sipp needs a moment to listen; our INVITE is repeated by Timer A if it comes too early.
      let call = try await program(
        Place.lab, ["call", "sip:service@\(scene.them)", "--for", "800 ms", "--tone", "--out", "\(scene.folder)/call"])
      #expect(call.code == 0 && call.output.contains("answered; hung up here"), "\(call.output)")
      #expect(try await uas.finished() == 0)
    }
  }
}
