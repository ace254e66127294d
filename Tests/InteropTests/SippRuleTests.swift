import Foundation
import SansIO
import Testing

/// sipp as a peer that keeps the rules, and as one that breaks them on purpose: what `serve` says of it while it runs.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.sipp.runs, Peer.sipp.reason)) struct SippRuleTests {
  private func configuration(_ scene: Scene) -> String {
    """
    listen: [udp \(scene.us):5060]
    authentication: none
    anyDomain: true
    maxConcurrentCalls: 100
    """
  }

  /// sipp's own scenario of a caller, with other words in it.
  private func scenario(_ changes: [(String, String)]) async throws -> String {
    var text = try await program(try Peer.sipp.required(), ["-sd", "uac"]).output
    for (old, new) in changes {
      try #require(text.contains(old), "sipp's scenario has no '\(old)'")
      text = text.replacingOccurrences(of: old, with: new)
    }
    return text
  }

  private func call(_ scene: Scene, _ changes: [(String, String)], calls: Int = 1) async throws {
    let file = try scene.write(try await scenario(changes), to: "peer.xml")
    _ = try await program(
      try Peer.sipp.required(),
      [
        "-sf", file, "\(scene.us):5060", "-i", scene.them, "-mi", scene.them, "-p", "5070", "-nostdin", "-timeout", "20", "-m", "\(calls)",
        "-r", "10", "-d", "300",
      ], folder: scene.folder)
  }

  /// Lines about rules, and those that calls end with.
  private func findings(_ serve: Companion) -> [String] {
    serve.transcript.text.split(separator: "\n").map(String.init).filter { $0.contains(#/^\S+  (error|warning): /#) }
  }

  @Test func `a clean call leaves no finding, and a line of how it went by its packets`() async throws {
    try await Scene.run("sipp-rules-kept") { scene in
      let serve = try await scene.serve(configuration(scene))
      try await call(scene, [], calls: 3)
      let line = try await serve.line(": answered, hung up by the caller after 0.").line
      #expect(line.contains("call from sip:sipp@\(scene.them):5070 (\(scene.them):5070) to sip:service@\(scene.us):5060"), "\(line)")
      #expect(line.contains("; RTP from \(scene.us):20") && line.contains(" to \(scene.them):6000: PCMU, 1"), "\(line)")
      #expect(line.contains(" packets, 0 lost, mean jitter ") && line.components(separatedBy: "; RTP from ").count == 2, "\(line)")
      try await scene.endAll()
      let log = serve.transcript.text
      #expect(findings(serve).isEmpty, "\(log)")
      #expect(log.contains("3 calls judged by their packets: nothing is wrong"), "\(log)")
    }
  }

  @Test func `an INVITE without Contact and a BYE whose CSeq does not grow are named by rule, frame and call`() async throws {
    try await Scene.run("sipp-rules-broken") { scene in
      let serve = try await scene.serve(configuration(scene))
      try await call(scene, [("      Contact: sip:sipp@[local_ip]:[local_port]\n", ""), ("CSeq: 2 BYE", "CSeq: 1 BYE")])
      let contact = try await serve.line("error: contact-missing (RFC 3261 §8.1.1.8): INVITE has no Contact").line
      let capture = try #require(try scene.captures().first { $0.contains("/call-00001") })
      #expect(contact.contains("; by \(scene.them):5070, frame 1 of \(capture) (Call-ID 1-"), "\(contact)")
      let bye = try await serve.line("warning: cseq-not-higher (RFC 3261 §12.2.1.1): BYE has the CSeq number 1").line
      let frame = try #require(bye.firstMatch(of: #/, frame ([0-9]+) of /#).flatMap { Int($0.1) }, "\(bye)")
      _ = try await serve.line("; 2 findings (Call-ID 1-")
      try await scene.endAll()
      #expect(findings(serve).count == 2, "\(serve.transcript.text)")
      let packets = try await Shark.packets(capture)
      #expect(packets.indices.contains(frame - 1) && packets[frame - 1].sip == "BYE", "\(frame) of \(packets.count)")
      let found = try await program(Place.lab, ["inspect", "--json", capture])
      #expect(found.output.contains("contact-missing") && found.output.contains("cseq-not-higher"), "\(found.output.suffix(2_000))")
    }
  }

  @Test func `without judging the log has what the endpoint itself complains of`() async throws {
    try await Scene.run("sipp-rules-unread") { scene in
      let serve = try await scene.serve(configuration(scene), more: ["--no-judge"])
      try await call(scene, [("      Contact: sip:sipp@[local_ip]:[local_port]\n", "")])
      let line = try await serve.line("the peer broke a rule: contact-missing: ").line
      #expect(line.contains("(RFC 3261 §8.1.1.8)"), "\(line)")
      try await scene.endAll()
      #expect(!serve.transcript.text.contains("judged"), "\(serve.transcript.text)")
    }
  }

  @Test func `Ctrl-C during a call ends it with BYE, judges it and says so`() async throws {
    try await Scene.run("sipp-rules-interrupted") { scene in
      let serve = try await scene.serve(configuration(scene))
      let uac = try await scene.start(
        "sipp", try Peer.sipp.required(),
        ["-sn", "uac", "\(scene.us):5060", "-i", scene.them, "-mi", scene.them, "-p", "5070", "-m", "1", "-d", "30000", "-nostdin"])
      _ = try await serve.line("leg 1: up, ")
      #expect(try await serve.stop() == 0)
      let log = serve.transcript.text
      #expect(log.contains("ending 1 call") && log.contains(": answered, hung up by the callee after "), "\(log)")
      #expect(log.contains("1 call judged by its packets"), "\(log)")
      try await uac.stop(SIGKILL)
    }
  }
}
