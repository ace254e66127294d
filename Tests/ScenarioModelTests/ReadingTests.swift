import KallglotPolicy
import CallControl
import SIPMessage
import SansIO
import Testing

@testable import ScenarioModel

private let head = """
  summary: s
  given: { accounts: { acme: { username: acme } }, sessions: { demo: { account: acme } } }
  cast:
    kallglot: { endpoint: default, address: 198.51.100.10 }
    pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }

  """

@Suite struct ScenarioReadingTests {
  private func problem(_ text: String) -> String {
    do {
      _ = try Scenario.read(text, file: "x.yaml")
      return "no problem"
    } catch { return error.description }
  }

  @Test func `a scenario is read with its cast, policy, network and steps`() throws {
    let text =
      head + """
        policy: { allow: [pbx, 10.0.0.0/8], maxConcurrentCalls: 3, digestAlgorithms: [MD5], rtpTimeout: 10 s }
        network:
          - { between: [pbx, kallglot], delay: 30 ms, loss: 0.5 % }
        steps:
          - call: { from: pbx, to: session demo, as: leg }
          - expect: { leg: leg, is: refused, status: 403, within: 2 s }
        """
    let scenario = try Scenario.read(text, file: "scenarios/basic/x.yaml")
    #expect(scenario.name == "basic/x")
    #expect(scenario.policy.allow.map(\.description) == ["192.0.2.20/32", "10.0.0.0/8"])
    #expect(scenario.policy.maxConcurrentCalls == 3)
    #expect(scenario.policy.rtpTimeout == .seconds(10))
    #expect(scenario.network[0].impairment.loss == .random(Ratio(5, of: 1_000)))
    #expect(scenario.steps.map(\.text) == ["call from pbx to session demo as leg", "expect leg is refused with 403 within 2.0 seconds"])
  }

