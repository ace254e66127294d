import Foundation
import LabBench
import CallControl
import SIPMessage
import SansIO

@testable import Personas

private let allowed = "Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, MESSAGE, INFO, REFER"
/// PRACK, UPDATE, SUBSCRIBE and REFER are not spoken.
private let allow = ["- \(allowed)", "+ Allow: OPTIONS, REGISTER, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, MESSAGE, INFO"]
/// 100rel is PRACK's, timer the session timer's; replaces and norefersub belong to transfer by REFER.
private let supportedInAnswers = ["- Supported: 100rel, timer, replaces, norefersub"]
private let supportedInRequests = ["- Supported: 100rel, timer, replaces, norefersub, histinfo", "+ Supported: histinfo"]
private let timers = ["- Session-Expires: 1800", "- Min-SE: 90"]

private func called(_ profile: PersonaProfile, change: (inout Persona.Configuration) -> Void = { _ in }) -> PersonaBench {
  PersonaBench(profile, peerPort: 7001, change: change)
}

/// The observed INVITE, as another caller sent it.
private func invite(_ user: String, tag: String, callID: String) throws -> String {
  try Observation.text("called-invite").replacingOccurrences(of: "ring@", with: "\(user)@").replacingOccurrences(of: "ft7", with: tag)
    .replacingOccurrences(of: "mc7-630355949@127.0.0.1", with: callID)
}

/// A call from the scripted peer that is up.
private func establish(_ bench: PersonaBench, _ user: String, tag: String, callID: String) throws -> String {
  bench.receive(try invite(user, tag: tag, callID: callID))
  let own = try bench.response(200).to().tag ?? ""
  bench.receive(
    SIPText.request(
      "ACK", "sip:127.0.0.1:5060", via: "UDP 127.0.0.1:7001;branch=z9hG4bKack;rport", from: "<sip:minicaller@127.0.0.1>;tag=\(tag)",
      to: "<sip:\(user)@127.0.0.1>;tag=\(own)", callID: callID, sequence: 1))
  return own
}

/// An observed request within a dialog, with the tag of ours.
private func within(_ file: String, tag: String) throws -> String {
  try Observation.text(file).replacingOccurrences(of: "(To: [^\\r]*;tag=)[^\\r;]+", with: "$1\(tag)", options: .regularExpression)
}

extension Observation {
  static let all: [Observation] = calls + answers + others

  private static let calls = [
    Observation("invite", withheld: allow + supportedInRequests + timers) { try PersonaBench($0).invite() },
    Observation("invite-tcp", withheld: allow + supportedInRequests + timers, comparesBody: false) {
      try PersonaBench($0, transport: .tcp, peerPort: 6004).invite()
    },
    Observation("ack") { try PersonaBench($0).establish() },
    Observation("reinvite", withheld: allow + supportedInRequests + timers) {
      let bench = PersonaBench($0) { $0.directMedia = TransportAddress(PersonaBench.here, port: 30_000) }
      _ = try bench.establish()
      return try bench.last(.invite)
    },
    Observation("bye-after-direct-media") {
      let bench = PersonaBench($0) { $0.directMedia = TransportAddress(PersonaBench.here, port: 30_000) }
      _ = try bench.establish()
      try bench.answerReinvite(Peer.offer)
      bench.perform(.hangUp(bench.leg))
      try bench.answerReinvite(Peer.offer)
      return try bench.last(.bye)
    },
    Observation("cancel") {
      let bench = PersonaBench($0)
      bench.receive(Peer.answer(try bench.invite(), 180))
      bench.perform(.cancel(bench.leg))
      return try bench.last(.cancel)
    },
  ]

  private static let answers = [
    Observation("called-100") {
      let bench = called($0)
      bench.receive(try text("called-invite"))
      return try bench.response(100)
    },
    Observation("called-180", withheld: allow) {
      let bench = called($0)
      bench.receive(try text("called-invite"))
      return try bench.response(180)
    },
    Observation("called-200", withheld: allow + supportedInAnswers) {
      let bench = called($0)
      bench.receive(try text("called-invite"))
      return try bench.response(200)
    },
    Observation("called-bye") {
      let bench = called($0)
      _ = try establish(bench, "hang16", tag: "ft12", callID: "mc12-639450477@127.0.0.1")
      bench.perform(.hangUp(bench.leg))
      return try bench.last(.bye)
    },
    Observation("called-reinvite-200", withheld: allow + supportedInAnswers) {
      let bench = called($0)
      let tag = try establish(bench, "echo", tag: "ft4", callID: "mc4-875751133@127.0.0.1")
      bench.receive(try within("called-reinvite-hold", tag: tag))
      return try bench.response(200)
    },
    Observation("called-reinvite-488") {
      let bench = called($0)
      let tag = try establish(bench, "echo", tag: "ft4", callID: "mc4-875751133@127.0.0.1")
      bench.receive(try within("called-reinvite-t38", tag: tag))
      return try bench.response(488)
    },
    Observation("called-487", withheld: allow) {
      let bench = called($0) { $0.answerDelay = .seconds(10) }
      bench.receive(try text("called-cancelled-invite"))
      bench.receive(try text("called-cancel"))
      return try bench.response(487)
    },
    Observation("called-require-420", withheld: supportedInAnswers) {
      let bench = called($0)
      bench.receive(try text("called-require-invite"))
      return try bench.response(420)
    },
    Observation("called-stranger-401") {
      let bench = called($0) { $0.rejectsWith = 401 }
      bench.receive(try text("called-stranger-invite"))
      return try bench.response(401)
    },
  ]

  private static func registrar(_ profile: PersonaProfile) -> PersonaBench {
    PersonaBench(profile, user: "alice", peerPort: 6005) { $0.registrationContactUser = "trunkline" }
  }

  private static let others = [
    Observation("register", withheld: allow) { try registrar($0).register() },
    Observation("register-authorized", withheld: allow) {
      let bench = registrar($0)
      let challenge = try SIPMessage.parse(Bytes(try text("register-401"))).value("WWW-Authenticate") ?? ""
      bench.receive(Peer.answer(try bench.register(), 401, headers: ["WWW-Authenticate: \(challenge)"]))
      return try bench.last(.register)
    },
    Observation("register-refresh", withheld: allow) {
      let bench = registrar($0)
      _ = try bench.register()
      try bench.acceptRegistration()
      bench.advance(.milliseconds(50_100))
      guard bench.requests(.register).count == 2 else { throw BenchError("no refresh after 50 s") }
      return try bench.last(.register)
    },
    Observation("options") { try PersonaBench($0, user: "trunk1").ping() },
    Observation("asked-options-200", withheld: allow + supportedInAnswers) {
      let bench = called($0)
      bench.receive(try text("asked-options"))
      return try bench.response(200)
    },
  ]
}
