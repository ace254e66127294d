import Foundation
import Testing

extension Interop {
  /// What a real Asterisk does with calls that are up: hold passed through from a phone behind it, media that goes past it.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason)) struct AsteriskMidCallTests {
    /// With `moh_passthrough` Asterisk plays no music itself: the phone's hold becomes a re-INVITE to us.
    @Test(.enabled(if: Peer.baresip.runs, Peer.baresip.reason))
    func `a phone behind Asterisk holds and resumes, and Asterisk passes it on by re-INVITE (RFC 3264 §8.4)`() async throws {
      try await Scene.run("asterisk-phone-holds") { scene in
        let serve = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(scene.us):5060"))
        let phoneAddress = "\(scene.network).3"
        let asterisk = try await AsteriskServer.start(
          scene, pjsip: Trunk.pjsip(scene, transport: "udp", more: "moh_passthrough=yes\ndirect_media=no") + phone(phoneAddress),
          dialplan: "[phones]\nexten => trunk,1,Dial(PJSIP/sess_demo@kallglot)")
        let phone = try await BaresipPhone.start(
          scene, at: phoneAddress, .init(account: "<sip:phone@\(scene.them)>;regint=0;audio_codecs=PCMU/8000/1"))
        phone.control.command("dial", "sip:trunk@\(scene.them)")
        let before = try await serve.line("tone of 600 Hz detected")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: before, for: .milliseconds(500)))
        phone.control.command("hold")
        let held = try await serve.line("re-INVITE, held by the peer: PCMU", after: before)
        #expect(held.line.contains(", recvonly (Call-ID ") || held.line.contains(", inactive (Call-ID "), "\(held.line)")
        #expect(await serve.transcript.isSilent(about: "re-INVITE", after: held, for: .milliseconds(500)))
        #expect(try await asterisk.ask("core show channels concise").contains("!Dial!"))
        phone.control.command("resume")
        let resumed = try await serve.line("re-INVITE, resumed by the peer: PCMU", after: held)
        #expect(resumed.line.contains(", sendrecv (Call-ID "), "\(resumed.line)")
        #expect(
          await serve.transcript.isSilent(about: "hung up", after: resumed, for: .milliseconds(500)), "\(serve.transcript.text)")
        phone.control.command("hangup")
        _ = try await serve.line("Reason from the peer: Q.850;cause=16", after: resumed)
        try await scene.endAll()
        try await checkRTP(scene)
      }
    }

    /// Our RTP left before the hold's ACK and after the resume, never between.
    private func checkRTP(_ scene: Scene) async throws {
      let packets = try await Shark.packets(try scene.capture("serve/call-00001"))
      let (acks, invites) = (packets.filter { $0.sip == "ACK" }, packets.filter { $0.sip == "INVITE" })
      let (hold, resume) = (try #require(acks.dropLast().last).time, try #require(invites.last).time)
      let ours = packets.filter { $0.isRTP && $0.source.hasPrefix(scene.us) }
      #expect(ours.contains { $0.time < hold } && ours.contains { $0.time > resume + 0.2 })
      #expect(!ours.contains { $0.time > hold && $0.time < resume })
      #expect(packets.contains { $0.isRTP && $0.destination.hasPrefix(scene.us) && $0.time > resume + 0.2 })
    }

    private func phone(_ address: String) -> String {
      """
      [phone]
      type=endpoint
      transport=udp
      context=phones
      disallow=all
      allow=ulaw
      direct_media=no
      [phone-identify]
      type=identify
      endpoint=phone
      match=\(address)

      """
    }

    /// Two of us behind one Asterisk: as soon as it has bridged both legs it re-INVITEs each with the other's address, and RTP goes past
    /// it.
    @Test func `Asterisk connects two legs and sends direct-media re-INVITEs: RTP moves to the other leg's own address`() async throws {
      try await Scene.run("asterisk-direct-media") { scene in
        let other = "\(scene.network).3"
        let first = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(scene.us):5060", tone: 500))
        let second = try await scene.serve(Trunk.endpoint(scene, listen: "udp \(other):5060", tone: 900), named: "serve-other")
        let asterisk = try await AsteriskServer.start(
          scene,
          pjsip: Trunk.pjsip(scene, transport: "udp", more: "direct_media=yes")
            + Trunk.pjsip(scene, transport: "udp", more: "direct_media=yes", us: other, named: "other"), dialplan: "")
        try await asterisk.ask("channel originate PJSIP/sess_demo@kallglot application Dial PJSIP/sess_demo@other")
        let moved = try await first.line("re-INVITE, PCMU 20 ms, RTP \(scene.us):20000 to \(other):20000, sendrecv")
        let back = try await second.line("re-INVITE, PCMU 20 ms, RTP \(other):20000 to \(scene.us):20000, sendrecv")
        #expect(await first.transcript.isSilent(about: "hung up", after: moved, for: .milliseconds(600)))
        first.type("hangup 1")
        // It takes the media back, and hangs up as soon as that is acknowledged.
        _ = try await second.line("re-INVITE, PCMU 20 ms, RTP \(other):20000 to \(scene.them):", after: back)
        _ = try await second.line("hung up by the peer", after: back)
        try await scene.endAll()
        try await checkDirectMedia(scene, other)
        for (party, tone) in [(first, 900), (second, 500)] {
          #expect(party.transcript.text.contains("tone of \(tone) Hz detected"), "\(party.transcript.text)")
        }
      }
    }

    /// In the first one's capture RTP of the other comes straight from its address, and the last RTP of ours goes there.
    private func checkDirectMedia(_ scene: Scene, _ other: String) async throws {
      let packets = try await Shark.packets(try scene.capture("serve/call-00001")).filter(\.isRTP)
      let direct = packets.filter { $0.source == "\(other):20000" }
      #expect(direct.count > 20, "\(direct.count) packets came straight from \(other)")
      #expect(packets.last { $0.source.hasPrefix(scene.us) }?.destination == "\(other):20000")
    }
  }
}
