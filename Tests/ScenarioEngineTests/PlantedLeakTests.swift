import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

/// What crossed the taps of a run.
private final class Seen: JournalSink {
  private(set) var packets: [PacketRecord] = []
  private(set) var names: [String] = []

  func hostAdded(_ host: HostID, name: String) { names.append(name) }
  func packet(_ packet: PacketRecord) { packets.append(packet) }
  func record(_ record: JournalRecord) {}
  func finish(at now: Instant) {}

  /// `pbx#12`: the first packet of a host that is so, by its bytes alone.
  func first(at host: String, _ isMeant: (PacketRecord) -> Bool) -> String? {
    packets.first { names[Int($0.host.rawValue)] == host && isMeant($0) }.map { "\(host)#\($0.frame)" }
  }
}

/// A host that leaks, and what an observer has to say of it.
private struct Leak: Sendable, CustomTestStringConvertible {
  var defect: String
  var at: String
  var policy: String
  /// More of the persona: `srtp: require`.
  var persona = ""
  var rule: String
  /// The sentence, with `*` for numbers that vary.
  var sentence: String
  /// At whose tap the packet is that is to be cited, and how it is known by its bytes.
  var tap: String
  var packet: @Sendable (PacketRecord) -> Bool

  var testDescription: String { "\(defect) at \(at)" }

  func scenario(isLeaking: Bool) -> String {
    let (own, peer) = (isLeaking && at == "kallglot" ? ", defect: \(defect)" : "", isLeaking && at == "pbx" ? ", defect: \(defect)" : "")
    return """
      summary: s
      policy: { \(policy) }
      given: { accounts: { acme: { password: correct-horse } }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10\(own) }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme\(persona)\(peer) }
      steps:
        - call: { from: pbx, to: session demo, as: leg }
        - wait: 1 s

      """
  }

  static func starts(_ text: String) -> @Sendable (PacketRecord) -> Bool { { $0.payload.text.hasPrefix(text) } }
  static func has(_ text: String) -> @Sendable (PacketRecord) -> Bool { { $0.payload.text.contains(text) } }
  /// RTP with 20 ms of G.711 and nothing behind it.
  static func isClearRTP(from port: UInt16) -> @Sendable (PacketRecord) -> Bool {
    { $0.payload.count == 172 && $0.payload[0] >> 6 == 2 && $0.source.port == port }
  }

  /// The endpoint's first record of data in TLS 1.2.
  static let isAnswerInTLS: @Sendable (PacketRecord) -> Bool = { $0.direction == .sent && $0.payload.first == 23 }

