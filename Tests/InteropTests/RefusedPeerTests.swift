import Foundation
import SansIO
import SecureTransport
import Testing

/// Real peers that the policy keeps out: the answer is the contract's, and the capture shows it.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.sipp.runs && Peer.tshark.runs, Peer.sipp.reason)) struct RefusedPeerTests {
  /// The statuses of a capture's responses, and what its requests ask for, as tshark reads them.
  private func seen(_ scene: Scene) async throws -> String {
    var seen = ""
    for capture in try scene.captures() where capture.contains("/serve/") {
      seen += try await program(
        try Peer.tshark.required(),
        ["-r", capture, "-Y", "sip", "-T", "fields", "-e", "sip.Status-Code", "-e", "sip.CSeq.method", "-e", "ip.src"]
      ).output
    }
    return seen
  }

  private func calls(_ scene: Scene, _ more: [String]) async throws -> (code: Int32, output: String) {
    try await program(
      try Peer.sipp.required(),
      ["-sn", "uac", "\(scene.us):5060", "-i", scene.them, "-mi", scene.them, "-p", "5070", "-m", "1", "-nostdin", "-timeout", "15"] + more,
      folder: scene.folder)
  }

  @Test(arguments: [("u1", "UDP"), ("t1", "TCP")])
  func `an INVITE in clear gets 403 where TLS is required, and no port is opened (contract 8.1, step 2)`(
    mode: String, transport: String
  ) async throws {
    try await Scene.run("sipp-in-clear-\(transport)") { scene in
      let listeners = "[tls \(scene.us):5061, udp \(scene.us):5060, tcp \(scene.us):5060]"
      let serve = try await scene.serve("listen: \(listeners)\nauthentication: none\nanyDomain: true\nrequireTLS: true\n")
      let refused = try await calls(scene, ["-t", mode])
      #expect(refused.code == 1, "\(refused.output.suffix(1_500))")
      let line = try await serve.line("policy step 2 require TLS refused with 403").line
      #expect(line.contains(transport), "\(line)")
      try await scene.endAll()
      #expect(try await seen(scene).contains("403\tINVITE\t\(scene.us)"))
      #expect(!serve.transcript.text.contains("RTP \(scene.us)"))
    }
  }

  @Test func `an INVITE from an address that is not listed gets 403, over UDP (contract 8.1, step 3)`() async throws {
    try await Scene.run("sipp-unlisted") { scene in
      let serve = try await scene.serve(
        "listen: [udp \(scene.us):5060]\nauthentication: none\nanyDomain: true\nallow: [\(scene.network).3]\n")
      #expect(try await calls(scene, ["-t", "u1"]).code == 1)
      _ = try await serve.line("policy step 3 allowlist refused with 403")
      try await scene.endAll()
      #expect(try await seen(scene).contains("403\tINVITE\t\(scene.us)"))
    }
  }

  /// sipp 3.8 of the Asterisk's folder has TLS.
  @Test(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason), arguments: ["403", "drop"])
  func `an address that is not listed gets 403 over TLS, or with drop no byte at all (contract 8.1, step 3)`(refusal: String) async throws {
    try await Scene.run("sipp-unlisted-tls-\(refusal)") { scene in
      let root = try #require(AsteriskRoot.found, Peer.asterisk.reason)
      let serve = try await scene.serve(
        "listen: [tls \(scene.us):5061]\nauthentication: none\nanyDomain: true\nallow: [\(scene.network).3]\nallowlistRefusal: \(refusal)\n"
      )
      let made = try LabCertificates.make(names: ["sipp.example.com"], addresses: [], entropy: .system, epoch: .virtual)
      let (path, arguments) = root.command(
        "usr/bin/sipp",
        [
          "-sn", "uac", "\(scene.us):5061", "-t", "l1", "-i", scene.them, "-mi", scene.them, "-m", "1", "-nostdin", "-timeout", "10",
          "-tls_cert", try scene.write(made.certificate.text, to: "sipp.pem"),
          "-tls_key", try scene.write(made.privateKey.text, to: "sipp.key"), "-tls_ca", "\(scene.folder)/serve/authority.pem",
        ])
      let refused = try await program(path, arguments, folder: scene.folder)
      #expect(refused.code != 0, "\(refused.output.suffix(1_500))")
      _ = try await serve.line("policy step 3 allowlist \(refusal == "403" ? "refused with 403" : "dropped")")
      try await scene.endAll()
      let seen = try await seen(scene)
      #expect(seen.contains("403\tINVITE\t\(scene.us)") == (refusal == "403"), "\(seen)")
      if refusal == "drop" { #expect(!seen.contains("INVITE")) }
    }
  }
}
