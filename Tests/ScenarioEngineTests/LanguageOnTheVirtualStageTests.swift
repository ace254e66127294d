import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

private let head = """
  summary: s
  given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
  cast:
    kallglot: { endpoint: default, address: 198.51.100.10 }
    pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
    wire: { wire: raw, address: 192.0.2.30 }

  """

private let call = "  - call: { from: pbx, to: session demo, as: leg }\n  - expect: { leg: leg, is: established, within: 2 s }\n"
private let tolerant = "allowViolations: [rtp-while-held, rtp-malformed, message-unreadable, message-form]\n"
private let end = "  - hangUp: pbx\n  - expect: { leg: leg, is: ended, within: 40 s }\n"

/// What a run left in the hosts' captures.
private final class Packets: JournalSink {
  private(set) var all: [PacketRecord] = []
  func hostAdded(_ host: HostID, name: String) {}
  func packet(_ packet: PacketRecord) { all.append(packet) }
  func record(_ record: JournalRecord) {}
  func finish(at now: Instant) {}

  func received(_ text: String) -> [PacketRecord] { all.filter { $0.direction == .received && $0.payload.text.contains(text) } }
}

private func run(_ steps: String, top: String = "", transport: String = "udp", sinks: [any JournalSink] = []) throws -> ScenarioResult {
  let text = head.replacing("account: acme }\n  wire", with: "account: acme, transport: \(transport) }\n  wire") + top + "steps:\n" + steps
  return try VirtualStage(try Scenario.read(text, file: "x.yaml"), seed: 1, sinks: sinks).run()
}

@Suite struct FaultLanguageTests {
  @Test func `a fault that no message met is a finding, not silence`() throws {
    let result = try run("  - fault: { drop: the 1st 486 INVITE, from: kallglot }\n" + call + end)
    #expect(result.verdict == .failed)
    #expect(result.findings.map(\.expected) == ["the fault 'drop the 1st 486 INVITE' applies to a message from kallglot"])
    #expect(result.findings.map(\.observed) == ["no such message was sent"])
  }

  @Test func `one that waits for the 9th when three came says how many there were, and one that is optional says nothing`() throws {
    let result = try run("  - fault: { drop: the 9th INVITE }\n" + call + end)
    #expect(result.findings.map(\.observed) == ["only 2 such messages were sent"])
    #expect(try run("  - fault: { drop: the 9th INVITE, optional: true }\n" + call + end).verdict == .passed)
  }

  @Test func `a header field of the message can be asked for: the second INVITE is the one with credentials`() throws {
    let packets = Packets()
    let steps =
      "  - fault: { drop: every INVITE, where: { CSeq: \"2 *\" }, from: pbx }\n  - call: { from: pbx, to: session demo, as: leg }\n"
      + "  - expect: { leg: leg, is: ended, because: timer-b, within: 40 s }\n"
    #expect(try run(steps, sinks: [packets]).verdict == .passed)
    #expect(packets.received("CSeq: 1 INVITE\r\n").contains { $0.payload.text.hasPrefix("INVITE ") })
    #expect(!packets.received("CSeq: 2 INVITE\r\n").contains { $0.payload.text.hasPrefix("INVITE ") })
  }

  @Test(arguments: ["udp", "tcp"])
  func `text of the message can be asked for: the re-INVITE that holds comes late, over UDP and TCP`(transport: String) throws {
    let steps =
      "  - fault: { delay: every INVITE, by: 400 ms, containing: \"a=inactive\" }\n" + call
      + "  - hold: { who: pbx, by: inactive }\n  - never: { at: kallglot, is: modified, during: 390 ms }\n"
      + "  - expect: { at: kallglot, is: modified, direction: inactive, within: 1 s }\n"
    // Meanwhile RTP goes on: the holder has not been answered yet.
    let result = try run(steps + end, top: tolerant, transport: transport)
    #expect(result.verdict == .passed, "\(result.findings)")
  }

  @Test func `a datagram can arrive twice: the second INVITE is absorbed by its transaction (RFC 3261 §17.2.1)`() throws {
    let packets = Packets()
    #expect(try run("  - fault: { duplicate: the 1st BYE }\n" + call + end, sinks: [packets]).verdict == .passed)
    #expect(packets.received("BYE ").count { $0.payload.text.hasPrefix("BYE ") } == 2)
  }