  @Test(arguments: [
    ("sumary: s\ncast: {}\nsteps: []", "x.yaml:1:1: unknown key 'sumary', did you mean 'summary'?"),
    ("summary: s\nsteps: []", "the key 'cast' is missing"), ("", "x.yaml: the file is empty"), ("a: [1", "x.yaml:2:1: this is not YAML"),
    (head + "steps:\n  - cal: {}", "x.yaml:7:5: steps[1].cal: unknown step 'cal', did you mean 'call'?"),
    (
      head + "steps:\n  - call: { from: pbxx, to: session demo }",
      "x.yaml:7:19: steps[1].call.from: 'pbxx' is not one of kallglot, pbx, did you mean 'pbx'?"
    ),
    (
      head + "steps:\n  - call: { from: pbx, to: seshun demo }",
      "'seshun demo' is neither 'session NAME', 'account NAME', a SIP URI nor a name of the cast"
    ),
    (head + "steps:\n  - expect: { leg: leg, is: established }", "'leg' is not a leg: no earlier step places a call"),
    (head + "steps:\n  - wait: soon", "x.yaml:7:11: steps[1].wait: 'soon' is not a duration such as '2 s' or '30 ms'"),
    (head + "steps:\n  - fault: { drop: the 2nd 99 INVITE }", "is not a message such as"),
    (head + "policy: { maxConcurentCalls: 3 }\nsteps: []", "unknown key 'maxConcurentCalls' in policy, did you mean 'maxConcurrentCalls'?"),
    (head + "policy: { rateLimit: 3 }\nsteps: []", "the policy key 'rateLimit' is not served yet"),
    (
      head + "policy: { allow: [pbx2] }\nsteps: []",
      "'pbx2' is neither an address, a CIDR range nor a name of the cast, did you mean 'pbx'?"
    ),
    (
      head + "policy: { allow: [10.0.0.0/33] }\nsteps: []",
      "'10.0.0.0/33' is not a CIDR range: the prefix of an IPv4 range is a number from 0 to 32"
    ),
    (head + "policy: { allow: [\"2001:db8::/-1\"] }\nsteps: []", "the prefix of an IPv6 range is a number from 0 to 128"),
    (head + "policy: { allow: [010.0.0.1] }\nsteps: []", "'010.0.0.1' has a number with a leading zero, which some read as octal"),
    (head + "policy: { allow: [10.0.0.0/08] }\nsteps: []", "'10.0.0.0/08' has a number with a leading zero"),
    (head + "policy: { allow: [\"::ffff:10.0.0.0/8\"] }\nsteps: []", "'::ffff:10.0.0.0/8' holds no IPv4 address"),
    (head + "policy: { mediaPorts: 70000-1 }\nsteps: []", "'70000-1' is not a range of ports"),
    (head + "network:\n  - { between: [pbx, kallglot], loss: 130 % }\nsteps: []", "'130 %' is not a share"),
    (
      "summary: s\ncast:\n  a: { persona: asterix-22, address: 192.0.2.1 }\nsteps: []",
      "'asterix-22' is not one of plain-caller, asterisk-22, cucm-14-trunk, did you mean 'asterisk-22'?"
    ),
    (
      "summary: s\ncast:\n  a: { persona: plain-caller, address: 192.0.2.1 }\n  b: { persona: plain-caller, address: 192.0.2.1 }\n"
        + "steps: []",
      "b and a have the same address 192.0.2.1"
    ),
    (
      "summary: s\ncast:\n  a: { persona: plain-caller, address: 192.0.2.1, otherAddress: \"2001:db8::1\" }\n"
        + "  b: { persona: plain-caller, address: \"2001:db8::1\" }\nsteps: []",
      "b and a have the same address 2001:db8::1"
    ),
    (
      "summary: s\ncast:\n  a: { persona: plain-caller, address: 192.0.2.1, otherAddress: 192.0.2.2 }\nsteps: []",
      "192.0.2.2 is of the same family as 192.0.2.1; otherAddress is the one of IPv6"
    ),
    ("summary: s\ncast:\n  a: { persona: plain-caller, address: 192.0.2.1, account: acm }\nsteps: []", "account 'acm' is not given"),
  ])
  func `a mistake is told with its place, what was expected and the nearest word`(text: String, expected: String) {
    #expect(problem(text).contains(expected), "\(problem(text))")
  }

  @Test(arguments: [
    ("2 s", Duration.seconds(2)), ("30ms", .milliseconds(30)), ("1.5 min", .seconds(90)), ("0", .zero), ("250 µs", .microseconds(250)),
    ("0.001 s", .milliseconds(1)), ("2 h", .seconds(7_200)),
  ])
  func `durations are exact`(text: String, expected: Duration) { #expect(ScalarText.duration(text) == expected) }

  @Test(arguments: ["", "s", "2", "-1 s", "1.2.3 s", "1e3 s", "99999999999999999 s", ".5 s"])
  func `what is no duration is nil`(text: String) { #expect(ScalarText.duration(text) == nil) }

  @Test(arguments: [
    ("the 2nd 200 INVITE", 2...2, Label.Subject.response(status: 200, .invite)), ("every ACK", 1...Int.max, .request(.ack)),
    ("the first 3 BYE", 1...3, .request(.bye)), ("RTP", 1...1, .rtp(payloadType: 0)),
    ("the 11th 180 INVITE", 11...11, .response(status: 180, .invite)),
  ])
  func `messages are named as engineers name them`(text: String, occurrences: ClosedRange<Int>, subject: Label.Subject) throws {
    let parsed = try #require(MessageText.parse(text))
    #expect(parsed.occurrences == occurrences)
    #expect(parsed.subject == subject)
  }

  @Test func `every kind of step has a keyword of its own and a sentence`() {
    let keywords = StepRegistry.kinds.map { $0.keyword }
    #expect(Set(keywords).count == keywords.count)
    #expect(StepRegistry.kinds.allSatisfy { !$0.summary.isEmpty })
  }
}
