import SIPMessage
import SansIO
import Testing

@testable import ScenarioModel

private let head = """
  given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
  cast:
    kallglot: { endpoint: default, address: 198.51.100.10 }
    pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }

  """

@Suite struct TableTests {
  private func read(_ text: String) -> ScenarioFile { ScenarioFile.read("summary: s\n" + head + text, file: "mid-call/matrix.yaml") }

  @Test func `columns with their values make every combination, the first column slowest, each with a name of its own`() {
    let file = read(
      "table: { time: [1 s, 2 s], hold: [sendonly, inactive] }\nsteps:\n  - hold: { who: pbx, by: \"${hold}\" }\n  - wait: ${time}\n")
    #expect(file.problems == [])
    #expect(
      file.scenarios.map(\.name) == [
        "mid-call/matrix[1 s, sendonly]", "mid-call/matrix[1 s, inactive]", "mid-call/matrix[2 s, sendonly]",
        "mid-call/matrix[2 s, inactive]",
      ])
    #expect(file.scenarios[3].steps.map(\.text) == ["pbx holds by inactive", "wait 2.0 seconds"])
  }

  @Test func `rows stand for themselves, and a place can be in any value, also a part of it`() {
    let file = read(
      """
      proves: "RFC ${rfc} §1"
      table: [{ to: demo, rfc: 3261 }, { to: nobody, rfc: 3264 }]
      steps:
        - call: { from: pbx, to: "session ${to}" }
      """)
    #expect(file.problems == [])
    #expect(file.scenarios.map(\.name) == ["mid-call/matrix[demo, 3261]", "mid-call/matrix[nobody, 3264]"])
    #expect(file.scenarios.map { $0.steps[0].text } == ["call from pbx to session demo as leg", "call from pbx to session nobody as leg"])
    #expect(file.scenarios.map(\.proves) == [["RFC 3261 §1"], ["RFC 3264 §1"]])
  }

  @Test func `a value takes its type at its place: a word, a number, a duration, a list`() {
    let file = read(
      "table: [{ codecs: [PCMU, PCMA], cap: 2, timeout: 3 s }, { codecs: PCMA, cap: 1, timeout: 0 }]\n"
        + "policy: { codecs: \"${codecs}\", maxConcurrentCalls: \"${cap}\", rtpTimeout: \"${timeout}\" }\nsteps: []\n")
    #expect(file.problems == [])
    #expect(file.scenarios.map(\.policy.codecs) == [[.pcmu, .pcma], [.pcma]])
    #expect(file.scenarios.map(\.policy.maxConcurrentCalls) == [2, 1])
    #expect(file.scenarios.map(\.policy.rtpTimeout) == [.seconds(3), .zero])
    #expect(file.scenarios.map(\.name) == ["mid-call/matrix[PCMU PCMA, 2, 3 s]", "mid-call/matrix[PCMA, 1, 0]"])
  }

  @Test func `good rows run although another row has a mistake, which names the row and the place`() {
    let file = read("table: { time: [1 s, soon, 3 s] }\nsteps:\n  - wait: ${time}\n")
    #expect(file.scenarios.map(\.name) == ["mid-call/matrix[1 s]", "mid-call/matrix[3 s]"])
    #expect(
      file.problems.map(\.description) == [
        "mid-call/matrix.yaml:8:11: steps[1].wait: 'soon' is not a duration such as '2 s' or '30 ms' (in row [soon])"
      ])
  }

  @Test func `a table that explodes is refused`() {
    let column = "[\((1...80).map(String.init).joined(separator: ", "))]"
    let file = read("table: { a: \(column), b: \(column) }\nsteps:\n  - wait: ${a}\n  - wait: ${b}\n")
    #expect(file.problems.map(\.message) == ["table: it has more than 5000 rows"])
  }

  @Test func `one scenario is asked for and the table makes two: that is said`() {
    #expect(throws: SourceProblem(file: "x.yaml", "the table expands to 2 scenarios from this file, expected one")) {
      try Scenario.read("summary: s\n" + head + "table: { a: [1 s, 2 s] }\nsteps:\n  - wait: ${a}\n", file: "x.yaml")
    }
  }
}

@Suite struct IncludeTests {
  private let trunk = """
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10, answerDelay: 1 s }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
    network: [{ between: [pbx, kallglot], delay: 20 ms }]
    policy: { maxConcurrentCalls: 1, requireTLS: false }
    steps:
      - call: { from: pbx, to: session demo, as: leg }
      - expect: { leg: leg, is: established }
    """

  private func read(_ text: String, _ files: [String: String]) -> ScenarioFile {
    ScenarioFile.read(text, file: "scenarios/basic/x.yaml", loader: .files(files))
  }

