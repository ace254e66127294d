import Foundation
import CallControl
import SIPMessage
import SansIO

@testable import Personas

/// A call of CUCM's that is up: its ACK answered our offer.
private func up(_ profile: PersonaProfile) throws -> PersonaBench {
  let bench = PersonaBench(profile) { $0.musicAddress = IPAddress(v4: 0x7F00_0002) }
  _ = try bench.establish()
  return bench
}

/// The offer in an INVITE, for those who make one.
private func early(_ profile: PersonaProfile) throws -> SIPMessage { try PersonaBench(profile.without("delayed-offer")).invite() }

private let inactive = Peer.offer.replacingOccurrences(of: "a=sendrecv", with: "a=inactive")

let cucmChecks: [QuirkCheck] = cucmWriting + cucmDoing

private let cucmWriting = [
  QuirkCheck("product-name") { try PersonaBench($0).invite().value("User-Agent") == "Cisco-CUCM14.0" },
  QuirkCheck("request-order", claims: true) {
    try PersonaBench($0).invite().names == [
      "Via", "From", "To", "Date", "Call-ID", "Supported", "Min-SE", "User-Agent", "Allow", "CSeq", "Expires", "Allow-Events", "Supported",
      "Call-Info", "Session-ID", "Cisco-Guid", "Session-Expires", "P-Asserted-Identity", "Remote-Party-ID", "Contact", "Max-Forwards",
      "Content-Length",
    ]
      && PersonaBench($0).ping().names == [
        "Via", "From", "To", "Date", "Call-ID", "User-Agent", "CSeq", "Contact", "Max-Forwards", "Content-Length",
      ]
  },
  QuirkCheck("allow-list", claims: true) {
    try PersonaBench($0).invite().value("Allow") == "INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY"
  },
  QuirkCheck("two-supported", claims: true) {
    try PersonaBench($0).invite().values("Supported") == ["timer,resource-priority,replaces", "X-cisco-srtp-fallback"]
  },
  QuirkCheck("double-spaced-timers", claims: true) {
    let text = try PersonaBench($0).invite().text
    return text.contains("\r\nSession-Expires:  1800\r\n") && text.contains("\r\nMin-SE:  1800\r\n")
  },
  QuirkCheck("date") {
    let bench = PersonaBench($0)
    let form = #/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT/#
    bench.receive(Peer.request("INVITE", body: Peer.offer))
    return try PersonaBench($0).invite().value("Date")?.wholeMatch(of: form) != nil
      && bench.response(200).value("Date")?.wholeMatch(of: form) != nil
  },
  QuirkCheck("expires-180") {
    let bench = try up($0)
    bench.perform(.reinvite(bench.leg, .refresh))
    return bench.requests(.invite).count == 2 && bench.requests(.invite).allSatisfy { $0.value("Expires") == "180" }
  },
  QuirkCheck("allow-events") { try PersonaBench($0).invite().value("Allow-Events") == "presence, kpml" },
  QuirkCheck("call-info") {
    try PersonaBench($0).invite().value("Call-Info") == "<sip:127.0.0.1:5060>;method=\"NOTIFY;Event=telephone-event;Duration=500\""
  },
  QuirkCheck("cisco-guid") { try PersonaBench($0).invite().value("Cisco-Guid")?.wholeMatch(of: #/\d{10}-\d{10}-\d{10}-\d{10}/#) != nil },
  QuirkCheck("session-id") {
    let bench = try up($0)
    bench.perform(.hangUp(bench.leg))
    let own = try bench.last(.invite).value("Session-ID") ?? ""
    return try own.wholeMatch(of: #/[0-9a-f]{32};remote=0{32}/#) != nil && bench.last(.bye).value("Session-ID") == own
  },
  QuirkCheck("asserted-identity") {
    let bench = try up($0)
    bench.perform(.hangUp(bench.leg))
    let identity = "<sip:minicaller@127.0.0.1>"
    return try bench.last(.invite).value("P-Asserted-Identity") == identity && bench.last(.bye).value("P-Asserted-Identity") == identity
  },
  QuirkCheck("remote-party-id") {
    try PersonaBench($0).invite().value("Remote-Party-ID") == "<sip:minicaller@127.0.0.1>;party=calling;screen=yes;privacy=off"
  },
  QuirkCheck("contact-device") {
    try PersonaBench($0, transport: .tcp).invite().value("Contact")?
      .wholeMatch(of: #/<sip:minicaller@127\.0\.0\.1:5060;transport=tcp>;\+u\.sip!devicename\.ccm\.cisco\.com="SEP[0-9A-F]{12}"/#) != nil
  },
  QuirkCheck("ping-without-user") {
    let ping = try PersonaBench($0).ping()
    return ping.value("From")?.hasPrefix("<sip:127.0.0.1>;tag=") == true && ping.value("Contact") == "<sip:127.0.0.1:5060>"
      && ping.value("Accept") == nil
  },
  QuirkCheck("ping-max-forwards-0") { try PersonaBench($0).ping().value("Max-Forwards") == "0" },
  QuirkCheck("bye-reason") {
    let bench = try up($0)
    bench.perform(.hangUp(bench.leg))
    return try bench.last(.bye).value("Reason") == "Q.850;cause=16"
  },
  QuirkCheck("call-id") {
    let bench = PersonaBench($0)
    let form = #/[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]+-0100007f@127\.0\.0\.1/#
    let first = try bench.invite().callID()
    return try first.wholeMatch(of: form) != nil && bench.ping().callID().wholeMatch(of: form) != nil
  },
  QuirkCheck("tag") {
    try PersonaBench($0).invite().from().tag?.wholeMatch(of: #/[1-9]\d*~[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[1-9]\d*/#) != nil
  },
  QuirkCheck("branch") { try PersonaBench($0).invite().via().branch?.wholeMatch(of: #/z9hG4bK[0-9a-f]{10,14}/#) != nil },
  QuirkCheck("cseq-101") {
    let bench = PersonaBench($0)
    return try bench.invite().cseq().number == 101 && bench.ping().cseq().number == 101 && bench.invite().cseq().number == 101
  },
]

private let cucmDoing = [
  QuirkCheck("tls-1-2") { $0.habits.tlsVersions == .tls12 ... .tls12 },
  QuirkCheck("sdp-names") {
    try early($0).body.text.contains(#/\r\no=CiscoSystemsCCM-SIP \d+ 1 IN IP4 127\.0\.0\.1\r\ns=SIP Call\r\n/#)
  },
  QuirkCheck("sdp-origin-node") {
    let bench = PersonaBench($0) { $0.mediaAddress = IPAddress(v4: 0x7F00_0003) }
    let body = try bench.establish().body.text
    return body.contains("IN IP4 127.0.0.1\r\n") && body.contains("\r\nc=IN IP4 127.0.0.3\r\n")
  },
  QuirkCheck("sdp-answer-bandwidth") {
    let offer = try early($0).body.text
    return try PersonaBench($0).establish().body.text.contains("\r\nb=TIAS:64000\r\nb=AS:64\r\nt=0 0\r\n") && !offer.contains("b=")
  },
  QuirkCheck("sdp-direction-place") {
    try PersonaBench($0).establish().body.text.contains("a=rtpmap:0 PCMU/8000\r\na=sendrecv\r\na=rtpmap:101 telephone-event/8000\r\n")
  },
  QuirkCheck("sdp-events-0-15") { try PersonaBench($0).establish().body.text.contains("a=fmtp:101 0-15\r\n") },
  QuirkCheck("delayed-offer") {
    let bench = PersonaBench($0)
    let ack = try bench.establish()
    return try bench.last(.invite).body.isEmpty && ack.value("Content-Type") == "application/sdp"
      && ack.body.text.contains(" RTP/AVP 0 101\r\n")
  },
  QuirkCheck("hold-by-music") { try holdsByMusic(up($0)) },
  QuirkCheck("bye-statistics") {
    let bench = try up($0)
    bench.advance(.seconds(2))
    bench.perform(.hangUp(bench.leg))
    return try bench.last(.bye).value("P-RTP-Stat") == "PS=100,OS=16000,PR=0,OR=0,PL=0,JI=0,LA=0,DU=2"
  },
  QuirkCheck("notify-digits") {
    let bench = PersonaBench($0)
    let success = try bench.beCalled()
    bench.receive(
      Peer.request("NOTIFY", tag: try success.to().tag, sequence: 2, branch: "2", headers: ["Event: telephone-event;rate=1000"]))
    return bench.sent.last?.value("CSeq") == "2 NOTIFY" && bench.sent.last?.status == 200
  },
]

/// inactive, then an empty re-INVITE answered sendonly from the music server; on the way back inactive, empty, and sendrecv from the phone.
private func holdsByMusic(_ bench: PersonaBench) throws -> Bool {
  bench.perform(.reinvite(bench.leg, .hold(nil)))
  guard try bench.last(.invite).body.text.contains("a=inactive\r\n") else { return false }
  try bench.answerReinvite(inactive)
  guard try bench.last(.invite).body.isEmpty else { return false }
  try bench.answerReinvite(Peer.offer)
  let music = try bench.last(.ack).body.text
  bench.advance(.milliseconds(500))
  let isPlaying = bench.rtp.suffix(20).allSatisfy { $0.from?.address == IPAddress(v4: 0x7F00_0002) && $0.to.port == 30_000 }
  bench.perform(.reinvite(bench.leg, .resume))
  guard try bench.last(.invite).body.text.contains("a=inactive\r\n") else { return false }
  try bench.answerReinvite(inactive)
  let count = bench.rtp.count
  bench.advance(.milliseconds(500))
  let isSilent = bench.rtp.count == count
  try bench.answerReinvite(Peer.offer)
  let back = try bench.last(.ack).body.text
  bench.advance(.milliseconds(500))
  return music.contains("\r\nc=IN IP4 127.0.0.2\r\n") && music.contains("a=sendonly\r\n") && isPlaying && isSilent
    && back.contains("\r\nc=IN IP4 127.0.0.1\r\n") && back.contains("a=sendrecv\r\n") && bench.rtp.last?.from?.address == PersonaBench.here
}
