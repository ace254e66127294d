import Foundation
import Testing

extension Interop {
  /// A real Asterisk 22 in the place of a member: the scenario files of `fixtures/asterisk`, judged by the packets that our own side
  /// exchanges with it.
  @Suite(.enabled(if: Peer.asterisk.runs, Peer.asterisk.reason)) struct AsteriskPlaysTests {
    private static let scenarios = [Place.root, "fixtures/asterisk"].joined(separator: "/")
    /// A member's name is the extension that it plays.
    private static let members = ["answers", "echoes", "rings", "progresses", "busy", "nobody", "hangs-up", "declines"]

    private struct Report: Decodable {
      struct Scenario: Decodable {
        struct Finding: Decodable {
          var observed: String
          var because: [String]
        }
        struct Place: Decodable {
          var member: String
          var here: String
          var product: String?
        }
        var name: String
        var verdict: String
        var reason: String?
        var findings: [Finding]
        var live: [Place]?
        var captures: String?
      }
      var scenarios: [Scenario]
    }

    @Test func `Asterisk plays the members of sixteen scenarios, and the two that fail on purpose say why`() async throws {
      try await Scene.run("asterisk-plays") { scene in
        let asterisk = try await start(scene)
        let peer = try scene.write(peerFile(scene, asterisk), to: "asterisk-22.yaml")
        let run = try await program(
          Place.lab,
          ["run", "--live", Self.scenarios, "--json", "\(scene.folder)/results.json", "--out", "\(scene.folder)/runs"]
            + Self.members.flatMap { ["--peer", "\($0)=\(peer)"] })
        print(run.output)
        #expect(run.code == 1)
        let report = try JSONDecoder().decode(
          Report.self, from: Data(contentsOf: URL(fileURLWithPath: "\(scene.folder)/results.json")))
        check(report, at: scene.them)
      }
    }

    private func check(_ report: Report, at address: String) {
      let failing: Set<String> = ["failing/declines", "failing/no-common-codec"]
      #expect(report.scenarios.count >= 15)
      for scenario in report.scenarios {
        #expect(scenario.live?.contains { $0.product == "Asterisk 22" && $0.here == address } == true, "\(scenario.name)")
        let expected = failing.contains(scenario.name) ? "failed" : "passed"
        #expect(scenario.verdict == expected, "\(scenario.name): \(scenario.reason ?? "") \(scenario.findings)")
      }
      let because = Dictionary(report.scenarios.map { ($0.name, $0.findings.first?.because.first ?? "") }) { first, _ in first }
      #expect(because["failing/declines"] == "declines refused the call: 603 Decline (Q.850;cause=16)")
      #expect(because["failing/no-common-codec"] == "answers takes nothing of the offer of PCMA: 488 Not Acceptable Here")
    }

    @Test func `a command that fails makes the run void, with what it printed, and one that is missing does not apply`() async throws {
      try await Scene.run("asterisk-says-nothing") { scene in
        let peer = """
          product: A product
          address: \(scene.them)
          commands: { call: [sh, -c, "echo no such channel; exit 3"] }
          """
        let file = try scene.write(peer, to: "peer.yaml")
        let void = try await program(
          Place.lab, ["run", "--live", "\(Self.scenarios)/calls.yaml", "--peer", "answers=\(file)"])
        #expect(void.code == 3)
        #expect(void.output.contains("VOID"), "\(void.output)")
        #expect(void.output.contains("the command of answers ended with exit code 3: sh -c echo no such channel; exit 3"), "\(void.output)")
        #expect(void.output.contains("no such channel\n"), "\(void.output)")
        let missing = try await program(
          Place.lab, ["run", "--live", "\(Self.scenarios)/registers.yaml", "--peer", "answers=\(file)"])
        #expect(missing.code == 0)
        #expect(missing.output.contains("has no command 'register': answers, which is A product, cannot register"), "\(missing.output)")
      }
    }

    // MARK: - Asterisk

    private func start(_ scene: Scene) async throws -> AsteriskServer {
      try scene.write("", to: "asterisk/registration.conf")
      let endpoint = """
        [udp]
        type=transport
        protocol=udp
        bind=\(scene.them):5060
        [kallglot]
        type=endpoint
        transport=udp
        context=from-kallglot
        disallow=all
        allow=ulaw
        media_address=\(scene.them)
        bind_rtp_to_media_address=yes
        outbound_auth=kallglot
        from_user=acme
        [kallglot]
        type=auth
        auth_type=userpass
        username=acme
        password=s3cret-pass
        [kallglot-identify]
        type=identify
        endpoint=kallglot
        match=127.0.0.0/8
        #include registration.conf
        """
      return try await AsteriskServer.start(scene, pjsip: endpoint, dialplan: Self.dialplan)
    }

    private static let dialplan = """
      [from-kallglot]
      exten => answers,1,Answer()
       same => n,Milliwatt()
      exten => acme,1,Answer()
       same => n,Milliwatt()
      exten => echoes,1,Answer()
       same => n,Echo()
      exten => rings,1,Ringing()
       same => n,Wait(1)
       same => n,Answer()
       same => n,Milliwatt()
      exten => progresses,1,Progress()
       same => n,Playtones(1000)
       same => n,Wait(1.5)
       same => n,StopPlaytones()
       same => n,Answer()
       same => n,Wait(10)
      exten => busy,1,Hangup(17)
      exten => declines,1,Hangup(16)
      exten => hangs-up,1,Answer()
       same => n,Wait(1)
       same => n,Hangup(16)
      """

    /// It registers where a script says: our addresses are known when a scenario begins.
    private func peerFile(_ scene: Scene, _ asterisk: AsteriskServer) throws -> String {
      let reload = asterisk.command("module reload res_pjsip.so").map { "'\($0)'" }.joined(separator: " ")
      let script = try scene.write(
        """
        cat > '\(scene.folder)/asterisk/registration.conf' <<END
        [kallglot-registration]
        type=registration
        transport=udp
        outbound_auth=kallglot
        server_uri=sip:$1:5060
        client_uri=sip:acme@$1
        contact_user=acme
        expiration=3600
        max_random_initial_delay=1
        END
        exec \(reload)
        """, to: "register.sh")
      func words(_ command: String) -> String { "[\(asterisk.command(command).map { "\"\($0)\"" }.joined(separator: ", "))]" }
      return """
        product: Asterisk 22
        address: \(scene.them)
        cannot: [hold, resume, re-INVITE, options, speak]
        commands:
          call:       \(words("channel originate PJSIP/kallglot/{target} application Milliwatt"))
          hangUp:     \(words("channel request hangup all"))
          hangUpAll:  \(words("channel request hangup all"))
          register:   [sh, "\(script)", "{host}"]
          unregister: \(words("pjsip send unregister kallglot-registration"))
        """
    }
  }
}