  static let all: [Leak] = [
    Leak(
      defect: "every-tenth-packet-in-clear", at: "kallglot", policy: "requireSRTP: true", persona: ", srtp: require",
      rule: "rtp-outside-srtp",
      sentence: "RTP 198.51.100.10:20000 to 192.0.2.20:10000 is outside SRTP: * of * packets are in clear (requireSRTP)", tap: "pbx",
      packet: isClearRTP(from: 20_000)),
    Leak(
      defect: "first-packet-in-clear", at: "pbx", policy: "requireSRTP: true", persona: ", srtp: require, transport: tls",
      rule: "rtp-outside-srtp",
      sentence: "RTP 192.0.2.20:10000 to 198.51.100.10:20000 is outside SRTP: 1 of * packets is in clear (requireSRTP)", tap: "kallglot",
      packet: isClearRTP(from: 10_000)),
    Leak(
      defect: "require-srtp-ignored", at: "kallglot", policy: "requireSRTP: true", rule: "rtp-outside-srtp",
      sentence: "RTP 198.51.100.10:20000 to 192.0.2.20:10000 is outside SRTP: * packets are in clear (requireSRTP)", tap: "pbx",
      packet: isClearRTP(from: 20_000)),
    Leak(
      defect: "media-copied-to-a-stranger", at: "kallglot", policy: "codecs: [PCMU]", rule: "media-to-stranger",
      sentence: "RTP 198.51.100.10:20000 to 203.0.113.250:40000 goes where no description asks for it, and from where nothing had come: *",
      tap: "kallglot", packet: { $0.destination.port == 40_000 }),
    Leak(
      defect: "keys-taken-in-clear", at: "kallglot", policy: "sdesOverClear: refuse", persona: ", srtp: require", rule: "keys-in-clear",
      sentence: "200 OK has keys of SRTP over *: whoever reads them hears the call (sdesOverClear: refuse)", tap: "kallglot",
      packet: { $0.direction == .sent && has("a=crypto")($0) }),
    Leak(
      defect: "password-in-a-header", at: "pbx", policy: "transports: [udp]", rule: "password-in-clear",
      sentence: "INVITE shows the password of acme over UDP", tap: "kallglot", packet: has("correct-horse")),
    Leak(
      defect: "secret-hash-in-a-header", at: "pbx", policy: "transports: [tcp]", persona: ", transport: tcp", rule: "password-in-clear",
      sentence: "INVITE shows H(A1) of acme, which is as good as its password, over TCP", tap: "kallglot", packet: has("X-Account")),
    Leak(
      defect: "basic-credentials", at: "pbx", policy: "transports: [udp]", rule: "password-in-clear",
      sentence: "INVITE shows Basic credentials, which hold a password as it is, over UDP", tap: "kallglot", packet: has("Basic ")),
    Leak(
      defect: "port-before-the-policy", at: "kallglot", policy: "allow: [203.0.113.1]", rule: "refused-call-port",
      sentence: "403 Forbidden refuses a call for which 1 port of media had been opened, the last one 198.51.100.10:45000",
      tap: "kallglot", packet: starts("SIP/2.0 403")),
    Leak(
      defect: "drop-answers-403", at: "kallglot", policy: "allow: [203.0.113.1], allowlistRefusal: drop", rule: "stranger-answered",
      sentence: "403 Forbidden answers 192.0.2.20:5060, which is not on the allowlist (allowlistRefusal: drop)", tap: "kallglot",
      packet: starts("SIP/2.0 403")),
    Leak(
      defect: "drop-answers-403", at: "kallglot", policy: "allow: [203.0.113.1], allowlistRefusal: drop",
      persona: ", transport: tls", rule: "stranger-answered",
      sentence: "192.0.2.20:* which is not on the allowlist, gets bytes on its connection (allowlistRefusal: drop)", tap: "kallglot",
      packet: { $0.direction == .sent && $0.payload.first == 22 }),
    Leak(
      defect: "require-tls-ignored", at: "kallglot", policy: "requireTLS: true", rule: "sip-transport",
      sentence: "401 Unauthorized is sent over UDP, and the policy allows TLS alone (requireTLS)", tap: "kallglot",
      packet: starts("SIP/2.0 401")),
    Leak(
      defect: "transports-ignored", at: "kallglot", policy: "transports: [udp, tls]", persona: ", transport: tcp", rule: "sip-transport",
      sentence: "401 Unauthorized is sent over TCP, and the policy allows UDP and TLS (transports)", tap: "kallglot",
      packet: starts("SIP/2.0 401")),
    Leak(
      defect: "codec-list-ignored", at: "kallglot", policy: "codecs: [G722]", rule: "codec-off-list",
      sentence: "200 OK names PCMU, and the policy's list is G722 (codecs)", tap: "kallglot",
      packet: { starts("SIP/2.0 200")($0) && has("m=audio")($0) }),
    Leak(
      defect: "client-certificate-ignored", at: "kallglot", policy: "clientCertificate: required",
      persona: ", transport: tls, versions: 1.2, certificate: { names: pbx.example.com }", rule: "client-unproven",
      sentence: "401 Unauthorized answers 192.0.2.20:* over TLS, and it showed no certificate (clientCertificate: required)",
      tap: "kallglot", packet: isAnswerInTLS),
    Leak(
      defect: "any-client-certificate-taken", at: "kallglot", policy: "clientCertificate: optional",
      persona: ", transport: tls, versions: 1.2, certificate: { names: pbx.example.com, untrusted: true }", rule: "client-unproven",
      sentence: "401 Unauthorized answers 192.0.2.20:* over TLS, and its certificate is not to be trusted: *(clientCertificate: optional)",
      tap: "kallglot", packet: isAnswerInTLS),
    Leak(
      defect: "client-certificate-of-any-name", at: "kallglot", policy: "clientCertificate: { is: required, names: pbx.example.com }",
      persona: ", transport: tls, versions: 1.2, certificate: { names: other.example.com }", rule: "client-unproven",
      sentence: "401 Unauthorized answers 192.0.2.20:* over TLS, and its certificate is for other.example.com, not for pbx.example.com *",
      tap: "kallglot", packet: isAnswerInTLS),
  ]
}

@Suite struct PlantedLeakTests {
  private func run(_ text: String, _ seen: Seen) throws -> ScenarioResult {
    try VirtualStage(try Scenario.read(text, file: "x.yaml"), seed: 1, sinks: [seen]).run()
  }

  /// `*` matches any text.
  private func fits(_ sentence: String, _ text: String) -> Bool {
    var rest = text[...]
    for (index, part) in sentence.split(separator: "*", omittingEmptySubsequences: false).enumerated() {
      guard let found = part.isEmpty ? rest.startIndex..<rest.startIndex : rest.firstRange(of: part),
        index > 0 || found.lowerBound == rest.startIndex
      else { return false }
      rest = rest[found.upperBound...]
    }
    return rest.isEmpty || sentence.hasSuffix("*")
  }

  @Test(arguments: Leak.all)
  fileprivate func `a leak is caught, with the packet that shows it and a sentence that says it (contract 8.1)`(leak: Leak) throws {
    let seen = Seen()
    let result = try run(leak.scenario(isLeaking: true), seen)
    #expect(result.verdict == .failed)
    let findings = result.findings.filter { $0.rule.hasPrefix("\(leak.rule), ") }
    let texts = findings.map { "\(result.citation($0.evidence)) \($0.observed)" }
    let found = findings.first { fits(leak.sentence, String($0.observed.split(separator: ": ", maxSplits: 1).last ?? "")) }
    let finding = try #require(found, "\(result.findings.map { "\($0.rule): \($0.observed)" })")
    #expect(result.citation(finding.evidence) == seen.first(at: leak.tap, leak.packet), "\(texts)")
    #expect(result.proof?.items.contains { $0.rule == leak.rule && $0.standing == .broken } == true, "\(result.proof?.lines ?? [])")
  }

  @Test(arguments: Leak.all)
  fileprivate func `the same host without the leak is not accused of it`(leak: Leak) throws {
    let result = try run(leak.scenario(isLeaking: false), Seen())
    // A PBX that shows its keys to everybody does so whatever the endpoint does.
    let allowed = leak.defect == "keys-taken-in-clear" ? ["pbx"] : []
    let accused = result.findings.filter { finding in
      finding.rule.hasPrefix("\(leak.rule), ") && !allowed.contains { finding.observed.contains("saw \($0) ") }
    }
    #expect(accused.isEmpty, "\(accused.map(\.observed))")
  }
}
