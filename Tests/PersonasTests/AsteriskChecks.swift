import Foundation
import CallControl
import SIPMessage
import SansIO

@testable import Personas

/// What shows a quirk: true for the product, false for the product without it.
struct QuirkCheck: Sendable {
  let quirk: String
  /// The quirk is about something that is withheld: it is looked at where everything is claimed.
  let claims: Bool
  let shows: @Sendable (PersonaProfile) throws -> Bool

  init(_ quirk: String, claims: Bool = false, _ shows: @escaping @Sendable (PersonaProfile) throws -> Bool) {
    self.quirk = quirk
    self.claims = claims
    self.shows = shows
  }
}

private var uuid: Regex<Substring> { #/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/# }

private func called(_ profile: PersonaProfile, _ invite: String = Peer.request("INVITE", body: Peer.offer)) throws -> PersonaBench {
  let bench = PersonaBench(profile)
  _ = try bench.beCalled(invite)
  return bench
}

private func refused(_ profile: PersonaProfile, _ status: Int) throws -> SIPMessage {
  let bench = PersonaBench(profile) { $0.rejectsWith = status }
  bench.receive(Peer.request("INVITE", body: Peer.offer))
  return try bench.response(status)
}

/// What becomes of a request within a call.
private func within(_ profile: PersonaProfile, _ request: (String) -> String) throws -> PersonaBench {
  let bench = try called(profile)
  bench.receive(request(try bench.response(200).to().tag ?? ""))
  return bench
}

private func answered(_ profile: PersonaProfile, _ request: String) -> PersonaBench {
  let bench = PersonaBench(profile)
  bench.receive(request)
  return bench
}

private func order(_ message: SIPMessage, _ names: [String]) -> Bool { message.names.filter { names.contains($0) } == names }

let asteriskChecks: [QuirkCheck] = asteriskWriting + asteriskAnswers + asteriskDoing

private let asteriskWriting = [
  QuirkCheck("product-name") {
    let request = try PersonaBench($0).invite()
    return try request.value("User-Agent") == "Asterisk PBX 22.10.1" && called($0).response(200).value("Server") == "Asterisk PBX 22.10.1"
  },
  QuirkCheck("request-order") {
    try PersonaBench($0).invite().names.prefix(7).elementsEqual(["Via", "From", "To", "Contact", "Call-ID", "CSeq", "Allow"])
  },
  QuirkCheck("register-order") {
    try order(PersonaBench($0).register(), ["Via", "From", "To", "Call-ID", "CSeq", "Contact", "Expires", "Allow", "Max-Forwards"])
  },
  QuirkCheck("content-length-padding") {
    let bench = PersonaBench($0)
    return try bench.invite().text.contains("\r\nContent-Length:   2") && bench.ping().text.contains("\r\nContent-Length:  0\r\n")
  },
  QuirkCheck("via-rport-first") { try PersonaBench($0).invite().value("Via")?.contains(":5060;rport;branch=") == true },
  QuirkCheck("via-alias") {
    let plain = try PersonaBench($0).invite().value("Via") ?? ""
    return try PersonaBench($0, transport: .tcp).invite().value("Via")?.hasSuffix(";alias") == true && !plain.contains("alias")
  },
  QuirkCheck("contact-user") { try PersonaBench($0).invite().value("Contact")?.hasPrefix("<sip:asterisk@") == true },
  QuirkCheck("contact-transport-upper-case") {
    try PersonaBench($0, transport: .tcp).invite().value("Contact")?.hasSuffix(";transport=TCP>") == true
  },
  QuirkCheck("allow-list", claims: true) {
    try PersonaBench($0).invite().value("Allow")?.hasPrefix("OPTIONS, REGISTER, SUBSCRIBE, NOTIFY") == true
  },
  QuirkCheck("supported-list", claims: true) {
    let bench = PersonaBench($0)
    let answer = try called($0).response(200)
    return try bench.invite().value("Supported") == "100rel, timer, replaces, norefersub, histinfo"
      && answer.value("Supported") == "100rel, timer, replaces, norefersub"
  },
  QuirkCheck("session-timer-headers", claims: true) {
    let invite = try PersonaBench($0).invite()
    return invite.value("Session-Expires") == "1800" && invite.value("Min-SE") == "90"
  },
  QuirkCheck("register-allow") { try PersonaBench($0).register().value("Allow") != nil },
  QuirkCheck("ping-without-accept") { try PersonaBench($0).ping().value("Accept") == nil },
  QuirkCheck("bye-reason") {
    let bench = PersonaBench($0)
    _ = try bench.establish()
    bench.perform(.hangUp(bench.leg))
    return try bench.last(.bye).value("Reason") == "Q.850;cause=16"
  },
  QuirkCheck("cancel-reason") {
    let bench = PersonaBench($0)
    bench.receive(Peer.answer(try bench.invite(), 180))
    bench.perform(.cancel(bench.leg))
    return try bench.last(.cancel).value("Reason") == "Q.850;cause=16"
  },
  QuirkCheck("unacknowledged-bye-reason") {
    let bench = answered($0, Peer.request("INVITE", body: Peer.offer))
    bench.advance(.seconds(33))
    return try bench.last(.bye).value("Reason") == "SIP ;cause=408 ;text=\"Request Timeout\""
  },
  QuirkCheck("call-id-uuid") { try PersonaBench($0).invite().callID().wholeMatch(of: uuid) != nil },
  QuirkCheck("tag-uuid") { try PersonaBench($0).invite().from().tag?.wholeMatch(of: uuid) != nil },
  QuirkCheck("branch-uuid") {
    let branch = try PersonaBench($0).invite().via().branch ?? ""
    return branch.hasPrefix("z9hG4bKPj") && branch.dropFirst(9).wholeMatch(of: uuid) != nil
  },
  QuirkCheck("random-first-cseq") {
    let bench = PersonaBench($0)
    return try (2...32_767).contains(bench.invite().cseq().number) && (2...65_535).contains(bench.ping().cseq().number)
  },
  QuirkCheck("cnonce-32") {
    let bench = PersonaBench($0)
    bench.receive(
      Peer.answer(try bench.register(), 401, headers: ["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\""]))
    return try bench.last(.register).value("Authorization")?.contains(#/cnonce="[0-9a-f]{32}"/#) == true
  },
  QuirkCheck("ack-without-credentials") {
    let bench = PersonaBench($0)
    bench.receive(
      Peer.answer(try bench.invite(), 401, headers: ["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\""]))
    let invite = try bench.last(.invite)
    bench.receive(Peer.answer(invite, 200, headers: ["Contact: <sip:mini@127.0.0.1:6001>"], body: Peer.offer))
    return try invite.value("Authorization") != nil && bench.last(.ack).value("Authorization") == nil
  },
  QuirkCheck("register-line") {
    let bench = PersonaBench($0)
    let contact = try bench.register().value("Contact") ?? ""
    try bench.acceptRegistration()
    bench.advance(.seconds(55))
    // The same one in the refresh.
    return try contact.contains(#/;line=[a-z]{7}>/#) && bench.last(.register).value("Contact") == contact
      && bench.requests(.register).count > 1
  },
]

private let asteriskAnswers = [
  QuirkCheck("response-order") {
    try order(called($0).response(180), ["Via", "Call-ID", "From", "To", "CSeq", "Server", "Contact", "Allow"])
  },
  QuirkCheck("success-after-provisional-order") { try order(called($0).response(200), ["CSeq", "Server", "Allow", "Contact"]) },
  QuirkCheck("reinvite-response-order") {
    let bench = try within($0) { Peer.request("INVITE", tag: $0, sequence: 2, branch: "2", body: Peer.offer) }
    return try order(bench.response(200), ["CSeq", "Allow", "Contact", "Server", "Content-Type"])
  },
  QuirkCheck("stack-response-order") {
    let bench = answered($0, Peer.request("INVITE", headers: ["Require: foobar"], body: Peer.offer))
    return try order(bench.response(420), ["CSeq", "Unsupported", "Server", "Content-Length"])
  },
  QuirkCheck("options-answer") {
    let answer = try answered($0, Peer.request("OPTIONS")).response(200)
    return answer.value("Accept-Language") == "en" && answer.value("Contact") == nil
      && order(answer, ["CSeq", "Accept", "Allow", "Accept-Encoding", "Server"])
  },
  QuirkCheck("via-rewritten") { try called($0).response(200).value("Via")?.contains(";rport=6001;received=127.0.0.1;branch=") == true },
  QuirkCheck("contact-without-user") {
    let bench = try called($0)
    bench.perform(.reinvite(bench.leg, .refresh))
    return try bench.response(200).value("Contact") == "<sip:127.0.0.1:5060>"
      && bench.last(.invite).value("Contact") == "<sip:127.0.0.1:5060>"
  },
  QuirkCheck("no-supported-in-provisionals", claims: true) {
    let bench = try called($0)
    return try bench.response(180).value("Supported") == nil && bench.response(200).value("Supported") != nil
  },
  QuirkCheck("allow-in-487") {
    let bench = PersonaBench($0) { $0.answerDelay = .seconds(10) }
    bench.receive(Peer.request("INVITE", body: Peer.offer))
    bench.receive(Peer.request("CANCEL"))
    return try bench.response(487).value("Allow") != nil
  },
  QuirkCheck("trying-at-once") { answered($0, Peer.request("INVITE", body: Peer.offer)).sent.first?.status == 100 },
  QuirkCheck("refusal-reasons") {
    try refused($0, 486).value("Reason") == "Q.850;cause=17" && refused($0, 503).value("Reason") == "Q.850;cause=34"
  },
  QuirkCheck("challenge-form") {
    try refused($0, 401).value("WWW-Authenticate")?.wholeMatch(
      of: #/Digest realm="asterisk",nonce="\d{10}\/[0-9a-f]{32}",opaque="[0-9a-f]{16}",algorithm=MD5,qop="auth"/#) != nil
  },
  QuirkCheck("branch-as-tag") {
    try answered($0, Peer.request("OPTIONS", branch: "77")).response(200).to().tag == "z9hG4bKpeer77"
      && refused($0, 401).to().tag == "z9hG4bKpeer1"
  },
  QuirkCheck("invalid-cseq-phrase") {
    let bench = try within($0) { Peer.request("INVITE", tag: $0, sequence: 1, branch: "2", body: Peer.offer) }
    return try bench.response(500).reasonPhrase?.text == "Invalid CSeq"
  },
  QuirkCheck("pending-phrase") {
    let bench = try within($0) { Peer.request("INVITE", tag: $0, sequence: 2, branch: "2", body: Peer.offer) }
    bench.receive(Peer.request("INVITE", tag: try bench.response(200).to().tag, sequence: 3, branch: "3", body: Peer.offer))
    return bench.sent.last?.reasonPhrase?.text == "Another INVITE transaction in progress"
  },
  QuirkCheck("merged-accepted") {
    let bench = answered($0, Peer.request("INVITE", body: Peer.offer))
    bench.receive(Peer.request("INVITE", branch: "2", body: Peer.offer))
    return bench.responses(180).count == 2 && bench.responses(482).isEmpty
  },
  QuirkCheck("foreign-scheme-404") {
    try answered($0, Peer.request("INVITE", uri: "tel:+4930123", body: Peer.offer)).response(404).status == 404
  },
  QuirkCheck("accepted-types") {
    try answered($0, Peer.request("INVITE", contentType: "text/plain", body: "hello")).response(415).value("Accept") == "application/sdp"
  },
  QuirkCheck("sips-480") {
    let refusal = try answered($0, Peer.request("INVITE", uri: "sips:ring@127.0.0.1:5060", body: Peer.offer)).response(480)
    return refusal.value("Warning") == "381 SIP \"SIPS Required\""
  },
  QuirkCheck("force-rport") {
    let via = "127.0.0.1:7999;branch=z9hG4bKpeer1"
    let bench = answered($0, Peer.request("OPTIONS").replacingOccurrences(of: "127.0.0.1:6001;branch=z9hG4bKpeer1;rport", with: via))
    return try bench.destinations.last == bench.peer
      && bench.response(200).value("Via") == "SIP/2.0/UDP 127.0.0.1:7999;rport=6001;received=127.0.0.1;branch=z9hG4bKpeer1"
  },
  QuirkCheck("cseq-mismatch-dropped") {
    let bench = answered($0, Peer.request("INVITE", body: Peer.offer).replacingOccurrences(of: "CSeq: 1 INVITE", with: "CSeq: 1 BYE"))
    bench.advance(.seconds(1))
    return bench.sent.isEmpty
  },
]

private let asteriskDoing = [
  QuirkCheck("tls-1-2") { $0.habits.tlsVersions == .tls12 ... .tls12 },
  QuirkCheck("sdp-names") {
    let body = try PersonaBench($0).invite().body.text
    return body.contains("\r\no=- ") && body.contains("\r\ns=Asterisk\r\n")
  },
  QuirkCheck("sdp-answer-origin") { try called($0).response(200).body.text.contains("\r\no=- 1 3 IN IP4 ") },
  QuirkCheck("sdp-wide-events") { $0.habits.descriptions.wideEventPayloadType == 102 },
  QuirkCheck("sdp-maxptime") { try PersonaBench($0).invite().body.text.contains("\r\na=ptime:20\r\na=maxptime:140\r\na=sendrecv\r\n") },
  QuirkCheck("sdp-answers-every") {
    let offer = Peer.offer.replacingOccurrences(of: "AVP 0 101", with: "AVP 0 8 101")
    return try called($0, Peer.request("INVITE", body: offer)).response(200).body.text.contains(" RTP/AVP 0 8 101\r\n")
  },
  QuirkCheck("sdp-opus") {
    let text = try PersonaBench($0) { $0.audio.codecs = [.pcmu, .opus] }.invite().body.text
    return text.contains(" RTP/AVP 0 107 ") && text.contains("a=rtpmap:107 opus/48000/2\r\n") && text.contains("a=maxptime:60\r\n")
  },
  QuirkCheck("sdp-reoffers-agreed") {
    let bench = PersonaBench($0)
    _ = try bench.establish()
    bench.perform(.reinvite(bench.leg, .refresh))
    return try bench.last(.invite).body.text.contains(" RTP/AVP 0 101\r\n") && bench.requests(.invite).count == 2
  },
  QuirkCheck("488-without-warning") {
    let offer = Peer.offer.replacingOccurrences(of: "AVP 0 101", with: "AVP 18").replacingOccurrences(
      of: "a=rtpmap:0 PCMU/8000\r\n", with: "")
    return try answered($0, Peer.request("INVITE", body: offer)).response(488).value("Warning") == nil
  },
  QuirkCheck("reinvite-488-form") {
    let offer = Peer.offer.replacingOccurrences(of: "RTP/AVP", with: "RTP/SAVP")
    let refusal = try within($0) { Peer.request("INVITE", tag: $0, sequence: 2, branch: "2", body: offer) }.response(488)
    return refusal.value("Warning") == "390 SIP \"No SDP answer\"" && refusal.value("Reason") == "Q.850;cause=0"
  },
  QuirkCheck("unreadable-sdp-400") {
    try answered($0, Peer.request("INVITE", body: "hello\r\n")).response(400).value("Warning")?.hasPrefix("399 SIP ") == true
  },
  QuirkCheck("message-202") {
    try answered($0, Peer.request("MESSAGE", contentType: "text/plain", body: "hi")).response(202).status == 202
  },
  QuirkCheck("bad-event-489") { try answered($0, Peer.request("SUBSCRIBE", headers: ["Event: foo"])).response(489).status == 489 },
  QuirkCheck("info-unanswered") {
    let bench = try within($0) {
      Peer.request("INFO", tag: $0, sequence: 2, branch: "2", contentType: "application/dtmf-relay", body: "Signal=5\r\n")
    }
    let isTaken = bench.sent.last?.value("CSeq") == "2 INFO" && bench.sent.last?.status == 200
    bench.receive(
      Peer.request("INFO", tag: try bench.response(200).to().tag, sequence: 3, branch: "3", contentType: "application/foo", body: "x"))
    return isTaken && bench.sent.last?.value("CSeq") == "2 INFO"
  },
  QuirkCheck("line-matching") {
    let bench = PersonaBench($0)
    let contact = try bench.register().contacts()
    try bench.acceptRegistration()
    guard case .list(let list) = contact, let uri = list.first?.uri else { return false }
    bench.receive(Peer.request("INVITE", uri: "sip:alice@127.0.0.1:5060", body: Peer.offer))
    let isRefused = bench.sent.last?.status == 401
    bench.receive(Peer.request("INVITE", branch: "2", callID: "mc2", uri: uri.description, body: Peer.offer))
    return isRefused && bench.sent.last?.status == 200
  },
  QuirkCheck("register-lead") {
    let bench = PersonaBench($0)
    _ = try bench.register()
    try bench.acceptRegistration()
    bench.advance(.seconds(49))
    let count = bench.requests(.register).count
    bench.advance(.seconds(2))
    return count == 1 && bench.requests(.register).count > 1
  },
  QuirkCheck("media-back-before-bye") {
    let bench = PersonaBench($0) { $0.directMedia = TransportAddress(PersonaBench.here, port: 30_000) }
    _ = try bench.establish()
    try bench.answerReinvite(Peer.offer)
    bench.perform(.hangUp(bench.leg))
    guard bench.requests(.bye).isEmpty, bench.requests(.invite).count == 3 else { return false }
    let isBack = try !bench.last(.invite).body.text.contains("m=audio 30000 ")
    try bench.answerReinvite(Peer.offer)
    return try isBack && bench.last(.bye).value("Reason") == nil
  },
]
