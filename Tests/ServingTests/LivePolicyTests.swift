import SansIO
import Testing

@testable import Serving

/// What observers say of a served endpoint, whose taps alone they have.
@Suite(.timeLimit(.minutes(15))) struct LivePolicyTests {
  @Test func `serve ends with what was proven of its policy, seen from one side`() async throws {
    try await CaptureScene.run("authentication: none\ncodecs: [PCMU]\nallow: 127.0.0.0/8\nallowlistRefusal: drop") { scene in
      let wire = RawPeer.Wire.datagrams(try await scene.peer.bind().port, to: scene.us())
      let media = try await scene.peer.bind()
      var call = try await scene.dialogue("one", wire, "UDP")
      try await scene.establish(&call, over: wire, media: media.address)
      try await scene.end(&call, over: wire)
    } then: { scene, _ in
      let lines = scene.log.text.split(separator: "\n").filter { $0.contains("proven, seen from one side: ") }
      #expect(
        lines.contains {
          $0.contains("no password or H(A1) in clear in ") && $0.hasSuffix(" of them outside TLS") || $0.contains(" of them outside TLS;")
        }, "\(scene.log.text)")
      #expect(lines.contains { $0.contains("not proven, ") && $0.contains("no answer to a source that is to be dropped: no such source") })
      #expect(!scene.log.text.contains("broken"))
    }
  }

  @Test func `a password that comes in clear is an error in the log, and the summary says that the promise was broken`() async throws {
    try await CaptureScene.run("authentication: none\ncodecs: [PCMU]") { scene in
      let wire = RawPeer.Wire.datagrams(try await scene.peer.bind().port, to: scene.us())
      let ping = try await scene.dialogue("ping", wire, "UDP")
      try await scene.peer.send(ping.request("OPTIONS", headers: ["Authorization: Basic YWNtZTpzZWNyZXQ="]), over: wire)
      _ = try await scene.peer.message("SIP/2.0", over: wire)
    } then: { scene, _ in
      #expect(scene.log.text.contains("error: password-in-clear (RFC 3261 §26.1): OPTIONS shows Basic credentials"), "\(scene.log.text)")
      #expect(scene.log.text.contains("broken, seen from one side: password or H(A1) in clear: once in"), "\(scene.log.text)")
    }
  }
}
