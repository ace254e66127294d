import Foundation
import Testing

extension Interop {
  /// What `serve --print` says is what a real PBX needs: it gets the text as it is, and calls go both ways.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason)) struct PrintedConfigurationTests {
    private func options(_ scene: Scene, _ policy: String = "") throws -> [String] {
      let path = try scene.write("tone: 700 Hz\nsessions: [sess_one, sess_two]\n\(policy)", to: "serve.yaml")
      let listeners = ["udp \(scene.us):5060", "tcp \(scene.us):5060", "tls \(scene.us):5061"].flatMap { ["--listen", $0] }
      return ["--config", path, "--state", "\(scene.folder)/state/serve.json"] + listeners
    }

    private func serve(_ scene: Scene, _ policy: String = "") async throws -> Companion {
      let served = try await scene.start("serve", Place.lab, ["serve"] + options(scene, policy))
      _ = try await served.line("ready;")
      return served
    }

    /// What is printed, cut at its `===== file: PATH =====` lines.
    private func printed(
      _ scene: Scene, _ product: String, _ transport: String, _ policy: String = ""
    ) async throws -> [(name: String, text: String)] {
      let asked = try await program(
        Place.lab,
        ["serve", "--print", product, "--transport", transport, "--pbx-folder", "\(scene.folder)/asterisk"] + options(scene, policy))
      #expect(asked.code == 0, "\(asked.output)")
      var files: [(name: String, text: String)] = []
      for line in asked.output.split(separator: "\n", omittingEmptySubsequences: false) {
        if let mark = line.range(of: "===== file: \(scene.folder)/asterisk/"), let end = line.range(of: " =====", options: .backwards) {
          files.append((String(line[mark.upperBound..<end.lowerBound]), ""))
        } else if !files.isEmpty {
          files[files.count - 1].text += "\(line)\n"
        }
      }
      return files
    }

    @Test(arguments: [("udp", "printed-udp"), ("tcp", "printed-tcp"), ("tls", "printed-tls")])
    func `a real Asterisk that gets the printed text unchanged registers, calls a session, is called, and survives a restart of serve`(
      transport: String, name: String
    ) async throws {
      try await Scene.run(name) { scene in
        var lab = try await serve(scene)
        let files = try await printed(scene, "asterisk", transport)
        #expect(
          files.map(\.name) == ["pjsip.conf", "extensions.conf"]
            + (transport == "tls" ? ["kallglot-lab-ca.pem", "kallglot-lab-asterisk.pem"] : []))
        let asterisk = try await AsteriskServer.start(scene, files: files)
        _ = try await lab.line("policy step registration passed")
        try await asterisk.ask("pjsip show registrations", until: "Registered")
        // Milliwatt is 1004 Hz: heard there is what was spoken here.
        try await asterisk.ask("channel originate PJSIP/sess_one@kallglot-lab application Milliwatt")
        let call = try await lab.line("over \(transport.uppercased())")
        _ = try await lab.line("tone of 100", after: call)
        try await asterisk.ask("channel request hangup all")
        let over = try await lab.line("hung up by the peer", after: call)
        // Its dialplan answers with an echo of our 700 Hz.
        lab.type("call \(try account(files))")
        _ = try await lab.line("tone of 700 Hz detected", after: over)
        #expect(try await lab.stop() == 0)

        lab = try await serve(scene)
        try await asterisk.ask("channel originate PJSIP/sess_two@kallglot-lab application Milliwatt")
        _ = try await lab.line("tone of 100")
      }
    }

    @Test(arguments: ["sdes", "dtls"])
    func `where SRTP is required the printed text for TLS asks for it, and calls go both ways (RFC 4568, RFC 5763)`(
      keying: String
    ) async throws {
      try await Scene.run("printed-tls-\(keying)") { scene in
        let policy = "requireTLS: true\nrequireSRTP: true\nsrtpOffer: \(keying)\n"
        let lab = try await serve(scene, policy)
        let files = try await printed(scene, "asterisk", "tls", policy)
        let asterisk = try await AsteriskServer.start(scene, files: files)
        try await asterisk.register("kallglot-lab-registration")
        try await asterisk.ask("channel originate PJSIP/sess_one@kallglot-lab application Milliwatt")
        let call = try await lab.line("over TLS")
        let heard = try await lab.line("tone of 100", after: call)
        try await asterisk.ask("channel request hangup all")
        let over = try await lab.line("hung up by the peer", after: heard)
        lab.type("call \(try account(files))")
        _ = try await lab.line("tone of 700 Hz detected", after: over)
      }
    }

    /// As the text says: a semicolon before each line of one section, none before those of the other.
    @Test(arguments: [("udp", "unregistered-udp"), ("tcp", "unregistered-tcp"), ("tls", "unregistered-tls")])
    func `the form without registration, made as the text says, takes calls both ways`(transport: String, name: String) async throws {
      try await Scene.run(name) { scene in
        let lab = try await serve(scene)
        var files = try await printed(scene, "asterisk", transport)
        var lines = files[0].text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let begin = try #require(lines.firstIndex(of: "[kallglot-lab-registration]"))
        let end = try #require(lines[begin...].firstIndex(of: ""))
        for index in begin..<end { lines[index] = ";" + lines[index] }
        let identify = try #require(lines.firstIndex(of: ";[kallglot-lab-identify]"))
        for index in identify..<identify + 4 { lines[index].removeFirst() }
        files[0].text = lines.joined(separator: "\n")
        let asterisk = try await AsteriskServer.start(scene, files: files)
        #expect(try await asterisk.ask("pjsip show registrations").contains("No objects found"))
        try await asterisk.ask("channel originate PJSIP/sess_one@kallglot-lab application Milliwatt")
        let call = try await lab.line("over \(transport.uppercased())")
        let heard = try await lab.line("tone of 100", after: call)
        // The text binds Asterisk to the Lab's own address, at a port of its own, and says how it is called there.
        let command = try #require(lines.first { $0.contains("at serve 'call sip:") }?.split(separator: "'").dropFirst().first)
        #expect(command.contains("ADDRESS:507") && command.hasSuffix(";transport=\(transport)"))
        lab.type(String(command).replacing("ADDRESS", with: scene.us))
        let placed = try await lab.line("over \(transport.uppercased())", after: heard)
        _ = try await lab.line("tone of 700 Hz detected", after: placed)
      }
    }

    private func account(_ files: [(name: String, text: String)]) throws -> String {
      let line = try #require(files[0].text.split(separator: "\n").first { $0.hasPrefix("username=") })
      return String(line.dropFirst("username=".count))
    }
  }
}
