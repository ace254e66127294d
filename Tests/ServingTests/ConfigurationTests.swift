import KallglotPolicy
import ScenarioModel
import Testing

@testable import Serving

/// What `serve --config` reads.
@Suite struct ConfigurationReadingTests {
  @Test func `serve reads policy keys beside its own`() throws {
    let text = "listen: [udp 127.0.0.1:5070, tls 127.0.0.1:5071]\naccount: { username: a, password: b }\nanyDomain: true\ntone: 1000 Hz\n"
    let configuration = try ServeConfiguration.read(text, file: "c.yaml")
    #expect(configuration.listeners.map(\.description) == ["UDP 127.0.0.1:5070", "TLS 127.0.0.1:5071"])
    #expect(configuration.policy.anyDomain)
    #expect(configuration.tone == 1000)
  }

  @Test func `who listens in both families has media in both, each peer's in that of its offer (RFC 6157 §4.2)`() throws {
    func media(_ listeners: String) throws -> [String] {
      try ServeConfiguration.read("listen: [\(listeners)]", file: "c.yaml").mediaAddresses.map(\.description)
    }
    #expect(try media("udp 127.0.0.1:5060, 'udp [::1]:5060', 'tls [::1]:5061'") == ["127.0.0.1", "::1"])
    #expect(try media("'tcp [::1]:5060', tcp 127.0.0.1:5060") == ["::1", "127.0.0.1"])
    #expect(try media("udp 127.0.0.1:5060, tcp 127.0.0.2:5060") == ["127.0.0.1"])
  }

  @Test func `sessions are ids, or ids that are reusable`() throws {
    let configuration = try ServeConfiguration.read("sessions: [sess_a, { id: sess_b, reusable: true }]", file: "c.yaml")
    #expect(configuration.sessions == [.init(id: "sess_a"), .init(id: "sess_b", isReusable: true)])
  }

  @Test(arguments: [
    ("answerWith: nothing", Policy.AnswerForm.nothing), ("answerWith: earlyMedia", .earlyMedia), ("earlyMedia: true", .earlyMedia),
    ("earlyMedia: false", .ringing), ("anyDomain: true", .ringing),
  ])
  func `answerWith has three words, and earlyMedia is the older key for one of them (contract 8.4)`(text: String, form: Policy.AnswerForm)
    throws
  {
    #expect(try ServeConfiguration.read(text, file: "c.yaml").policy.answerWith == form)
  }

  @Test(arguments: [
    ("lisen: []", "unknown key 'lisen', did you mean 'listen'?"), ("listen: [udp 0.0.0.0:5060]", "a concrete address"),
    ("listen: [sctp 127.0.0.1:5060]", "is not one of udp, tcp, tls"),
    ("sessions: [demo]", "is not a session id"), ("sessions: { id: sess_a, reusabel: true }", "did you mean 'reusable'"),
    ("answerWith: silence", "'silence' is not one of ringing, nothing, earlyMedia"),
    ("answerWith: nothing\nearlyMedia: true", "answerWith is given too"),
    ("certificate: a.pem", "c.yaml:1:1: 'certificate' goes only with `privateKey`"),
    ("privateKey: a.pem", "c.yaml:1:1: 'privateKey' goes only with `certificate`"),
    ("sendsMedia: false\ntone: 440 Hz", "c.yaml:2:1: 'tone' goes only with `sendsMedia: true`"),
    ("account: { username: a }", "account: the key 'password' is missing"),
  ])
  func `a mistake in a configuration is told with its place`(text: String, expected: String) {
    do throws(SourceProblem) {
      _ = try ServeConfiguration.read(text, file: "c.yaml")
      Issue.record("no problem")
    } catch { #expect(error.description.contains(expected), "\(error)") }
  }
}
