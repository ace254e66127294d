import Foundation
import ScenarioEngine
import ScenarioModel

/// A scenario of the library with one place changed, so that what it is about is not there any more.
struct Mutation: Sendable, CustomStringConvertible {
  let name: String
  let old: String
  let new: String

  private init(_ name: String, _ old: String, _ new: String) { (self.name, self.old, self.new) = (name, old, new) }

  var description: String { "\(name): \(old) → \(new)" }

  static let all = [
    Mutation("basic/answered-udp", "tone: 1000 Hz, within", "tone: 1100 Hz, within"),
    Mutation("authentication/wrong-password", ", password: not-the-password", ""),
    Mutation("policy/address-off-list", "192.0.2.64/26", "192.0.2.0/26"),
    Mutation("policy/cap-reached", "maxConcurrentCalls: 1", "maxConcurrentCalls: 2"),
    Mutation("faults/lost-200", "the first 2 200 INVITE", "every 200 INVITE"),
    Mutation("basic/caller-cancels", "answerDelay: 10 s", "answerDelay: 1 s"),
    Mutation("faults/timer-b", "every INVITE", "the first 3 INVITE"),
    Mutation("network/lossy-link", "loss: 3 %", "loss: 100 %"),
    Mutation("policy/allowlist-edges", "192.0.2.64/26", "192.0.2.0/25"),
    Mutation("policy/drop-udp", "allowlistRefusal: drop", "allowlistRefusal: 403"),
    Mutation("policy/ports-exhausted", "20000-20001", "20000-20003"),
    Mutation("basic/third-leg", "demo, as: three", "other, as: three"),
    Mutation("registration/eleventh-contact", "192.0.2.111:5060", "192.0.2.110:5060"),
    Mutation("basic/fork-two-answers", "tag: two", "tag: one"),
    Mutation("authentication/loop-guard", "nonce=\"two\"", "nonce=\"two\", stale=true"),
    Mutation("faults/every-packet-twice", "duplicate", "loss"),
    Mutation("mid-call/hold-sends-nothing", "inactive", "sendonly"),
    Mutation("basic/silence", "{ drop: every RTCP, from: deaf }", "{ drop: every PRACK, from: deaf }"),
    Mutation("personas/cucm-hold-with-music", "tone: 660 Hz", "tone: 600 Hz"),
    Mutation("personas/cucm-ping", "pinged: cucm, status: 200", "pinged: cucm, status: 483"),
    Mutation("personas/asterisk-direct-media", ", directMedia: 192.0.2.50", ""),
    Mutation("personas/asterisk-line", "to: account acme, as: second", "to: asterisk, as: second"),
    Mutation("tls/certificate-rotated", "certificates: new }", "certificates: old }"),
    Mutation("tls/server-name-chooses", "[first, second]", "[second, first]"),
    Mutation("tls/client-certificate-optional", ", untrusted: true", ""),
    Mutation("tls/contact-names-the-certificate", "names: sip.kallglot.com }", "names: sip.example.com }"),
    Mutation("personas/cucm-on-the-wire", "cucm-14-trunk", "plain-caller"),
  ]

  struct PlaceMissing: Error { let mutation: String }

  func scenario() throws -> Scenario {
    let file = "\(Place.root)/scenarios/\(name).yaml"
    let text = try ScenarioLibrary.text(of: file)
    guard text.contains(old) else { throw PlaceMissing(mutation: description) }
    return try Scenario.read(text.replacingOccurrences(of: old, with: new), file: file)
  }
}
