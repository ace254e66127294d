import Capture
import Foundation
import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Registrations: whose they are, and why credentials are asked for again.
@Suite struct RegistrationTests {
  private let talk = Talk()

  private func challenge(_ nonce: String, stale: Bool = false) -> [String] {
    ["WWW-Authenticate: Digest realm=\"x\",nonce=\"\(nonce)\"\(stale ? ",stale=true" : "")"]
  }

  private func credentials(_ nonce: String) -> [String] {
    ["Authorization: Digest username=\"a\",realm=\"x\",nonce=\"\(nonce)\",uri=\"sip:bob@example.com\",response=\"0\""]
  }

  /// A REGISTER with credentials for a nonce, or without any, and its answer.
  private func ask(
    _ packets: inout Packets, _ cseq: Int, nonce: String?, _ extra: [String], status: String = "401 Unauthorized"
  ) {
    packets.udp(alice, to: bob, talk.request("REGISTER", cseq: cseq, extra: nonce.map(credentials) ?? []))
    packets.wait(10)
    packets.udp(bob, to: alice, talk.response(status, cseq: cseq, "REGISTER", extra: extra))
    packets.wait(10)
  }

  @Test func `one with credentials for the nonce just given that are refused twice has a wrong password (RFC 3261 §22.2)`() throws {
    var packets = Packets()
    ask(&packets, 1, nonce: nil, challenge("n1"))
    ask(&packets, 2, nonce: "n1", challenge("n2"))
    let once = try packets.report()
    #expect(once.findings.map(\.check) == ["challenge-loop"] && once.findings.first?.severity == .warning, "\(once.findings)")
    ask(&packets, 3, nonce: "n2", challenge("n3"))
    let finding = try #require(try packets.report().finding("challenge-loop"))
    #expect(finding.severity == .error && finding.frame == 4 && finding.text.contains("challenged again twice: wrong username"))
  }

  @Test func `a proxy and a registrar may each ask for credentials, and two realms of one kind as well (RFC 3261 §22.3)`() throws {
    var packets = Packets()
    let proxied = ["Proxy-Authorization: Digest username=\"a\",realm=\"p\",nonce=\"q\",uri=\"sip:bob@example.com\",response=\"0\""]
    packets.udp(alice, to: bob, talk.request("REGISTER", cseq: 1))
    packets.udp(
      bob, to: alice,
      talk.response(
        "407 Proxy Authentication Required", cseq: 1, "REGISTER", extra: ["Proxy-Authenticate: Digest realm=\"p\",nonce=\"q\""]))
    packets.udp(alice, to: bob, talk.request("REGISTER", cseq: 2, extra: proxied))
    packets.udp(bob, to: alice, talk.response("401 Unauthorized", cseq: 2, "REGISTER", extra: challenge("n1")))
    packets.udp(alice, to: bob, talk.request("REGISTER", cseq: 3, extra: proxied + credentials("n1")))
    let second = ["WWW-Authenticate: Digest realm=\"y\",nonce=\"m\""]
    packets.udp(bob, to: alice, talk.response("401 Unauthorized", cseq: 3, "REGISTER", extra: second))
    #expect(try packets.report().findings.isEmpty)
  }

  @Test(arguments: [("401 nonce has changed", 300 as Int64, "had expired"), ("401 Unauthorized", 17_000, "has probably expired")])
  func `a nonce that has expired is told by phrase and age, and nobody doubts the password (RFC 7616 §3.3)`(
    status: String, pause: Int64, text: String
  ) throws {
    var packets = Packets()
    ask(&packets, 1, nonce: nil, challenge("n1"))
    packets.wait(pause)
    ask(&packets, 2, nonce: "n1", challenge("n2"), status: status)
    let alone = try packets.report()
    #expect(alone.findings.map(\.check) == ["nonce-expired"] && alone.findings.first?.text.hasSuffix(text) == true, "\(alone.findings)")
    ask(&packets, 3, nonce: "n2", ["Expires: 60"], status: "200 OK")
    let report = try packets.report()
    #expect(report.accusations.isEmpty && report.finding("nonce-expired")?.frame == 4, "\(report.findings)")
    #expect(report.finding("nonce-expired")?.rule == "RFC 7616 §3.3")
  }