  @Test func `the other file's keys stand under this one's: mappings are joined, links appended, the rest replaced`() throws {
    let text = """
      summary: s
      include: ../common/_trunk.yaml
      policy: { maxConcurrentCalls: 2 }
      cast:
        kallglot: { answerDelay: 3 s }
        second: { persona: plain-caller, address: 192.0.2.21 }
      network: [{ between: [second, kallglot], delay: 5 ms }]
      steps:
        - include: ../common/_trunk.yaml
        - hangUp: pbx
      """
    let file = read(text, ["scenarios/common/_trunk.yaml": trunk])
    #expect(file.problems == [])
    let scenario = try #require(file.scenarios.first)
    #expect(scenario.cast.map(\.name) == ["kallglot", "pbx", "second"])
    #expect(scenario.cast[0].answerDelay == .seconds(3))
    #expect(scenario.network.map(\.ends.first) == ["pbx", "second"])
    #expect(scenario.policy.maxConcurrentCalls == 2)
    #expect(
      scenario.steps.map(\.text) == [
        "call from pbx to session demo as leg", "expect leg is established within 5.0 seconds", "pbx hangs up",
      ])
  }

  @Test func `of several files the later one stands over the earlier one, and files include files`() throws {
    let text = "summary: s\ninclude: [_a.yaml, sub/_b.yaml]\nsteps: []\n"
    let files = [
      "scenarios/basic/_a.yaml": "policy: { maxConcurrentCalls: 1, referStatus: 603 }\n",
      "scenarios/basic/sub/_b.yaml": "include: ../../_c.yaml\npolicy: { maxConcurrentCalls: 2 }\n",
      "scenarios/_c.yaml": trunk + "\n",
    ]
    let scenario = try #require(read(text, files).scenarios.first)
    #expect(scenario.policy.maxConcurrentCalls == 2)
    #expect(scenario.policy.referStatus == 603)
  }

  @Test func `a mistake in an included file is told at its own place, and so is one of its steps`() {
    let broken = trunk.replacing("is: established", with: "is: establised").replacing("requireTLS: false", with: "requireTLS: perhaps")
    let file = read("summary: s\ninclude: _t.yaml\nsteps:\n  - include: _t.yaml\n", ["scenarios/basic/_t.yaml": broken])
    #expect(
      file.problems.map(\.description) == [
        "scenarios/basic/_t.yaml:6:46: policy.requireTLS: 'perhaps' is not one of true, false, on, off, yes, no",
        "scenarios/basic/_t.yaml:9:29: steps[2].expect.is: 'establised' is not one of ringing, established, refused, ended, modified, "
          + "early-media, did you mean 'established'?",
      ])
  }

  @Test(arguments: [
    (
      "include: _a.yaml", ["_a.yaml": "include: _b.yaml", "_b.yaml": "include: ../basic/_a.yaml"],
      "scenarios/basic/_b.yaml:1:10: include: scenarios/basic/_a.yaml includes itself: scenarios/basic/x.yaml → scenarios/basic/_a.yaml "
        + "→ scenarios/basic/_b.yaml → scenarios/basic/_a.yaml"
    ),
    (
      "include: x.yaml", [:],
      "scenarios/basic/x.yaml:2:10: include: scenarios/basic/x.yaml includes itself: scenarios/basic/x.yaml → scenarios/basic/x.yaml"
    ),
    ("include: _a.yaml", ["_a.yaml": "polici: {}"], "scenarios/basic/_a.yaml:1:1: unknown key 'polici', did you mean 'policy'?"),
    (
      "include: _a.yaml", ["_a.yaml": "table: { a: [1] }"],
      "scenarios/basic/_a.yaml:1:1: a table belongs in a scenario, not in an included file"
    ),
    ("include: { file: _a.yaml }", [:], "scenarios/basic/x.yaml:2:10: include: expected the path of a file, found keys with values"),
    (
      "steps:\n  - include: _a.yaml", ["_a.yaml": "summary: s"],
      "scenarios/basic/x.yaml:3:14: scenarios/basic/_a.yaml has no steps to include"
    ),
    ("include: _a.yaml", ["_a.yaml": "a: [1"], "scenarios/basic/_a.yaml:2:1: this is not YAML"),
  ])
  func `what cannot be included is told where it is asked for`(text: String, files: [String: String], expected: String) {
    let loader = Dictionary(files.map { ("scenarios/basic/\($0)", $1) }, uniquingKeysWith: { first, _ in first })
    let problem = read("summary: s\n" + text, loader).problems.first?.description ?? "no problem"
    #expect(problem.hasPrefix(expected), "\(problem)")
  }

  @Test func `files that include each other by the thousand come to an end`() {
    let bomb = "steps: [\(Array(repeating: "{ include: _b.yaml }", count: 30).joined(separator: ", "))]"
    let files = [
      "scenarios/basic/_a.yaml": bomb, "scenarios/basic/_b.yaml": bomb.replacing("_b", with: "_c"),
      "scenarios/basic/_c.yaml": bomb.replacing("_b", with: "_d"), "scenarios/basic/_d.yaml": "steps: []",
    ]
    #expect(read("summary: s\nsteps:\n  - include: _a.yaml", files).problems.first?.message == "include: too many files include each other")
  }

  @Test(arguments: [
    ("_t.yaml", "a/b/x.yaml", "a/b/_t.yaml"), ("../c/_t.yaml", "a/b/x.yaml", "a/c/_t.yaml"), ("./_t.yaml", "x.yaml", "_t.yaml"),
    ("../_t.yaml", "x.yaml", "../_t.yaml"), ("/t/_t.yaml", "a/x.yaml", "/t/_t.yaml"), ("_t.yaml", "/a/x.yaml", "/a/_t.yaml"),
    ("../../_t.yaml", "a/x.yaml", "../_t.yaml"),
  ])
  func `paths are relative to the file that names them`(path: String, file: String, expected: String) {
    #expect(SourcePath.resolve(path, in: file) == expected)
  }
}

