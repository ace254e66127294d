import Foundation
import Testing

/// sipsak: the smallest peer there is. Its exit code says whether it got what it wanted.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.sipsak.runs, Peer.sipsak.reason)) struct SipsakTests {
  private func configuration(_ scene: Scene, algorithms: String = "[SHA-256, MD5]") -> String {
    """
    listen: [udp \(scene.us):5060]
    account: { username: acme, password: s3cret-pass }
    digestAlgorithms: \(algorithms)
    """
  }

  @Test func `sipsak's OPTIONS get a 200 with what we allow (RFC 3261 §11.2)`() async throws {
    try await Scene.run("sipsak-options") { scene in
      _ = try await scene.serve(configuration(scene))
      let asked = try await program(try Peer.sipsak.required(), ["-vv", "-s", "sip:\(scene.us)"])
      #expect(asked.code == 0 && asked.output.contains("200 OK") && asked.output.contains("Allow: INVITE"), "\(asked.output)")
      try await scene.endAll()
      let messages = try await Shark.messages(try scene.capture("serve/other-00001"))
      #expect(messages.map { $0.message.method?.token ?? "\($0.message.status ?? 0)" } == ["OPTIONS", "200"])
    }
  }

  @Test func `sipsak registers with digest`() async throws {
    try await Scene.run("sipsak-registers") { scene in
      let serve = try await scene.serve(configuration(scene, algorithms: "[MD5]"))
      let registered = try await register(scene, password: "s3cret-pass")
      #expect(registered.code == 0, "\(registered.output)")
      _ = try await serve.line("policy step registration passed: 1 contact ")
    }
  }

  /// RFC 8760 §2.4 has clients skip challenges that they do not know; Debian's sipsak, built with its own MD5, stops at the first.
  @Test func `with SHA-256 offered first sipsak 0.9.8 gives up, and the log says what was offered`() async throws {
    try await Scene.run("sipsak-sha-256") { scene in
      let serve = try await scene.serve(configuration(scene))
      let refused = try await register(scene, password: "s3cret-pass")
      #expect(refused.code == 2 && refused.output.contains("unsupported authentication algorithm"), "\(refused.output)")
      _ = try await serve.line("offered SHA-256, MD5")
    }
  }

  @Test func `sipsak with a wrong password is refused with 403`() async throws {
    try await Scene.run("sipsak-wrong-password") { scene in
      let serve = try await scene.serve(configuration(scene, algorithms: "[MD5]"))
      let refused = try await register(scene, password: "wrong")
      #expect(refused.code != 0 && refused.output.contains("403"), "\(refused.output)")
      _ = try await serve.line("policy step 5 digest refused with 403: response does not match the password")
    }
  }

  private func register(_ scene: Scene, password: String) async throws -> (code: Int32, output: String) {
    try await program(
      try Peer.sipsak.required(),
      ["-vv", "-U", "-s", "sip:acme@\(scene.us)", "-u", "acme", "-a", password, "-C", "sip:acme@\(scene.them):5060", "-x", "120"])
  }
}
