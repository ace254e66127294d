import Foundation
import Testing

/// What `serve --out` and `call --out` leave, read by tshark and by `inspect`.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.tshark.runs, Peer.tshark.reason)) struct LiveCaptureTests {
  private func open(_ scene: Scene) -> String {
    """
    listen: ["udp \(scene.us):5060", "tcp \(scene.us):5060", "tls \(scene.us):5061"]
    authentication: none
    anyDomain: true
    tone: 440
    """
  }

  private func uri(_ scene: Scene, _ transport: String) -> String {
    "sip:anybody@\(scene.us):\(transport == "tls" ? 5_061 : 5_060);transport=\(transport)"
  }

  /// What `inspect` holds against a capture.
  private struct Reading: Decodable {
    struct File: Decodable {
      struct Finding: Decodable { var check: String }
      struct Dialog: Decodable {}
      var findings: [Finding]
      var dialogs: [Dialog]
    }
    var files: [File]

    static func inspect(_ capture: String) async throws -> File {
      let read = try await program(Place.lab, ["inspect", "--json", capture])
      return try #require(try JSONDecoder().decode(Reading.self, from: Data(read.output.utf8)).files.first)
    }
  }

  private func lastTime(_ capture: String) async throws -> Double {
    let read = try await program(
      try Peer.tshark.required(), ["-r", capture, "-T", "fields", "-e", "frame.time_epoch"])
    return read.output.split(separator: "\n").last.flatMap { Double($0) } ?? 0
  }

  @Test(arguments: ["udp", "tcp", "tls"]) func `after kill -9 every capture reads up to its last second`(transport: String) async throws {
    try await Scene.run("killed-\(transport)") { scene in
      let killed = try await scene.serve(open(scene), named: "killed")
      _ = try await scene.start(
        "caller", Place.lab, ["call", uri(scene, transport), "--for", "60 s", "--tone", "--out", "\(scene.folder)/caller"],
        endedBy: SIGKILL)
      _ = try await killed.line("leg 1: first RTP packet received")
      let short = try await program(
        Place.lab, ["call", uri(scene, transport), "--for", "1500 ms", "--tone", "--out", "\(scene.folder)/short"])
      #expect(short.code == 0, "\(short.output)")
      let end = Date().timeIntervalSince1970
      try await killed.stop(SIGKILL)
      try await scene.endAll()
      let (first, second) = (try scene.capture("killed/call-00001"), try scene.capture("killed/call-00002"))
      for side in ["killed/call-00001", "caller/call-00001"] {
        let capture = try scene.capture(side)
        #expect(try await lastTime(capture) > end - 1, "\(side)")
        #expect(try await Shark.packets(capture).compactMap(\.sip) == ["INVITE", "180 INVITE", "200 INVITE", "ACK"], "\(side)")
      }
      let whole = ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
      #expect(try await Shark.packets(second).compactMap(\.sip) == whole)
      #expect(first.hasSuffix(".clear.pcapng") == (transport == "tls"))
      if transport == "tls" {
        // The ciphertext decrypts itself as well.
        #expect(try await Sight.inspect(try scene.capture("killed/connection-00002")).messages == whole.count)
      }
    }
  }

  @Test(arguments: ["udp", "tcp", "tls"]) func `inspect finds one call and nothing wrong in each call's file`(transport: String)
    async throws
  {
    try await Scene.run("calls-\(transport)") { scene in
      let serve = try await scene.serve(open(scene))
      for _ in 1...2 {
        let call = try await program(
          Place.lab, ["call", uri(scene, transport), "--for", "500 ms", "--tone", "--out", "\(scene.folder)/call"])
        #expect(call.code == 0, "\(call.output)")
      }
      try await scene.endAll()
      let captures = try scene.captures().filter { $0.contains("/call-") }
      #expect(captures.count == 4, "\(captures)")
      for capture in captures {
        let reading = try await Reading.inspect(capture)
        // What sipp does is named: packets of its recordings have another length than agreed, its digits another SSRC, and its Contact
        // another port than its connection.
        let others = reading.findings.map(\.check).filter { !["packet-time", "ssrc-change", "contact-elsewhere"].contains($0) }
        #expect(reading.dialogs.count == 1 && others.isEmpty, "\(capture): \(reading)")
        // `call` says it as well: numbers go on in its folder.
        if capture.contains("/serve/") { #expect(serve.transcript.text.contains(capture), "the log does not name \(capture)") }
      }
    }
  }

  @Test(.enabled(if: Peer.sipp.runs, Peer.sipp.reason))
  func `several calls of one TCP connection have a file each, and inspect accuses none of another's silence`() async throws {
    try await Scene.run("one-connection") { scene in
      _ = try await scene.serve(open(scene))
      try FileManager.default.createSymbolicLink(atPath: "\(scene.folder)/pcap", withDestinationPath: "/usr/share/sip-tester")
      let output = try await program(
        try Peer.sipp.required(),
        [
          "-sn", "uac_pcap", "\(scene.us):5060", "-i", scene.them, "-mi", scene.them, "-p", "5070", "-t", "t1", "-m", "3", "-r", "5",
          "-nostdin", "-timeout", "40",
        ], folder: scene.folder)
      #expect(output.code == 0, "\(output.output.suffix(1_500))")
      try await scene.endAll()
      let captures = try scene.captures().filter { $0.contains("/call-") }
      #expect(captures.count == 3)
      for capture in captures {
        let reading = try await Reading.inspect(capture)
        // What sipp does is named: packets of its recordings have another length than agreed, its digits another SSRC, and its Contact
        // another port than its connection.
        let others = reading.findings.map(\.check).filter { !["packet-time", "ssrc-change", "contact-elsewhere"].contains($0) }
        #expect(reading.dialogs.count == 1 && others.isEmpty, "\(capture): \(reading)")
      }
    }
  }
}
