import Foundation
import Testing

/// OpenSSL's own client against `serve`, and what the capture shows of it.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.openssl.runs, Peer.openssl.reason)) struct OpenSSLTests {
  private func configuration(_ scene: Scene, more: String = "") -> String {
    """
    listen: [tls \(scene.us):5061]
    authentication: none
    \(more)
    """
  }

  /// What s_client says; it ends when `input`, a shell command's output, ends.
  private func client(_ scene: Scene, _ options: String, input: String = "sleep 2") async throws -> String {
    let openssl = try Peer.openssl.required()
    let trust = "-CAfile \(scene.folder)/serve/authority.pem"
    return try await program(
      "/bin/sh", ["-c", "(\(input)) | \(openssl) s_client -connect \(scene.us):5061 \(trust) \(options) 2>&1"], folder: scene.folder
    ).output
  }

  /// What a client says that is refused: it waits for our close, however long that takes.
  private func refused(_ scene: Scene, _ options: String) async throws -> String {
    try await client(scene, "\(options) -ign_eof", input: ":")
  }

  /// The alerts that tshark sees in a connection's capture, as `source: description`.
  private func alerts(_ capture: String) async throws -> String {
    let shown = try await program(
      try Peer.tshark.required(),
      ["-r", capture, "-d", "tcp.port==5061,tls", "-Y", "tls.alert_message.desc", "-T", "fields", "-e", "tls.alert_message.desc"])
    return shown.output
  }

  @Test(arguments: [("-tls1", "1.0"), ("-tls1_1", "1.1")])
  func `a client of an old version gets protocol_version and no SIP, and the capture shows it (RFC 8996 §2)`(
    option: String, version: String
  ) async throws {
    try await Scene.run("openssl-tls-\(version)") { scene in
      let serve = try await scene.serve(configuration(scene))
      let said = try await refused(scene, "\(option) -cipher ALL:@SECLEVEL=0")
      #expect(said.contains("alert protocol version") && said.contains("alert number 70"), "\(said)")
      _ = try await serve.line("we refused the peer: unsupported protocol; sent alert protocol_version (70)")
      try await scene.endAll()
      // It came to no call, and to no message.
      #expect(try await alerts(try scene.capture("serve/other-00001")).contains("70"))
      let report = try await program(Place.lab, ["inspect", try scene.capture("serve/other-00001")])
      #expect(report.output.contains("by the alert protocol_version (fatal)"), "\(report.output)")
      #expect(report.output.contains("SIP: none"), "\(report.output)")
    }
  }

  @Test(arguments: [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
  func `a client of a new version is served, and verifies the chain and the name`(option: String, version: String) async throws {
    try await Scene.run("openssl-\(version)") { scene in
      _ = try await scene.serve(configuration(scene))
      let said = try await client(
        scene, "\(option) -servername sip.kallglot.com -verify_hostname sip.kallglot.com -verify_return_error")
      #expect(said.contains("Verify return code: 0 (ok)") && said.contains(version), "\(said)")
    }
  }

  @Test func `a client of weak suites gets handshake_failure (RFC 5246 §7.4.1.3)`() async throws {
    try await Scene.run("openssl-weak") { scene in
      let serve = try await scene.serve(configuration(scene))
      let said = try await refused(scene, "-tls1_2 -cipher aNULL:eNULL:@SECLEVEL=0")
      #expect(said.contains("alert handshake failure"), "\(said)")
      _ = try await serve.line("sent alert handshake_failure (40)")
    }
  }

  @Test func `renegotiation is refused, and the connection with it (RFC 5746 §4.5, RFC 5246 §7.2.2)`() async throws {
    try await Scene.run("openssl-renegotiates") { scene in
      _ = try await scene.serve(configuration(scene))
      let said = try await client(scene, "-tls1_2", input: "sleep 2; echo R; sleep 2")
      #expect(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "\(said)")
    }
  }

  @Test(arguments: [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
  func `a session is resumed by its ticket (RFC 5077, RFC 8446 §2.2)`(option: String, version: String) async throws {
    try await Scene.run("openssl-resumes-\(version)") { scene in
      _ = try await scene.serve(configuration(scene))
      let first = try await client(scene, "\(option) -sess_out ticket.pem", input: "sleep 2")
      #expect(first.contains("New, \(version)"), "\(first)")
      let second = try await client(scene, "\(option) -sess_in ticket.pem")
      #expect(second.contains("Reused, \(version)"), "\(second)")
    }
  }

  @Test func `with clientCertificate required no certificate and a wrong one are refused, and that of certs is taken`() async throws {
    try await Scene.run("openssl-client-certificate") { scene in
      let serve = try await scene.serve(configuration(scene, more: "clientCertificate: { is: required, names: pbx.example.com }"))
      let folder = "\(scene.folder)/certs"
      for (name, state) in [("pbx.example.com", "serve-state.json"), ("other.example.com", "serve-state.json")] {
        let made = try await program(
          Place.lab, ["certs", "--out", "\(folder)/\(name)", "--host", name, "--state", "\(scene.folder)/\(state)"])
        #expect(made.code == 0, "\(made.output)")
      }
      func shown(_ name: String) -> String {
        "-cert \(folder)/\(name)/pbx.pem -cert_chain \(folder)/\(name)/pbx.pem -key \(folder)/\(name)/pbx-key.pem"
      }
      let absent = try await refused(scene, "-tls1_3")
      #expect(absent.contains("alert certificate required"), "\(absent)")
      let missing = try await serve.line("it showed no certificate, and one is required")
      #expect(missing.line.contains("sent alert certificate_required (116)"), "\(missing.line)")
      let wrong = try await refused(scene, "-tls1_3 \(shown("other.example.com"))")
      #expect(wrong.contains("alert bad certificate"), "\(wrong)")
      _ = try await serve.line("its certificate is for other.example.com, not for pbx.example.com (RFC 5922 §7)")
      let taken = try await client(scene, "-tls1_3 \(shown("pbx.example.com"))")
      #expect(!taken.contains("alert") && taken.contains("Verify return code: 0 (ok)"), "\(taken)")
    }
  }

  @Test func `certs writes what openssl verifies, a key for its owner alone, and replaces nothing unasked`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let hosts = ["--host", "pbx.example.com", "--host", "192.0.2.20"]
    let arguments = ["certs", "--out", "\(folder)/certs", "--state", "\(folder)/s.json"] + hosts
    let made = try await program(Place.lab, arguments)
    #expect(made.code == 0 && made.output.contains("written \(folder)/certs/pbx-key.pem (mode 600)"), "\(made.output)")
    for product in ["Asterisk", "FreeSWITCH", "CUCM"] { #expect(made.output.contains(product)) }
    let openssl = try Peer.openssl.required()
    let (authority, own) = ("\(folder)/certs/authority.pem", "\(folder)/certs/pbx.pem")
    for check in [
      ["-verify_hostname", "pbx.example.com", "-purpose", "sslserver"], ["-verify_ip", "192.0.2.20", "-purpose", "sslclient"],
    ] {
      let verified = try await program(openssl, ["verify", "-CAfile", authority, "-untrusted", own] + check + [own])
      #expect(verified.code == 0 && verified.output.contains("OK"), "\(verified.output)")
    }
    let other = try await program(openssl, ["verify", "-CAfile", authority, "-untrusted", own, "-verify_hostname", "a.example", own])
    #expect(other.code != 0)
    let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/certs/pbx-key.pem")[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let key = try String(contentsOfFile: "\(folder)/certs/pbx-key.pem", encoding: .utf8)
    let again = try await program(Place.lab, arguments)
    #expect(again.code == 2 && again.output.contains("is there already; --replace replaces it"), "\(again.output)")
    #expect(try String(contentsOfFile: "\(folder)/certs/pbx-key.pem", encoding: .utf8) == key)
    let replaced = try await program(Place.lab, arguments + ["--replace"])
    #expect(replaced.code == 0 && replaced.output.contains("replaced \(folder)/certs/pbx-key.pem (mode 600)"), "\(replaced.output)")
    #expect(try String(contentsOfFile: "\(folder)/certs/pbx-key.pem", encoding: .utf8) != key)
    #expect(!(made.output + replaced.output).contains("PRIVATE"))
  }
}
