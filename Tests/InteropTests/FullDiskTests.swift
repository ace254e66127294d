import Foundation
import Testing

/// Files that the kernel takes no more bytes for while calls go on.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Peer.tshark.runs, Peer.tshark.reason)) struct FullDiskTests {
  /// KiB. A call of PCMU writes some 25 a second.
  private static let limit = 40

  private func configuration(_ scene: Scene) -> String {
    """
    listen: ["udp \(scene.us):5060", "tls \(scene.us):5061"]
    authentication: none
    anyDomain: true
    tone: 700 Hz
    """
  }

  private func call(_ scene: Scene, _ transport: String, for duration: String, out: String) async throws -> String {
    let uri = "sip:anybody@\(scene.us):\(transport == "tls" ? 5_061 : 5_060);transport=\(transport)"
    let call = try await program(Place.lab, ["call", uri, "--for", duration, "--tone", "--out", "\(scene.folder)/\(out)"])
    #expect(call.code == 0 && call.output.contains("answered"), "\(call.output)")
    return call.output
  }

  @Test(arguments: ["udp", "tls"])
  func `a capture that the kernel takes no more of ends no call: it is reported once, and what is on disk is whole`(transport: String)
    async throws
  {
    try await Scene.run("full-\(transport)") { scene in
      let serve = try await scene.serve(configuration(scene), filesOf: Self.limit)
      _ = try await call(scene, transport, for: "4 s", out: "long")
      // The limit is one of each file: the next call has room.
      _ = try await call(scene, transport, for: "300 ms", out: "short")
      #expect(try await serve.stop() == 0)
      let cut = try scene.capture("serve/call-00001")
      let lines = serve.transcript.text.split(separator: "\n")
      let failures = lines.filter { $0.contains("capture: cannot") }
      #expect(failures.count == 1 && failures[0].hasSuffix("  capture: cannot write \(cut): File too large"), "\(failures)")
      let missing = lines.filter { $0.contains("that could not be written") }
      #expect(missing.count == 1 && missing[0].contains("  capture: \(cut) lacks "), "\(missing)")
      #expect(lines.contains { $0.contains("summary: calls 2, answered 2") }, "\(serve.transcript.text.suffix(2_000))")

      let size = try FileManager.default.attributesOfItem(atPath: cut)[.size] as? Int ?? 0
      #expect(size > 16 << 10 && size <= Self.limit << 10)
      let (whole, part) = (try await Shark.packets(try scene.capture("long/call-00001")), try await Shark.packets(cut))
      // tshark says so of a file whose last block is cut short.
      #expect(try await Shark.complaints(cut).isEmpty)
      #expect(whole.compactMap(\.sip) == ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"])
      #expect(part.compactMap(\.sip) == ["INVITE", "180 INVITE", "200 INVITE", "ACK"])
      #expect(part.count { $0.isRTP } > 50 && part.count < whole.count)
      let lacking = missing[0].split(separator: " ").first { Int($0) != nil }.flatMap { Int($0) }
      #expect(lacking.map { $0 > 0 && $0 + part.count >= whole.count - 4 } ?? false, "\(missing[0]): \(part.count) of \(whole.count)")
      let next = try await Shark.packets(try scene.capture("serve/call-00002"))
      #expect(next.compactMap(\.sip).last == "200 BYE")
    }
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "prlimit is not installed (Debian package util-linux)"))
  func `when there is room again, what was kept is written: the capture lacks nothing`() async throws {
    try await Scene.run("room-again") { scene in
      let serve = try await scene.serve(configuration(scene), filesOf: Self.limit)
      let caller = try await scene.start(
        "caller", Place.lab, ["call", "sip:anybody@\(scene.us)", "--for", "60 s", "--tone", "--out", "\(scene.folder)/long"])
      _ = try await serve.line("capture: cannot write")
      let room = try await program("/usr/bin/prlimit", ["--pid", "\(serve.process)", "--fsize=unlimited:"])
      #expect(room.code == 0, "\(room.output)")
      #expect(try await caller.stop() == 0)
      #expect(try await serve.stop() == 0)
      #expect(!serve.transcript.text.contains("that could not be written"))
      let (ours, theirs) = (
        try await Shark.packets(try scene.capture("serve/call-00001")), try await Shark.packets(try scene.capture("long/call-00001"))
      )
      #expect(ours.compactMap(\.sip) == theirs.compactMap(\.sip) && ours.compactMap(\.sip).last == "200 BYE")
      let size = try FileManager.default.attributesOfItem(atPath: try scene.capture("serve/call-00001"))[.size] as? Int ?? 0
      #expect(size > Self.limit << 10 && abs(ours.count - theirs.count) < 5, "\(size): \(ours.count) and \(theirs.count) packets")
    }
  }

  /// What runs with nobody to take its words: a full disk, and a pipe whose reader has left.
  @Test(arguments: [("/dev/full", "full-output"), (">(exec true)", "closed-output")])
  func `serve and call go on without a standard output`(sink: String, name: String) async throws {
    try await Scene.run(name) { scene in
      let path = try scene.write(configuration(scene), to: "serve.yaml")
      let mute = ["-c", "exec \"$0\" \"$@\" > \(sink)", Place.lab]
      let serve = try await scene.start(
        "serve", "/bin/bash",
        mute + ["serve", "--config", path, "--out", "\(scene.folder)/serve", "--state", "\(scene.folder)/serve-state.json"])
      for _ in 0..<1_000 where !log(scene).contains("ready;") {
        _ = await serve.transcript.isSilent(about: "a line that it never says", for: .milliseconds(10))
      }
      let call = try await program("/bin/bash", mute + ["call", "sip:anybody@\(scene.us)", "--for", "300 ms", "--tone"])
      #expect(call.code == 0, "\(call.output)")
      #expect(try await serve.stop() == 0, "\(serve.transcript.text.suffix(2_000))")
      #expect(log(scene).contains("summary: calls 1, answered 1"), "\(log(scene))")
    }
  }

  private func log(_ scene: Scene) -> String { (try? String(contentsOfFile: "\(scene.folder)/serve/serve.log", encoding: .utf8)) ?? "" }

  @Test(arguments: [
    ["rules"], ["schema"], ["list", "scenarios/basic"], ["run", "scenarios/basic"],
    ["serve", "--print", "asterisk", "--listen", "udp 127.0.0.1:5060", "--config", "fixtures/policies/open.yaml"],
  ])
  func `a command whose output a full disk does not take says so and fails`(command: [String]) async throws {
    let ended = try await program("/bin/bash", ["-c", "exec \"$0\" \"$@\" > /dev/full", Place.lab] + command, folder: Place.root)
    #expect(ended.code == 2 && ended.output == "kallglot-lab: standard output cannot be written: No space left on device\n")
  }
}
