import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// The route set of a dialog, and the version of its descriptions: what the other side needs and cannot see missing.
@Suite struct RouteTests {
  private let passage = Passage()
  private let edge = IPAddress(v4: 0xC633_6405)
  private var recorded: [String] { ["Record-Route: <sip:\(edge);lr>, <sip:\(proxy);lr;st=7>"] }
  private var forwards: [String] { ["Route: <sip:\(proxy);lr;st=7>", "Route: <sip:\(edge);lr>"] }
  private var backwards: [String] { ["Route: <sip:\(edge);lr>, <sip:\(proxy);lr;st=7>"] }

  /// A call of Alice to Bob through hosts that are not in the capture, with one of her requests and one of his.
  private func call(ack: [String], info: [String], bye: [String]) throws -> InspectionReport {
    var packets = Packets()
    let invite: [Passage.Hop] = [(alice, "a1")]
    packets.udp(alice, to: bob, passage.request("INVITE", 1, via: invite, extra: recorded, sdp: Talk.sdp(alice, 10_000)))
    packets.step(
      bob, to: alice, passage.response("200 OK", "INVITE", 1, via: invite, to: "b1", extra: recorded, sdp: Talk.sdp(bob, 20_000)))
    packets.step(alice, to: bob, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1", extra: ack))
    packets.step(alice, to: bob, passage.request("INFO", 2, via: [(alice, "a3")], to: "b1", extra: info))
    packets.step(bob, to: alice, passage.response("200 OK", "INFO", 2, via: [(alice, "a3")], to: "b1"))
    packets.step(bob, to: alice, passage.request("BYE", 1, via: [(bob, "b9")], from: "b1", to: "a1", extra: bye))
    packets.step(alice, to: bob, passage.response("200 OK", "BYE", 1, via: [(bob, "b9")], from: "b1", to: "a1"))
    return try packets.report()
  }

  @Test func `requests with the route set of the dialog are right: backwards for the caller, forwards for the callee (RFC 3261 §12.1)`()
    throws
  {
    #expect(try call(ack: forwards, info: forwards, bye: backwards).findings.isEmpty)
  }

  @Test func `ACK and BYE without the route set are named with their sender and where it was learnt (RFC 3261 §12.2.1.1)`() throws {
    let report = try call(ack: [], info: forwards, bye: [])
    #expect(report.accusations == ["route-set", "route-set"] && report.findings.map(\.frame) == [3, 6], "\(report.findings)")
    #expect(report.findings.allSatisfy { $0.severity == .error && $0.rule == "RFC 3261 §12.2.1.1" })
    let set = "<sip:\(proxy);lr;st=7>, <sip:\(edge);lr>, by Record-Route in frame 2"
    #expect(report.findings.first?.text == "ACK from \(alice):5060 has no Route; the dialog's route set is \(set)")
    #expect(report.findings.last?.text.hasPrefix("BYE from \(bob):5060 has no Route") == true)
    #expect(report.findings.last?.text.hasSuffix("by Record-Route in frame 1") == true)
  }

  @Test func `a request without its only route that goes there all the same is noted, and harms nobody (RFC 3261 §12.2.1.1)`() throws {
    var packets = Packets()
    packets.answerThroughProxy()
    packets.udp(alice, to: proxy, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1"))
    let report = try packets.report()
    #expect(report.findings.map(\.check) == ["route-set"] && report.accusations.isEmpty, "\(report.findings)")
  }

  @Test func `routes in the wrong order are named (RFC 3261 §12.1.2)`() throws {
    let report = try call(ack: forwards, info: backwards, bye: backwards)
    #expect(report.accusations == ["route-set"] && report.findings.first?.frame == 4, "\(report.findings)")
    #expect(report.findings.first?.text.contains("has Route <sip:\(edge);lr>, <sip:\(proxy);lr;st=7>") == true)
  }

  @Test func `the answer to a re-INVITE changes no route set, and a request without it is named (RFC 3261 §12.2.1.2)`() throws {
    var packets = Packets()
    packets.answerThroughProxy()
    let routed = ["Route: <sip:\(proxy);lr>"]
    packets.udp(alice, to: proxy, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1", extra: routed))
    packets.step(
      alice, to: proxy, passage.request("INVITE", 2, via: [(alice, "a3")], to: "b1", extra: routed, sdp: Talk.sdp(alice, 10_000)))
    packets.step(proxy, to: alice, passage.response("200 OK", "INVITE", 2, via: [(alice, "a3")], to: "b1", sdp: Talk.sdp(bob, 20_000)))
    packets.step(alice, to: bob, passage.request("ACK", 2, via: [(alice, "a4")], to: "b1"))
    let report = try packets.report()
    #expect(report.accusations == ["route-set"] && report.findings.first?.text.hasPrefix("ACK from \(alice)") == true, "\(report.findings)")
  }

  @Test func `behind the proxy a request has no Route left, which is right (RFC 3261 §16.4)`() throws {
    var packets = Packets()
    packets.answerThroughProxy()
    packets.udp(alice, to: proxy, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1", extra: ["Route: <sip:\(proxy);lr>"]))
    packets.step(proxy, to: bob, passage.request("ACK", 1, via: [(proxy, "p2"), (alice, "a2")], to: "b1"))
    packets.step(bob, to: proxy, passage.request("BYE", 1, via: [(bob, "b9")], from: "b1", to: "a1", extra: ["Route: <sip:\(proxy);lr>"]))
    packets.step(proxy, to: alice, passage.request("BYE", 1, via: [(proxy, "p9"), (bob, "b9")], from: "b1", to: "a1"))
    #expect(try packets.report().findings.isEmpty)
  }

  // MARK: - o=

  /// A call with a re-INVITE of Alice.
  private func change(
    first: UInt32, second: UInt32, port: UInt16 = 10_000, formats: String = "0 101", refusal: String? = nil
  ) throws -> InspectionReport {
    let talk = Talk()
    var packets = Packets()
    packets.establish(offer: Talk.sdp(alice, 10_000, version: first))
    packets.udp(
      alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: Talk.sdp(alice, port, formats: formats, version: second)))
    packets.udp(
      bob, to: alice,
      talk.response(refusal ?? "200 OK", cseq: 2, "INVITE", sdp: refusal == nil ? Talk.sdp(bob, 20_000, formats: formats) : ""))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: refusal == nil ? "ack2" : "INVITE2", inDialog: true))
    return try packets.report()
  }

  @Test func `a changed description that keeps the version of o= is named (RFC 3264 §8)`() throws {
    for report in [try change(first: 8, second: 8, port: 10_002), try change(first: 8, second: 8, formats: "0")] {
      let finding = try #require(report.finding("origin-version"))
      #expect(report.accusations == ["origin-version"] && finding.frame == 5 && finding.rule == "RFC 3264 §8", "\(report.findings)")
      #expect(finding.text == "INVITE from \(alice):5060 changes the description of frame 1 and keeps version 8 in o=")
    }
  }

  @Test func `a new version and the same description again are right, and a refused offer is held to it as well (RFC 3264 §8)`() throws {
    #expect(try change(first: 8, second: 9, port: 10_002).accusations.isEmpty)
    #expect(try change(first: 8, second: 8).accusations.isEmpty)
    #expect(try change(first: 8, second: 9, port: 10_002, refusal: "488 Not Acceptable Here").finding("origin-version") == nil)
    #expect(try change(first: 8, second: 8, port: 10_002, refusal: "488 Not Acceptable Here").finding("origin-version")?.frame == 5)
  }

  @Test func `early media of another server has a description of its own (RFC 3960 §3.1)`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    for (status, port) in [("183 Session Progress", 30_000), ("200 OK", 20_000)] as [(String, UInt16)] {
      packets.udp(bob, to: alice, talk.response(status, cseq: 1, "INVITE", sdp: Talk.sdp(bob, port, version: 1)))
    }
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    #expect(try packets.report().accusations.isEmpty)
  }
}