  @Test(arguments: ["udp", "tcp"])
  func `a replaced text arrives, labelled deliberately broken, and of a stream the lengths stay right`(transport: String) throws {
    let packets = Packets()
    let steps =
      "  - fault: { replace: the BYE, text: \"BYE sip:\", with: \"DANCE sip:\", from: pbx }\n" + call + "  - hangUp: pbx\n  - wait: 1 s\n"
    _ = try run(steps, top: tolerant, transport: transport, sinks: [packets])
    let changed = packets.received("DANCE sip:")
    #expect(changed.count >= 1)
    #expect(changed.allSatisfy { $0.label.isDeliberatelyBroken })
    // Over TCP the answer to the request still comes: nothing of the stream is lost.
    #expect(packets.received("CSeq: 3 BYE").contains { $0.payload.text.hasPrefix("SIP/2.0 ") })
  }

  @Test func `a corrupted packet has one inverted byte and its label says so`() throws {
    let packets = Packets()
    let steps =
      "  - fault: { corrupt: the 3rd RTP, at: 0, from: pbx }\n" + call
      + "  - speak: { who: pbx, tone: 440 Hz, for: 1 s }\n  - expect: { hears: kallglot, tone: 440 Hz }\n" + end
    #expect(try run(steps, top: tolerant, sinks: [packets]).verdict == .passed)
    let broken = packets.all.filter { $0.direction == .received && $0.label.isDeliberatelyBroken }
    // Version 2 (RFC 3550 §5.1) is 0x80; inverted it is 0x7F.
    #expect(broken.map { $0.payload.first } == [0x7F])
    #expect(packets.all.contains { $0.direction == .sent && $0.fate == .rewritten(fault: 1) })
  }
}

@Suite struct NeverAndCountTests {
  @Test func `never lasts until something else is so, and what was before does not count`() throws {
    let steps =
      call + "  - speak: { who: pbx, tone: 440 Hz, for: 300 ms }\n  - expect: { hears: kallglot, tone: 440 Hz }\n  - wait: 500 ms\n"
      + "  - never: { hears: kallglot, tone: 440 Hz, during: 1 s }\n  - hangUp: pbx\n"
      + "  - never: { decision: allowlist, is: refused, until: { leg: leg, is: ended }, within: 2 s }\n"
    #expect(try run(steps).verdict == .passed)
  }

  @Test func `what must not be and becomes so fails at once, with what was seen`() throws {
    let steps =
      call
      + "  - speak: { who: pbx, tone: 440 Hz, for: 2 s }\n  - never: { hears: kallglot, tone: 440 Hz, until: { leg: leg, is: ended } }\n"
    let result = try run(steps)
    #expect(result.findings.map(\.expected) == ["never: kallglot hears 440 Hz"])
    #expect(result.duration < .seconds(4))
  }

  @Test func `never until something that does not come is a finding of its own`() throws {
    let result = try run(call + "  - never: { decision: allowlist, is: refused, until: { leg: leg, is: ended }, within: 2 s }\n")
    #expect(result.findings.map(\.expected) == ["leg is ended within 2.0 seconds"])
  }

  @Test(arguments: [
    ("times: 1", true), ("times: 2", false), ("times: exactly 1", true), ("times: none", false), ("times: at most 1", true),
    ("times: once", true),
  ])
  func `decisions are counted: one challenge in a call`(times: String, passes: Bool) throws {
    let steps = call + "  - expect: { decision: authentication, is: challenged, \(times), within: 500 ms }\n"
    #expect((try run(steps + end).verdict == .passed) == passes)
  }

  @Test func `exactly waits until the time is over: the second INVITE would be seen`() throws {
    let probe = "  - expect: { decision: authentication, is: challenged, times: exactly 1, within: 5 s }\n"
    let again = "  - call: { from: pbx, to: session demo, as: leg }\n" + probe
    #expect(try run(again + end).verdict == .passed)
    let twice = "  - call: { from: pbx, to: session demo, as: leg }\n  - call: { from: pbx, to: session demo, as: two }\n" + probe
    #expect(try run(twice).verdict == .failed)
  }

