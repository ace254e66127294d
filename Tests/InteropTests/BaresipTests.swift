import Foundation
import Testing

/// The tests in which real peers hear each other, one after the other.
@Suite(.serialized, .timeLimit(.minutes(15))) struct Interop {}

extension Interop {
  /// baresip 1.0.0 registers, calls, holds, is called and rejects. Its libre gives up on any SHA-256 challenge, hence the policy with MD5.
  @Suite(.enabled(if: Peer.baresip.runs, Peer.baresip.reason)) struct BaresipTests {
    private func configuration(_ scene: Scene, _ transport: String, _ port: Int, algorithms: String = "[MD5]") -> String {
      """
      listen: [\(transport) \(scene.us):\(port)]
      account: { username: acme, password: s3cret-pass }
      digestAlgorithms: \(algorithms)
      tone: 1000 Hz
      """
    }

    private func trunk(_ scene: Scene, _ transport: String, _ port: Int) -> BaresipPhone.Settings {
      let account =
        "<sip:acme@sip.kallglot.com;transport=\(transport)>;outbound=\"sip:\(scene.us):\(port);transport=\(transport)\""
        + ";auth_user=acme;auth_pass=s3cret-pass;regint=60;audio_codecs=PCMU/8000/1"
      return .init(account: account, authority: transport == "tls" ? "\(scene.folder)/serve/authority.pem" : nil)
    }

    private let stranger = "<sip:phone@sip.example.com>;regint=0;audio_codecs=PCMU/8000/1"

    @Test(arguments: [("udp", 5060), ("tls", 5061)])
    func `baresip registers and calls, and each side hears the other's tone`(transport: String, port: Int) async throws {
      try await Scene.run("baresip-calls-\(transport)") { scene in
        let serve = try await scene.serve(configuration(scene, transport, port))
        let phone = try await BaresipPhone.start(scene, at: scene.them, trunk(scene, transport, port))
        _ = try await serve.line("policy step registration passed: 1 contact ")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        _ = try await serve.line("over \(transport.uppercased())")
        let tone = try await serve.line("tone of 600 Hz detected")
        _ = try await phone.event("CALL_ESTABLISHED")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: tone, for: .seconds(1)))
        phone.control.command("hangup")
        _ = try await serve.line("hung up by the peer", after: tone)
        try await scene.endAll()
        let tones = try phone.heard()
        #expect(tones.contains { abs($0 - 1_000) <= 5 }, "baresip received \(tones)")
        try await checkCapture(try scene.capture("serve/call-00001"))
      }
    }

    /// `srtp-mand` offers RTP/SAVP, `srtp` RTP/AVP with keys (RFC 8643), `dtls_srtp` a fingerprint.
    @Test(arguments: [("srtp-mand", "tls", 5061), ("srtp", "udp", 5060), ("dtls_srtp", "tls", 5061), ("dtls_srtp", "udp", 5060)])
    func `baresip calls over SRTP where it is required, and each side hears the other's tone (RFC 4568, RFC 5763, RFC 3711)`(
      encryption: String, transport: String, port: Int
    ) async throws {
      try await Scene.run("baresip-\(encryption)-\(transport)") { scene in
        let serve = try await scene.serve(configuration(scene, transport, port) + "\nrequireSRTP: true\n")
        var settings = trunk(scene, transport, port)
        settings.account += ";mediaenc=\(encryption)"
        let phone = try await BaresipPhone.start(scene, at: scene.them, settings)
        _ = try await serve.line("policy step registration passed: 1 contact ")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        let tone = try await serve.line("tone of 600 Hz detected")
        _ = try await phone.event("CALL_ESTABLISHED")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: tone, for: .seconds(1)))
        phone.control.command("hangup")
        _ = try await serve.line("hung up by the peer", after: tone)
        try await scene.endAll()
        #expect(try phone.heard().contains { abs($0 - 1_000) <= 5 })
        let capture = try scene.capture("serve/call-00001")
        let report = try await program(Place.lab, ["inspect", capture, "--fail-on", "error"])
        // A call over TLS is written in clear: its capture is a twin.
        let isOpen =
          report.output.contains("SRTP, opened with a key of the capture")
          || capture.hasSuffix(".clear.pcapng") && !report.output.contains("SRTP, closed")
        #expect(report.code == 0, "\(report.output)")
        #expect(isOpen && !report.output.contains("SRTP, closed"), "\(report.output)")
      }
    }

    @Test func `baresip registers and is called with an offer of DTLS, and each side hears the other's tone (RFC 5763)`() async throws {
      try await Scene.run("baresip-is-called-dtls") { scene in
        let serve = try await scene.serve(configuration(scene, "tls", 5061) + "\nrequireSRTP: true\nsrtpOffer: dtls\n")
        var settings = trunk(scene, "tls", 5061)
        settings.account += ";mediaenc=dtls_srtp;answermode=auto"
        let phone = try await BaresipPhone.start(scene, at: scene.them, settings)
        _ = try await serve.line("policy step registration passed: 1 contact ")
        serve.type("call acme")
        let tone = try await serve.line("tone of 600 Hz detected")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: tone, for: .seconds(1)))
        serve.type("hangup 1")
        _ = try await phone.event("CALL_CLOSED")
        try await scene.endAll()
        #expect(try phone.heard().contains { abs($0 - 1_000) <= 5 })
        let report = try await program(Place.lab, ["inspect", try scene.capture("serve/call-00001"), "--fail-on", "error"])
        #expect(report.code == 0 && !report.output.contains("SRTP, closed"), "\(report.output)")
      }
    }

    @Test func `a baresip without SRTP is refused with 488 and Warning 302 where it is required (contract 8.1)`() async throws {
      try await Scene.run("baresip-in-clear") { scene in
        let serve = try await scene.serve(configuration(scene, "udp", 5060) + "\nrequireSRTP: true\n")
        let phone = try await BaresipPhone.start(scene, at: scene.them, trunk(scene, "udp", 5060))
        _ = try await serve.line("policy step registration passed: 1 contact ")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        _ = try await serve.line("refused with 488 ")
        _ = try await phone.event("CALL_CLOSED")
        try await scene.endAll()
      }
    }

    /// tshark shows the SIP, inside TLS too, from the file alone.
    private func checkCapture(_ capture: String) async throws {
      let shown = try await program(
        try Peer.tshark.required(), ["-r", capture, "-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"])
      #expect(shown.output.contains("INVITE") && shown.output.contains("BYE") && shown.output.contains("200"), "\(shown.output)")
    }

    /// A SHA-256 challenge first, as contract 8.2 has it, and what this peer makes of it.
    @Test func `with SHA-256 offered first baresip 1.0.0 gives up, and the log says what was offered`() async throws {
      try await Scene.run("baresip-sha-256") { scene in
        let serve = try await scene.serve(configuration(scene, "udp", 5060, algorithms: "[SHA-256, MD5]"))
        let phone = try await BaresipPhone.start(scene, at: scene.them, trunk(scene, "udp", 5060))
        let offered = try await serve.line("offered SHA-256, MD5")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        _ = try await phone.event("CALL_CLOSED")
        #expect(
          await serve.transcript.isSilent(about: ": up, ", after: offered, for: .milliseconds(500)),
          "this baresip can answer SHA-256 challenges: the MD5 policy is not needed any more")
      }
    }

    @Test func `baresip holds and resumes: its re-INVITE stops our RTP and starts it again (RFC 3264 §8.4)`() async throws {
      try await Scene.run("baresip-holds") { scene in
        let serve = try await scene.serve(configuration(scene, "udp", 5060))
        let phone = try await BaresipPhone.start(scene, at: scene.them, trunk(scene, "udp", 5060))
        _ = try await serve.line("policy step registration passed")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        let before = try await serve.line("tone of 600 Hz detected")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: before, for: .milliseconds(800)))
        phone.control.command("hold")
        let held = try await serve.line("re-INVITE, held by the peer: PCMU", after: before)
        #expect(held.line.contains(", recvonly (Call-ID "), "\(held.line)")
        _ = await serve.transcript.isSilent(about: "re-INVITE", after: held, for: .milliseconds(800))
        phone.control.command("resume")
        let resumed = try await serve.line("re-INVITE, resumed by the peer: PCMU", after: held)
        #expect(resumed.line.contains(", sendrecv (Call-ID "), "\(resumed.line)")
        let still = await serve.transcript.isSilent(about: "hung up", after: resumed, for: .milliseconds(800))
        phone.control.command("hangup")
        _ = try await serve.line("hung up by the peer", after: resumed)
        #expect(still)
        try await scene.endAll()
        try await checkHold(scene, phone)
      }
    }

    private func checkHold(_ scene: Scene, _ phone: BaresipPhone) async throws {
      let packets = try await Shark.packets(try scene.capture("serve/call-00001"))
      let invites = packets.filter { $0.sip == "INVITE" && $0.source.hasPrefix(scene.them) }.map(\.time)
      let acks = packets.filter { $0.sip == "ACK" }.map(\.time)
      #expect(invites.count == 4, "INVITE, INVITE with credentials, hold, resume: \(packets.compactMap(\.sip))")
      let (hold, resume) = (try #require(acks.dropLast().last), try #require(invites.last))
      let ours = packets.filter { $0.isRTP && $0.source.hasPrefix(scene.us) }
      #expect(ours.contains { $0.time < hold } && ours.contains { $0.time > resume })
      #expect(!ours.contains { $0.time > hold && $0.time < resume }, "RTP of ours left while baresip held")
      let theirs = packets.filter { $0.isRTP && $0.destination.hasPrefix(scene.us) }
      #expect(theirs.contains { $0.time < hold } && theirs.contains { $0.time > resume + 0.2 })
      // Up to the hold: this version's recorder does not come back after one (baresip issue 1496).
      #expect(try phone.heard().contains { abs($0 - 1_000) <= 5 })
    }

    @Test func `baresip is called, answers, and each side hears the other`() async throws {
      try await Scene.run("baresip-is-called") { scene in
        let phone = try await BaresipPhone.start(scene, at: scene.them, .init(account: stranger + ";answermode=auto"))
        let call = try await program(
          Place.lab, ["call", "sip:phone@\(scene.them):5090", "--for", "2 s", "--tone", "--out", "\(scene.folder)/call"])
        #expect(call.code == 0 && call.output.contains("answered; hung up here") && call.output.contains("heard 600 Hz"), "\(call.output)")
        _ = try await phone.event("CALL_CLOSED")
        try await scene.endAll()
        #expect(try phone.heard().contains { abs($0 - 440) <= 5 })
      }
    }

    @Test func `baresip rejects a call by hand with 486, and call says so`() async throws {
      try await Scene.run("baresip-rejects") { scene in
        let phone = try await BaresipPhone.start(scene, at: scene.them, .init(account: stranger + ";answermode=manual"))
        async let call = program(Place.lab, ["call", "sip:phone@\(scene.them):5090", "--out", "\(scene.folder)/call"])
        _ = try await phone.event("CALL_INCOMING")
        phone.control.command("hangup")
        let outcome = try await call
        #expect(outcome.code == 1 && outcome.output.contains("not answered: 486 "), "\(outcome.output)")
      }
    }
  }
}
