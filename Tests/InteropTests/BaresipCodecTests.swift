import Foundation
import Testing

extension Interop {
  /// baresip 1.0.0 in each codec, with serve and with call: each side hears the other's tone, and both name the codec.
  @Suite(.enabled(if: Peer.baresip.runs, Peer.baresip.reason)) struct BaresipCodecTests {
    /// Of a codec: what baresip calls it, its file's rate and channels.
    struct Spoken: Sendable, CustomTestStringConvertible {
      var name: String
      var word: String
      var rate: Int
      var channels = 1
      var testDescription: String { name }
    }

    static let all = [
      Spoken(name: "opus", word: "opus/48000/2", rate: 48_000, channels: 2), Spoken(name: "G722", word: "G722/16000/1", rate: 16_000),
      Spoken(name: "PCMA", word: "PCMA/8000/1", rate: 8_000),
    ]

    private func settings(_ codec: Spoken, _ account: String) -> BaresipPhone.Settings {
      .init(account: "\(account);audio_codecs=\(codec.word)", sampleRate: codec.rate, channels: codec.channels)
    }

    @Test(arguments: all) func `baresip calls in each codec, and each side hears the other's tone (RFC 7587, RFC 3551 §4.5.2)`(
      codec: Spoken
    ) async throws {
      try await Scene.run("baresip-codec-\(codec.name)") { scene in
        let serve = try await scene.serve(
          "listen: [udp \(scene.us):5060]\naccount: { username: acme, password: s3cret-pass }\ndigestAlgorithms: [MD5]\ntone: 1000 Hz\n")
        let account =
          "<sip:acme@sip.kallglot.com;transport=udp>;outbound=\"sip:\(scene.us):5060;transport=udp\";auth_user=acme"
          + ";auth_pass=s3cret-pass;regint=60"
        let phone = try await BaresipPhone.start(scene, at: scene.them, settings(codec, account))
        _ = try await serve.line("policy step registration passed: 1 contact ")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        _ = try await serve.line("up, \(codec.name) 20 ms")
        let tone = try await serve.line("tone of 600 Hz detected")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: tone, for: .seconds(1)))
        phone.control.command("hangup")
        _ = try await serve.line("hung up by the peer", after: tone)
        try await scene.endAll()
        let tones = try phone.heard()
        #expect(tones.contains { abs($0 - 1_000) <= 20 }, "baresip received \(tones)")
        let shark = try await program(
          try Peer.tshark.required(),
          ["-r", try scene.capture("serve/call-00001"), "-Y", "sdp.media", "-T", "fields", "-e", "sdp.media"])
        #expect(shark.output.contains("RTP/AVP"))
      }
    }

    @Test(arguments: all) func `baresip is called in each codec, and each side hears the other (RFC 7587, RFC 3551 §4.5.2)`(
      codec: Spoken
    ) async throws {
      try await Scene.run("baresip-called-\(codec.name)") { scene in
        let phone = try await BaresipPhone.start(
          scene, at: scene.them, settings(codec, "<sip:phone@sip.example.com>;regint=0;answermode=auto"))
        let call = try await program(
          Place.lab,
          [
            "call", "sip:phone@\(scene.them):5090", "--for", "3 s", "--tone", "--config",
            try scene.write("codecs: [\(codec.name)]\n", to: "call.yaml"),
          ])
        #expect(call.code == 0 && call.output.contains("heard 600 Hz") && call.output.contains("\(codec.name) 20 ms"), "\(call.output)")
        try await scene.endAll()
        #expect(try phone.heard().contains { abs($0 - 440) <= 9 })
      }
    }

    @Test func `baresip hears itself when serve echoes (audio: echo)`() async throws {
      try await Scene.run("baresip-echo") { scene in
        let serve = try await scene.serve(
          "listen: [udp \(scene.us):5060]\naccount: { username: acme, password: s3cret-pass }\ndigestAlgorithms: [MD5]\naudio: echo\n")
        let account =
          "<sip:acme@sip.kallglot.com;transport=udp>;outbound=\"sip:\(scene.us):5060;transport=udp\";auth_user=acme"
          + ";auth_pass=s3cret-pass;regint=60"
        let phone = try await BaresipPhone.start(scene, at: scene.them, settings(Self.all[0], account))
        _ = try await serve.line("policy step registration passed: 1 contact ")
        phone.control.command("dial", "sip:4930@sip.kallglot.com")
        let tone = try await serve.line("tone of 600 Hz detected")
        #expect(await serve.transcript.isSilent(about: "the tone ended", after: tone, for: .seconds(1)))
        phone.control.command("hangup")
        _ = try await serve.line("hung up by the peer", after: tone)
        try await scene.endAll()
        #expect(try phone.heard().contains { abs($0 - 600) <= 12 })
      }
    }
  }
}
