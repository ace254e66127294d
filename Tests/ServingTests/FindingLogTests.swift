import Foundation
import Inspection
import LabBench
import Rules
import SansIO
import ScenarioModel
import Testing

@testable import Serving

/// What packets show, as lines of a live host's log.
@Suite struct FindingLogTests {
  private func finding(_ severity: Rule.Severity = .error, _ rule: Rule = .contactMissing, from peer: IPAddress = alice)
    -> InspectionFinding
  {
    InspectionFinding(
      rule, severity, rule.section, "INVITE has no Contact", frame: 7, callID: "c1", blamed: TransportAddress(peer, port: 5_060))
  }

  @Test func `a line has rule, section, what was seen, who did it, the frame of its capture and the Call-ID`() {
    var log = FindingLog()
    let line = log.line(for: finding()) { "frame \($0.frame) of out/call-00001.pcapng" }
    #expect(
      line == "error: contact-missing (RFC 3261 §8.1.1.8): INVITE has no Contact; by \(alice):5060, "
        + "frame 7 of out/call-00001.pcapng (Call-ID c1)")
    let apart = log.line(for: finding(.warning, .tlsSecrets)) { _ in nil }
    #expect(apart == "warning: tls-secrets: INVITE has no Contact; by \(alice):5060 (Call-ID c1)")
  }

  @Test func `notes, and what the host itself said of its refusals, make no line`() {
    var log = FindingLog()
    for rule in [Rule.callRefused, .registrationRefused, .refusedInDialog] {
      #expect(log.line(for: finding(.warning, rule)) { _ in nil } == nil)
    }
    #expect(log.line(for: finding(.note)) { _ in nil } == nil)
    #expect(log.summary(missed: 0) == ["  no call was judged", "  note: contact-missing: 1, by \(alice)"])
  }

  @Test func `a note of what a peer is forgiven makes a line: nothing else of a call shows it (RFC 3261 §25.1)`() {
    var log = FindingLog()
    for rule in Rule.forgiven {
      #expect(log.line(for: finding(.note, rule)) { _ in nil }?.hasPrefix("note: \(rule.id) (\(rule.section)): ") == true)
    }
  }

  @Test func `of a rule that one peer breaks all day there are ten lines, then one at a hundred, a thousand, and so on`() {
    var log = FindingLog()
    let lines = (1...2_000).compactMap { _ in log.line(for: finding()) { _ in nil } }
    #expect(lines.count == 12 && lines[9].contains("; further ones by \(alice) are counted (Call-ID c1)"))
    #expect(
      lines[10...] == ["error: contact-missing by \(alice): 100 times so far", "error: contact-missing by \(alice): 1,000 times so far"])
    #expect(log.line(for: finding(from: bob)) { _ in nil }?.hasPrefix("error: contact-missing (") == true)
    #expect(log.summary(missed: 3).last == "  3 packets came faster than they could be judged")
  }

  @Test func `however many addresses are blamed, what is kept is bounded, and nothing is left uncounted`() throws {
    var log = FindingLog()
    for number in 0..<20_000 { _ = log.line(for: finding(from: IPAddress(v4: 0x0A00_0000 + UInt32(number)))) { _ in nil } }
    #expect(Holdings(of: log).counts.values.allSatisfy { $0 <= 4_097 })
    #expect(
      log.summary(missed: 0).contains { $0.hasPrefix("  error: contact-missing: 20000, by 10.0.0.0, ") && $0.hasSuffix(" and others") })
    let document = try JSONSerialization.jsonObject(with: Data(log.json.document.utf8)) as? [String: Any]
    let first = try #require((document?["findings"] as? [[String: Any]])?.first)
    #expect(first["rule"] as? String == "contact-missing" && first["severity"] as? String == "error" && first["count"] as? Int == 20_000)
  }

  @Test func `the frame of a file is known for its latest messages, and not guessed for others`() {
    var places = FramePlaces()
    var packets = Packets()
    for number in 0..<300 { packets.udp(alice, to: bob, Bytes("OPTIONS \(number)")) }
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 100)
    for (index, packet) in packets.records.enumerated() { places.add(packet, UInt32(index + 11)) }
    #expect(places[300] == 310 && places[173] == 183 && places[172] == nil)
    #expect(places[301] == 311 && places[400] == nil && places[0] == nil)
  }
}