  @Test func `in any order an optional one is not waited for`() throws {
    let steps =
      "  - call: { from: pbx, to: session demo, as: leg }\n  - inAnyOrder: { all: [{ leg: leg, is: established }, { hears: pbx, "
      + "tone: 900 Hz, optional: true }], within: 1 s }\n"
    let result = try run(steps + end)
    #expect(result.verdict == .passed)
    #expect(result.duration < .seconds(2))
  }
}

@Suite struct RawMessageTests {
  private let options = """
      - send:
          from: wire
          to: kallglot
          message: |
            OPTIONS sip:sip.kallglot.com SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.30;branch=${branch.one};rport
            Max-Forwards: 70
            From: <sip:wire@192.0.2.30>;tag=${tag.mine}
            To: <sip:sip.kallglot.com>
            Call-ID: ${callID.one}
            CSeq: 7 OPTIONS
            X-Echo: ${tag.mine}
            Content-Type: text/plain
            Content-Length: ${body.length}

            hello

    """

  @Test func `identifiers come from the seed, the same name is the same value, and the length is counted`() throws {
    let packets = Packets()
    let steps = options + "  - expect: { message: wire, start: \"SIP/2.0 200*\", as: ok, within: 1 s }\n"
    #expect(try run(steps, sinks: [packets]).verdict == .passed)
    let sent = try #require(packets.all.first { $0.direction == .sent && $0.payload.text.hasPrefix("OPTIONS") }).payload.text
    #expect(sent.contains("branch=z9hG4bK"))
    let tag = try #require(sent.firstMatch(of: /From: <sip:wire@192.0.2.30>;tag=([0-9a-f]{8})\r\n/)?.1)
    #expect(sent.contains("X-Echo: \(tag)\r\n"))
    // "hello" and the line end that YAML keeps.
    #expect(sent.contains("Content-Length: 7\r\n\r\nhello\r\n"))
    let again = Packets()
    _ = try run(steps, sinks: [again])
    #expect(again.all.first { $0.payload.text.hasPrefix("OPTIONS") }?.payload.text == sent)
  }

  @Test func `values of what came go into what is sent: header fields, URIs, tags, numbers`() throws {
    let packets = Packets()
    let echo = """
        - expect: { message: wire, start: "SIP/2.0 200*", as: ok, within: 1 s }
        - send:
            from: wire
            to: kallglot
            message: |
              OPTIONS ${ok.To.uri} SIP/2.0
              Via: SIP/2.0/UDP 192.0.2.30;branch=${branch.two};rport
              Max-Forwards: 70
              From: <sip:wire@192.0.2.30>;tag=x${ok.CSeq.number}
              To: ${ok.To}
              Call-ID: ${ok.Call-ID}
              CSeq: 8 OPTIONS
              X-Tag: ${ok.To.tag}
              X-Start: ${ok.start}
              Content-Length: ${body.length}


      """
    #expect(
      try run(options + echo + "  - expect: { message: wire, within: 1 s }\n", top: tolerant, sinks: [packets]).verdict
        == .passed)
    let sent = try #require(packets.all.last { $0.direction == .sent && $0.payload.text.hasPrefix("OPTIONS") }).payload.text
    #expect(sent.contains("OPTIONS sip:sip.kallglot.com SIP/2.0\r\n"))
    #expect(sent.contains("tag=x7\r\n"))
    let tag = try #require(sent.firstMatch(of: /To: <sip:sip.kallglot.com>;tag=([^\r]+)\r\n/)?.1)
    #expect(sent.contains("X-Tag: \(tag)\r\nX-Start: SIP/2.0 200 OK\r\n"))
  }

  @Test func `a place that nothing fills fails the step with what is missing`() throws {
    let result = try run("  - send: { from: wire, to: kallglot, message: \"ACK ${received.Contact.uri} SIP/2.0\" }\n")
    #expect(result.findings.map(\.observed) == ["wire has received no message"])
  }

  @Test func `a message that has to be missing is waited for, and one that comes says what it is`() throws {
    #expect(try run(options + "  - expect: { message: wire, start: \"BYE*\", times: none, within: 2 s }\n").verdict == .passed)
    let result = try run(options + "  - expect: { message: wire, start: \"SIP/2.0 200*\", times: none, within: 2 s }\n")
    #expect(result.findings.map(\.observed) == ["1 came, the last one 'SIP/2.0 200 OK'"])
  }
}