  @Test func `a stale nonce that the registrar calls so is no finding (RFC 7616 §3.3)`() throws {
    var packets = Packets()
    ask(&packets, 1, nonce: nil, challenge("n1"))
    for cseq in 2...4 { ask(&packets, cseq, nonce: "n\(cseq - 1)", challenge("n\(cseq)", stale: true)) }
    #expect(try packets.report().findings.isEmpty)
  }

  @Test func `credentials of an older nonce accuse nobody of a wrong password (RFC 3261 §22.2)`() throws {
    var packets = Packets()
    for round in 0..<4 {
      ask(&packets, 3 * round + 1, nonce: "n\(round)", challenge("n\(round + 1)"))
      ask(&packets, 3 * round + 2, nonce: "n\(round + 1)", ["Expires: 60"], status: "200 OK")
      packets.wait(30_000)
    }
    let cached = try packets.report()
    #expect(cached.accusations.isEmpty && cached.findings.map(\.check) == ["nonce-expired"], "\(cached.findings)")
    #expect(cached.findings.first?.text.hasSuffix("has probably expired; 3 times") == true, "\(cached.findings)")
    var stubborn = Packets()
    for cseq in 1...5 { ask(&stubborn, cseq, nonce: "n1", challenge("m\(cseq)")) }
    let report = try stubborn.report()
    #expect(
      report.accusations == ["old-nonce"] && report.findings.first?.text.contains("\(alice):5060 repeats") == true, "\(report.findings)")
  }

  @Test func `a client that never sends credentials is called so, and has no wrong password (RFC 3261 §22.2)`() throws {
    var packets = Packets()
    for cseq in 1...3 {
      ask(&packets, cseq, nonce: nil, challenge("n\(cseq)"))
      packets.wait(60_000)
    }
    let report = try packets.report()
    #expect(report.accusations == ["credentials-never-sent"], "\(report.findings)")
    #expect(report.findings.first?.text.contains("challenged 3 times, and \(alice):5060 never sent credentials") == true)
    #expect(report.text().contains { $0.contains("challenged, credentials never sent") })
  }

  @Test func `three Call-IDs of one address of record are three entries with a Contact and a result each (RFC 3261 §10.2)`() throws {
    var packets = Packets()
    for (index, status) in ["200 OK", "401 Unauthorized", "200 OK"].enumerated() {
      let own = Talk(callID: "line\(index)")
      let contact = "Contact: <sip:line\(index)@\(alice)>"
      for (cseq, nonce) in [(1, nil), (2, "n1")] as [(Int, String?)] {
        let asked = own.request("REGISTER", cseq: cseq, extra: nonce.map(credentials) ?? []).text
        packets.udp(alice, to: bob, Bytes(asked.replacing("Contact: <sip:user@\(alice)>", with: contact)))
        packets.wait(10)
        let isLast = cseq == 2 && status == "200 OK"
        let extra = isLast ? [contact + ";expires=\(60 + index)"] : challenge("n\(cseq)")
        packets.udp(bob, to: alice, own.response(isLast ? status : "401 Unauthorized", cseq: cseq, "REGISTER", extra: extra))
        packets.wait(10)
      }
    }
    let report = try packets.report()
    #expect(report.registrations.map(\.callID) == ["line0", "line1", "line2"])
    #expect(report.registrations.map(\.state) == [.registered, .challenged, .registered])
    #expect(report.registrations.map(\.contact) == (0..<3).map { "<sip:line\($0)@\(alice)>" })
    #expect(report.registrations.map(\.granted) == [60, nil, 62], "of its own Contact")
    #expect(report.findings.map(\.callID) == ["line1"], "\(report.findings)")
  }

  /// A REGISTER and its 200, for an address of record.
  private func bind(_ packets: inout Packets, _ talk: Talk, _ cseq: Int, user: String) {
    for message in [talk.request("REGISTER", cseq: cseq), talk.response("200 OK", cseq: cseq, "REGISTER", extra: ["Expires: 60"])] {
      let isRequest = message.text.hasPrefix("REGISTER")
      let text = message.text.components(separatedBy: "\r\n").map { $0.hasPrefix("To:") ? $0.replacing("sip:", with: "sip:\(user).") : $0 }
      packets.udp(isRequest ? alice : bob, to: isRequest ? bob : alice, Bytes(text.joined(separator: "\r\n")))
    }
  }

  @Test func `refreshes of one Call-ID are one entry, and its ladder has its own messages alone (RFC 3261 §10.2.4)`() throws {
    var packets = Packets()
    for cseq in 1...3 {
      bind(&packets, talk, 2 * cseq - 1, user: "one")
      bind(&packets, talk, 2 * cseq, user: "two")
    }
    let report = try packets.report()
    #expect(report.registrations.map(\.refreshes) == [2, 2] && report.registrations.map(\.requests) == [3, 3])
    #expect(report.registrations.map(\.frames) == [[1, 2, 5, 6, 9, 10], [3, 4, 7, 8, 11, 12]])
    let lines = report.text()
    for frame in 1...12 { #expect(lines.filter { $0.contains(" #\(frame) ") }.count == 1, "\(lines)") }
  }

  @Test func `what a proxy passes on is the same registration on its next hop (RFC 3261 §10.2, §16.6)`() throws {
    let proxy = try #require(IPAddress("203.0.113.3"))
    var packets = Packets()
    let (asked, answer) = (talk.request("REGISTER", cseq: 1), talk.response("200 OK", cseq: 1, "REGISTER", extra: ["Expires: 60"]))
    func onward(_ message: Bytes) -> Bytes {
      Bytes(message.text.replacing("\r\nVia:", with: "\r\nVia: SIP/2.0/UDP \(proxy);branch=z9hG4bKp\r\nVia:"))
    }
    packets.udp(alice, to: proxy, asked)
    packets.udp(proxy, to: bob, onward(asked))
    packets.udp(bob, to: proxy, onward(answer))
    packets.udp(proxy, to: alice, answer)
    let report = try packets.report()
    #expect(report.registrations.map(\.registrar.address) == [proxy] && report.registrations.map(\.state) == [.registered])
    #expect(report.registrations.first?.requests == 1 && report.registrations.first?.frames == [1, 2, 3, 4])
    #expect(report.accusations.isEmpty, "\(report.findings)")
    // Its client alone, without the hop before, is a registration all the same.
    var behind = Packets()
    behind.udp(proxy, to: bob, onward(asked))
    behind.udp(bob, to: proxy, onward(answer))
    #expect(try behind.report().registrations.map(\.client.address) == [proxy])
  }

  @Test func `of more registrations than are drawn each is a line, and the filter shows one in full however many there are`() throws {
    var inspection = CaptureInspection(PassiveReader(path: "many", filter: "r7@", mostConversations: 100))
    var time: Int64 = 0
    for number in 0..<1_200 {
      time += 1_000_000
      let asked = Talk(callID: "r\(number)@x").request("REGISTER", cseq: 1)
      let frame = Bytes(RawFrames.udp(5_060, 5_060, asked.array))
      inspection.take(CapturedPacket(timestamp: time, interface: 0, linkType: .rawIP, originalLength: frame.count, bytes: frame))
    }
    inspection.finish(problem: nil)
    let report = InspectionReport(inspection)
    let own = report.text(.init(filter: "r7@"))
    #expect(own.contains { $0.hasPrefix("  0 dialogs, 1,200 registrations") } && own.contains("    not answered, 1 REGISTER"))
    #expect(own.contains { $0.contains(" #8 ") && $0.contains("REGISTER") }, "\(own)")
    let all = report.text()
    #expect(all.contains { $0.hasSuffix("r1199@x") && $0.contains("not answered, 1 REGISTER, sip:") }, "\(all)")
    #expect(!all.contains { $0.contains("--->") })
  }

  @Test func `an INVITE with an old nonce, or one that is taken at last, has no wrong password (RFC 3261 §22.2)`() throws {
    func attempt(_ packets: inout Packets, _ cseq: Int, nonce: String, _ status: String, _ extra: [String]) {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: cseq, sdp: Talk.sdp(alice, 10_000), extra: credentials(nonce)))
      packets.udp(
        bob, to: alice,
        talk.response(status, cseq: cseq, "INVITE", sdp: status.hasPrefix("2") ? Talk.sdp(bob, 20_000) : "", extra: extra))
      let branch = status.hasPrefix("2") ? "ack" : "INVITE\(cseq)"
      packets.udp(alice, to: bob, talk.request("ACK", cseq: cseq, branch: branch, inDialog: true))
    }
    var packets = Packets()
    attempt(&packets, 1, nonce: "cached", "401 Unauthorized", challenge("n1"))
    attempt(&packets, 2, nonce: "n1", "401 Unauthorized", challenge("n2"))
    #expect(try packets.report().accusations == ["challenge-loop"])
    attempt(&packets, 3, nonce: "n2", "200 OK", [])
    #expect(try packets.report().findings.isEmpty)
  }
}
