import Foundation
import Testing

extension Interop {
  /// Digits by telephone-event between our endpoint and phones and generators that others made.
  @Suite struct DigitPeersTests {
    @Test(.enabled(if: Peer.baresip.runs, Peer.baresip.reason))
    func `what is pressed on baresip is in our log, and baresip hears what we press (DTMF-01, RFC 4733)`() async throws {
      try await Scene.run("baresip-digits") { scene in
        let serve = try await scene.serve("listen: [udp \(scene.us):5060]\nauthentication: none\nanyDomain: true\ntone: 1000 Hz\n")
        let phone = try await BaresipPhone.start(
          scene, at: scene.them, .init(account: "<sip:phone@sip.example.com>;regint=0;audio_codecs=PCMU/8000/1"))
        phone.control.command("dial", "sip:4930@\(scene.us)")
        let up = try await serve.line("leg 1: up")
        _ = try await phone.event("CALL_ESTABLISHED")
        var last = up
        for digit in "15*#" {
          phone.control.command("sndcode", String(digit))
          last = try await serve.line("leg 1: digit \(digit) by RFC 4733", after: last)
        }
        serve.type("press 1 7")
        _ = try await serve.line("leg 1: digits sent", after: last)
        let heard = try await phone.event("CALL_DTMF_START")
        #expect(heard.line.contains("\"param\":\"7\""), "\(heard.line)")
        phone.control.command("hangup")
        _ = try await serve.line("hung up by the peer", after: last)
      }
    }

    @Test(.enabled(if: Peer.sipp.runs, Peer.sipp.reason))
    func `what sipp plays by play_dtmf is in our log and in inspect (DTMF-01, RFC 4733)`() async throws {
      try await Scene.run("sipp-digits") { scene in
        let serve = try await scene.serve("listen: [udp \(scene.us):5060]\nauthentication: none\nanyDomain: true\n")
        let file = try scene.write(Self.scenario, to: "digits.xml")
        let run = try await program(
          try Peer.sipp.required(),
          [
            "-sf", file, "\(scene.us):5060", "-i", scene.them, "-mi", scene.them, "-p", "5070", "-nostdin", "-timeout", "30", "-m", "1",
            "-mp", "6000",
          ], folder: scene.folder)
        #expect(run.code == 0, "\(run.output.suffix(1_500))")
        var last = try await serve.line("leg 1: up")
        for digit in "1590" { last = try await serve.line("leg 1: digit \(digit) by RFC 4733", after: last) }
        try await scene.endAll()
        let report = try await program(Place.lab, ["inspect", try scene.capture("serve/call")])
        #expect(report.output.contains("digits 1590 (RFC 4733)"), "\(report.output)")
      }
    }

    private static func request(_ method: String, _ number: Int, body: String = "") -> String {
      """
      <send\(method == "ACK" ? "" : " retrans=\"500\"")><![CDATA[

      \(method) sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
      To: [service] <sip:[service]@[remote_ip]:[remote_port]>\(method == "INVITE" ? "" : "[peer_tag_param]")
      Call-ID: [call_id]
      CSeq: \(number) \(method)
      Contact: sip:sipp@[local_ip]:[local_port]
      Max-Forwards: 70
      \(body.isEmpty ? "" : "Content-Type: application/sdp\n      ")Content-Length: [len]

      \(body)
      ]]></send>
      """
    }

    private static let offer = [
      "v=0", "o=user1 1 1 IN IP4 [local_ip]", "s=-", "c=IN IP4 [media_ip]", "t=0 0", "m=audio [media_port] RTP/AVP 0 96",
      "a=rtpmap:0 PCMU/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-15", "",
    ].joined(separator: "\n      ")

    private static let scenario = """
      <?xml version="1.0" encoding="ISO-8859-1" ?>
      <scenario name="digits">
      \(request("INVITE", 1, body: offer))
      <recv response="100" optional="true"/>
      <recv response="180" optional="true"/>
      <recv response="200"/>
      \(request("ACK", 1))
      <pause milliseconds="300"/>
      <nop><action><exec play_dtmf="1590"/></action></nop>
      <pause milliseconds="3000"/>
      \(request("BYE", 2))
      <recv response="200"/>
      </scenario>
      """
  }
}
