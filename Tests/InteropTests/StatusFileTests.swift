import Foundation
import SIPMessage
import Testing

/// `status.json` of `serve --out` while a call is up, as a monitoring program reads it.
@Suite(.timeLimit(.minutes(15))) struct StatusFileTests {
  private static let password = "s3cret-pass"

  private func configuration(_ scene: Scene) -> String {
    """
    listen: ["udp \(scene.us):5060", "tls \(scene.us):5061"]
    account: { username: acme, password: \(Self.password) }
    sessions: [sess_demo]
    anyDomain: true
    maxConcurrentCalls: 7
    tone: 700 Hz
    """
  }

  private func call(_ scene: Scene, _ transport: String) async throws -> Companion {
    let path = try scene.write("username: acme\npassword: \(Self.password)\naddress: \(scene.them)\n", to: "call.yaml")
    let uri = "sip:sess_demo@\(scene.us):\(transport == "tls" ? 5_061 : 5_060);transport=\(transport)"
    return try await scene.start("caller", Place.lab, ["call", uri, "--config", path, "--for", "60 s", "--tone"])
  }

  @Test(.enabled(if: Peer.tshark.runs, Peer.tshark.reason), arguments: ["udp", "tls"])
  func `status.json follows a call from up to over, is whole at every reading, and holds no password`(transport: String) async throws {
    try await Scene.run("status-\(transport)") { scene in
      let begin = Date()
      let serve = try await scene.serve(configuration(scene))
      let reader = StatusReader("\(scene.folder)/serve", of: serve)
      let idle = try await reader.first("there") { _ in true }
      #expect(idle.calls.isEmpty && idle.legs == 0 && idle.accounts == [.init(name: "acme", up: 0, cap: 7)])

      let caller = try await call(scene, transport)
      let up = try await reader.first("up, with media") { $0.calls.first.map { $0.sent > 0 && $0.received > 0 } ?? false }
      let call = try #require(up.calls.first)
      let later = try await reader.first("counting on") {
        $0.calls.first.map { $0.sent > call.sent && $0.received > call.received } ?? false
      }
      var expected = idle
      expected.legs = 1
      expected.accounts = [.init(name: "acme", up: 1, cap: 7)]
      expected.calls = [
        .init(
          leg: 1, callID: call.callID, account: "acme", state: "up", since: call.since, codec: "PCMU", sent: call.sent,
          received: call.received, capture: call.capture)
      ]
      #expect(up == expected)
      // What changes while nothing happens but media.
      expected.calls[0].sent = later.calls[0].sent
      expected.calls[0].received = later.calls[0].received
      #expect(later == expected)
      #expect(begin < up.since && up.since < call.since && call.since < Date())
      let capture = try #require(call.capture)
      #expect(capture.hasPrefix("\(scene.folder)/serve/call-00001-") && FileManager.default.fileExists(atPath: capture))

      try await watch(reader)
      #expect(try await caller.stop() == 0)
      let over = try await reader.first("without calls") { $0.calls.isEmpty }
      #expect(over.legs == 1 && over.accounts == idle.accounts)
      #expect(FileManager.default.fileExists(atPath: capture))
      try await scene.endAll()
      let invite = try await program(
        try Peer.tshark.required(), ["-r", capture, "-Y", "sip.Method == \"INVITE\"", "-T", "fields", "-e", "sip.Call-ID"])
      #expect(invite.output.split(separator: "\n").last.map(String.init) == call.callID)
    }
  }

  /// Reads it all the time until it was replaced three times.
  private func watch(_ reader: StatusReader) async throws {
    var held = StatusReader.Held(reader.path)
    var text = held.text
    var replacements = 0
    while replacements < 3 {
      let now = try reader.text()
      let status = try StatusReader.parse(now)
      #expect(status.version == 1 && status.calls.map(\.leg) == [1] && now.hasSuffix("}\n"))
      #expect(!now.contains(Self.password) && !now.lowercased().contains("password"))
      if now != text {
        // Renamed over: who reads the old file still has the whole of it, and it has no name any longer.
        #expect(held.text == text && held.names == 0)
        held = StatusReader.Held(reader.path)
        text = held.text
        replacements += 1
      }
      await reader.pause()
    }
    let keys = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(Set(keys.keys) == ["version", "since", "legs", "calls", "accounts", "judged"])
    let call = try #require((keys["calls"] as? [[String: Any]])?.first)
    #expect(Set(call.keys) == ["leg", "callID", "account", "state", "since", "codec", "sent", "received", "capture"])
  }
}