@Suite struct DefaultsTests {
  @Test func `defaults give what is missing, and what stands there wins`() throws {
    let text = """
      summary: s
      given: { accounts: { acme: {} }, sessions: { demo: {} } }
      defaults: { account: acme, transport: tcp, within: 1 s, delay: 40 ms, tone: 500 Hz, expires: 90 }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20 }
        other: { persona: plain-caller, address: 192.0.2.21, transport: udp }
      network: [{ between: [pbx, kallglot] }, { between: [other, kallglot], delay: 2 ms }]
      steps:
        - register: pbx
        - call: { from: pbx, to: session demo }
        - expect: { leg: leg, is: established }
        - expect: { leg: leg, is: established, within: 3 s }
        - speak: { who: pbx }
        - expect: { hears: kallglot }
      """
    let scenario = try Scenario.read(text, file: "x.yaml")
    #expect(scenario.cast.map(\.transport) == [.tcp, .tcp, .udp])
    #expect(scenario.cast.map(\.account) == [nil, "acme", "acme"])
    #expect(scenario.sessions.map(\.account) == ["acme"])
    #expect(scenario.network.map(\.impairment.delay) == [.milliseconds(40), .milliseconds(2)])
    #expect(
      scenario.steps.map(\.text) == [
        "pbx registers for 90 s", "call from pbx to session demo as leg", "expect leg is established within 1.0 seconds",
        "expect leg is established within 3.0 seconds", "pbx speaks 500 Hz", "expect kallglot hears 500 Hz within 1.0 seconds",
      ])
  }
}

@Suite struct WarningTests {
  private func warnings(_ text: String) -> [String] { ScenarioFile.read(text, file: "x.yaml").warnings.map(\.description) }

  @Test func `what is given and never used is told with its place`() {
    let text = """
      summary: s
      given:
        accounts: { acme: {}, spare: {} }
        sessions:
          demo: { account: acme }
          other: { account: acme }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
        phone: { persona: plain-caller, address: 192.0.2.50 }
      steps:
        - call: { from: pbx, to: session demo, as: one }
      """
    #expect(
      warnings(text) == [
        "x.yaml:3:25: given.accounts.spare: no member or session uses the account spare",
        "x.yaml:6:5: given.sessions.other: no step calls the session other",
        "x.yaml:10:3: cast.phone: phone is not used in this file",
        "x.yaml:12:11: steps[1].call: no expectation uses the leg one",
      ])
  }

  @Test func `a name in an address, an allowlist or a raw message is a use`() {
    let text = """
      summary: s
      given: { accounts: { acme: { username: trunk7 } }, sessions: { demo: { account: acme } } }
      policy: { allow: [guest] }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        guest: { persona: plain-caller, address: 192.0.2.20 }
        phone: { persona: plain-caller, address: 192.0.2.50 }
        wire: { wire: raw, address: 192.0.2.30 }
      steps:
        - send: { from: wire, to: kallglot, message: "INVITE sip:sess_demo@192.0.2.50 SIP/2.0" }
      """
    #expect(warnings(text) == [])
  }

  @Test func `of a table only what no row uses is unused`() {
    let text =
      head
      + "summary: s\ntable: { who: [pbx, other] }\nsteps:\n  - options: \"${who}\"\n  - call: { from: pbx, to: session demo }\n"
      + "  - cancel: leg\n"
    #expect(warnings(text.replacing("cast:", with: "cast:\n  other: { persona: plain-caller, address: 192.0.2.21 }")) == [])
  }
}
