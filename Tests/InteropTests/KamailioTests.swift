import Foundation
import Testing

extension Interop {
  /// A real kamailio between two of us: TLS on one side, TCP on the other.
  @Suite(.enabled(if: Peer.kamailio.runs, Peer.kamailio.reason)) struct KamailioTests {
    private func configuration(_ listener: String, tone: Int, more: String = "") -> String {
      "listen: [\(listener)]\nauthentication: none\nanyDomain: true\ntone: \(tone) Hz\n\(more)"
    }

    @Test(arguments: [("caller", "serve"), ("callee", "serve-other")])
    func `a call goes through a proxy from TLS to TCP: two Record-Routes are followed, by either side's BYE (RFC 3261 §16.7, RFC 5658)`(
      name: String, hangsUp: String
    ) async throws {
      try await Scene.run("kamailio-\(name)-hangs-up") { scene in
        let certificates = "\(scene.folder)/certs"
        let made = try await program(
          Place.lab, ["certs", "--out", certificates, "--host", scene.them, "--state", "\(scene.folder)/serve-state.json"])
        #expect(made.code == 0, "\(made.output)")
        let trust = "trust: \(certificates)/authority.pem\n"
        let caller = try await scene.serve(configuration("tls \(scene.us):5061", tone: 500, more: trust))
        let other = "\(scene.network).3"
        let callee = try await scene.serve(configuration("tcp \(other):5060", tone: 900), named: "serve-other")
        let proxy = try await KamailioProxy.start(scene, next: other, certificates: certificates)
        caller.type("call sip:4930@\(scene.them):5061;transport=tls")
        let called = try await callee.line("over TCP")
        _ = try await caller.line("tone of 900 Hz detected")
        let heard = try await callee.line("tone of 500 Hz detected", after: called)
        _ = try await proxy.program.line("ACK over tls from \(scene.us)")
        let (first, second) = hangsUp == "serve" ? (caller, callee) : (callee, caller)
        first.type("hangup 1")
        _ = try await first.line("hung up here")
        _ = try await second.line("hung up by the peer", after: hangsUp == "serve" ? heard : nil)
        _ = try await proxy.program.line("BYE over \(hangsUp == "serve" ? "tls" : "tcp") from")
        try await scene.endAll()
        for call in ["serve/call-00001", "serve-other/call-00001"] {
          let report = try await program(Place.lab, ["inspect", try scene.capture(call), "--fail-on", "error"])
          #expect(report.code == 0, "\(report.output)")
        }
        let routes = try await program(
          try Peer.tshark.required(),
          ["-r", try scene.capture("serve/call-00001"), "-Y", "sip.Status-Code == 200", "-T", "fields", "-e", "sip.Record-Route"])
        #expect(routes.output.components(separatedBy: "r2=on").count >= 3, "\(routes.output)")
      }
    }
  }
}
