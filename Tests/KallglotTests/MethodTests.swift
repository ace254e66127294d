import KallglotPolicy
import SDP
import CallControl
import RTP
import SIPMessage
import SansIO
import Testing

@testable import Kallglot

@Suite struct MethodTests {
  private let bench = EndpointBench()

  private func answer(_ method: String, headers: [String] = [], to uri: String = "sip:sess_demo@sip.kallglot.com") throws -> SIPMessage {
    try #require(bench.send(bench.request(method, to: uri, headers: headers)).last)
  }

  @Test func `OPTIONS is answered with Allow, Accept and Supported, and with a To tag (RFC 3261 §11.2, contract 8.4)`() throws {
    let success = try answer("OPTIONS")
    #expect(success.status == 200)
    #expect(success.text(.allow) == "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, INFO")
    #expect(success.text(.accept) == "application/sdp")
    #expect(success.text(.supported) == "", "nothing is supported, and that is said")
    #expect(try success.to().tag != nil)
  }

  @Test(arguments: [
    ("MESSAGE", 405), ("REFER", 405), ("SUBSCRIBE", 489), ("PUBLISH", 489), ("NOTIFY", 481), ("INFO", 481), ("BYE", 481), ("PRACK", 481),
    ("UPDATE", 481),
    ("DANCE", 501), ("CANCEL", 481),
  ])
  func `what is not offered is refused with the code it has, 405 with Allow (contract 8.4, 8.7)`(method: String, status: Int) throws {
    let refusal = try answer(method, headers: method == "SUBSCRIBE" || method == "PUBLISH" ? ["Event: presence"] : [])
    #expect(refusal.status == status)
    #expect((refusal.text(.allow) != nil) == (status == 405))
    #expect(method == "CANCEL" || bench.decisions.last?.rule == .method)
  }

  @Test(arguments: [405, 501, 603]) func `REFER gets what referStatus says, outside and inside a call (contract 8.4)`(status: Int) throws {
    let bench = EndpointBench(.with { ($0.authentication, $0.referStatus) = (.none, status) })
    #expect(bench.send(bench.request("REFER", headers: ["Refer-To: <sip:x@y>"])).statuses == [status])
    let call = try #require(bench.establish("one"))
    bench.perform(.setPolicy(account: "acme", .open))
    #expect(bench.send(bench.inDialog("REFER", call, sequence: 2, headers: ["Refer-To: <sip:x@y>"])).statuses == [status])
    #expect(bench.decisions.last?.setting == "referStatus")
  }

  @Test(arguments: [
    ("MESSAGE", 405), ("PRACK", 405), ("UPDATE", 405), ("SUBSCRIBE", 489), ("NOTIFY", 489), ("DANCE", 501), ("OPTIONS", 200),
  ])
  func `inside a call the same methods are refused and the call goes on (contract 8.4, RFC 5057 §5.1)`(method: String, status: Int) throws {
    let call = try #require(bench.establish("one"))
    let answer = try #require(bench.send(bench.inDialog(method, call, sequence: 2)).last)
    #expect(answer.status == status)
    #expect((answer.text(.allow) != nil) == (status == 405 || status == 200))
    #expect(bench.send(bench.inDialog("BYE", call, sequence: 3)).statuses == [200])
  }

  @Test func `a digit by INFO is relayed and gets 200; another type gets 415 with Accept (contract 8.4)`() throws {
    let call = try #require(bench.establish("one"))
    let five = try #require(Digit("5"))
    let digit = bench.inDialog("INFO", call, sequence: 2, type: "application/dtmf-relay", body: "Signal=5\r\nDuration=160\r\n")
    #expect(bench.send(digit).statuses == [200])
    #expect(
      bench.events.contains {
        if case .party(.digit(_, let digit)) = $0 { digit == HeardDigit(five, .info, milliseconds: 160) } else { false }
      })
    let plain = bench.inDialog("INFO", call, sequence: 3, type: "application/dtmf", body: "#")
    #expect(bench.send(plain).statuses == [200])
    let broken = try #require(
      bench.send(bench.inDialog("INFO", call, sequence: 4, type: "application/dtmf-relay", body: "Signal=55\r\n")).last)
    #expect(broken.status == 400 && broken.text(.warning)?.contains("Signal=55 is not a digit") == true)
    let other = try #require(bench.send(bench.inDialog("INFO", call, sequence: 5, type: "text/plain", body: "x")).last)
    #expect(other.status == 415 && other.text(.accept) == "application/dtmf-relay, application/dtmf")
    #expect(bench.send(bench.inDialog("INFO", call, sequence: 6)).statuses == [200], "an INFO without body asks for nothing")
  }

  @Test func `an unknown extension is refused with 420 and Unsupported, 100rel too, in a call as outside (RFC 3261 §8.2.2.3)`() throws {
    for option in ["100rel", "foo, bar"] {
      let refusal = try answer("INVITE", headers: ["Require: \(option)"])
      #expect(refusal.status == 420)
      #expect(refusal.text(HeaderName("Unsupported")) == option)
    }
    let call = try #require(bench.establish("one"))
    let inside = try #require(bench.send(bench.inDialog("OPTIONS", call, sequence: 2, headers: ["Require: path"])).last)
    #expect(inside.status == 420 && inside.text(HeaderName("Unsupported")) == "path")
    #expect(bench.violations == [.requireInDialog])
  }

  @Test func `a body that has to be read and cannot is 415 with Accept or Accept-Encoding (RFC 3261 §8.2.3)`() throws {
    let plain = try #require(bench.send(bench.request("INVITE", type: "text/plain", body: "hello")).last)
    #expect(plain.status == 415 && plain.text(.accept)?.contains("application/sdp") == true)
    let packed = try #require(bench.send(bench.request("INVITE", headers: ["Content-Encoding: gzip"], body: EndpointBench.offer)).last)
    #expect(packed.status == 415 && packed.text(HeaderName("Accept-Encoding")) == "identity")
    let call = try #require(bench.establish("one"))
    #expect(bench.send(bench.inDialog("INVITE", call, sequence: 2, type: "text/plain", body: "x")).statuses == [415])
    let optional = bench.request(
      "INVITE", to: "sip:9@sip.kallglot.com", headers: ["Content-Disposition: x;handling=optional"], type: "text/plain", body: "x")
    #expect(bench.send(optional).last?.status == 200)
  }

  @Test func `an unknown URI scheme is 416 (RFC 3261 §8.2.2.1)`() throws {
    #expect(try answer("INVITE", to: "mailto:x@sip.kallglot.com").status == 416)
  }

  @Test func `Max-Forwards 0 on a request for us is processed (contract 8.4, OPT-05)`() {
    #expect(bench.send(bench.request("OPTIONS").replacing("Max-Forwards: 70", with: "Max-Forwards: 0")).statuses == [200])
  }

  @Test func `the same request by another path is 482, the first copy is served (RFC 3261 §8.2.2.2)`() {
    let invite = bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")
    #expect(bench.send(invite).last?.status == 200)
    let copy = bench.request("INVITE", to: "sip:1@sip.kallglot.com", identity: "one", branch: "z9hG4bKother", body: EndpointBench.offer)
    #expect(bench.send(copy).statuses == [482])
  }

  @Test func `an INVITE with Session-Expires is answered without one (RFC 4028 is not offered yet)`() throws {
    let success = try #require(bench.send(bench.invite(headers: ["Session-Expires: 1800;refresher=uac", "Supported: timer"])).last)
    #expect(success.status == 200)
    #expect(success.text(HeaderName("Session-Expires")) == nil && success.text(.require) == nil)
  }

  @Test(arguments: [
    ("0 8", "18", 305), ("RTP/AVP", "RTP/AVPF", 302), ("RTP/AVP", "RTP/SAVP", 399), ("audio 4000", "video 4000", 304),
    ("audio 4000", "audio 0", 304),
    ("c=IN IP4 192.0.2.20", "c=IN IP4 pbx.example", 399),
    ("c=IN IP4 192.0.2.20", "c=IN IP6 2001:db8::1", 399), ("v=0", "v=1", 399),
  ])
  func `an offer that cannot be agreed is 488 with a Warning that names the reason (contract 8.1 step 9)`(
    part: String, instead: String, code: Int
  ) throws {
    let refusal = try #require(bench.send(bench.invite(body: EndpointBench.offer.replacing(part, with: instead))).last)
    #expect(refusal.status == 488)
    #expect(refusal.text(.warning)?.hasPrefix("\(code) 198.51.100.10 \"") == true)
    #expect(bench.decisions.last?.rule == .description)
  }

  @Test func `the offer is found in a multipart body, first or last (RFC 5621 §3)`() {
    for parts in [["application/sdp", "text/x"], ["text/x", "application/sdp"]] {
      let body =
        parts.map { "--b\r\nContent-Type: \($0)\r\n\r\n\($0 == "text/x" ? "junk" : EndpointBench.offer)\r\n" }.joined() + "--b--\r\n"
      #expect(bench.send(bench.request("INVITE", type: "multipart/mixed;boundary=b", body: body)).last?.status == 200)
    }
  }

  @Test(arguments: [(Policy.AnswerForm.ringing, [180], [200]), (.nothing, [], [100, 200]), (.earlyMedia, [183], [200])])
  func `answerWith says what comes before the 200 (contract 8.4, RFC 3261 §13.3.1)`(form: Policy.AnswerForm, first: [Int], later: [Int])
    throws
  {
    let bench = EndpointBench(.with { ($0.authentication, $0.answerWith) = (.none, form) }, answerDelay: .seconds(3))
    let early = bench.send(bench.invite())
    #expect(early.statuses == first)
    let answers = bench.wait(.seconds(3))
    #expect(Array(answers.statuses.prefix(later.count)) == later)
    if form == .earlyMedia { #expect(answers.first?.body == early.first?.body, "the 200 repeats the answer of the 183") }
  }

  @Test func `answerWith nothing answers an INVITE with its 200 alone (contract 8.4)`() {
    let bench = EndpointBench(.with { ($0.authentication, $0.answerWith) = (.none, .nothing) })
    #expect(bench.send(bench.invite()).statuses == [200])
  }

  @Test func `contactHost is the host of Contact (contract 8.7)`() {
    let bench = EndpointBench(.with { ($0.authentication, $0.contactHost) = (.none, "edge.kallglot.example") })
    #expect(bench.send(bench.invite()).last?.text(.contact)?.contains("edge.kallglot.example") == true)
  }
}

@Suite struct RegistrarEndpointTests {
  private let bench = EndpointBench()

  private func register(
    _ contacts: [String], sequence: Int = 1, identity: String = "reg", expires: Int? = nil, aor: String = "sip:acme@sip.kallglot.com",
    to uri: String = "sip:sip.kallglot.com", headers: [String] = []
  ) throws -> SIPMessage {
    let fields =
      (contacts.isEmpty ? ["no Contact"] : contacts.map { "Contact: \($0)" }) + (expires.map { ["Expires: \($0)"] } ?? []) + headers
    return try #require(
      bench.send(bench.request("REGISTER", to: uri, identity: identity, sequence: sequence, headers: fields, aor: aor)).last)
  }

  private func contacts(_ message: SIPMessage) -> [String] { message.all(.contact).map(\.text) }

  @Test func `a binding is echoed with its granted expiry and its q, and counts down (RFC 3261 §10.3)`() throws {
    #expect(
      contacts(try register(["<sip:a@192.0.2.20>;q=0.7", "<sip:b@192.0.2.20>;expires=120"])) == [
        "<sip:a@192.0.2.20>;q=0.7;expires=3600", "<sip:b@192.0.2.20>;expires=120",
      ])
    bench.wait(.seconds(100))
    #expect(contacts(try register([], sequence: 2)) == ["<sip:a@192.0.2.20>;q=0.7;expires=3500", "<sip:b@192.0.2.20>;expires=20"])
    bench.wait(.seconds(20))
    #expect(contacts(try register([], sequence: 3)).count == 1)
  }

  @Test func `a refresh replaces, expires 0 removes, * removes all and stands alone (RFC 3261 §10.2.2)`() throws {
    _ = try register(["<sip:a@192.0.2.20>", "<sip:b@192.0.2.20>"])
    #expect(contacts(try register(["<sip:A@192.0.2.20>"], sequence: 2)).count == 3, "the user part is case-sensitive")
    #expect(
      contacts(try register(["<sip:a@192.0.2.20>;expires=0"], sequence: 3)) == [
        "<sip:b@192.0.2.20>;expires=3600", "<sip:A@192.0.2.20>;expires=3600",
      ])
    #expect(try register(["*", "<sip:c@192.0.2.20>"], sequence: 4, expires: 0).status == 400)
    #expect(try register(["*"], sequence: 5).status == 400)
    #expect(contacts(try register(["*"], sequence: 6, expires: 0)) == [])
  }

  @Test func `too brief is 423 with Min-Expires and changes nothing, one bad contact spoils all (RFC 3261 §10.3)`() throws {
    let refusal = try register(["<sip:a@192.0.2.20>", "<sip:b@192.0.2.20>;expires=59"])
    #expect(refusal.status == 423 && refusal.text(.minExpires) == "60")
    #expect(contacts(try register([], sequence: 2)) == [])
    #expect(contacts(try register(["<sip:a@192.0.2.20>"], sequence: 3, expires: 100_000)) == ["<sip:a@192.0.2.20>;expires=7200"])
  }

  @Test func `the eleventh contact is 403 with Warning 399 that names the limit, and the ten stay (contract 8.7)`() throws {
    for index in 1...10 { _ = try register(["<sip:a\(index)@192.0.2.20>"], sequence: index) }
    let refusal = try register(["<sip:a11@192.0.2.20>"], sequence: 11)
    #expect(refusal.status == 403)
    #expect(refusal.text(.warning)?.hasPrefix("399 ") == true && refusal.text(.warning)?.contains("10") == true)
    #expect(contacts(try register([], sequence: 12)).count == 10)
  }

  @Test func `a retransmission is answered by the last response, an older CSeq by 500 (RFC 3261 §10.3 step 7, §17.2.2)`() throws {
    let request = bench.request(
      "REGISTER", to: "sip:sip.kallglot.com", identity: "r", sequence: 5, headers: ["Contact: <sip:a@192.0.2.20>"],
      aor: "sip:acme@sip.kallglot.com")
    let (first, again) = (bench.send(request), bench.send(request))
    #expect(first.map(\.bytes) == again.map(\.bytes) && first.statuses == [200])
    #expect(try register(["<sip:a@192.0.2.20>;expires=0"], sequence: 4, identity: "r").status == 500)
    #expect(contacts(try register([], sequence: 6)).count == 1)
  }

  @Test func `a foreign domain in To or Request-URI is 404, another user's AOR 403 (contract 8.2)`() throws {
    let bench = EndpointBench(.standard)
    func attempt(_ uri: String, _ aor: String) throws -> Int? {
      let challenge = try #require(bench.send(bench.request("REGISTER", to: uri, aor: aor)).last)
      let header = bench.authorization(for: challenge, method: "REGISTER", uri: uri)
      return bench.send(bench.request("REGISTER", to: uri, headers: [header], aor: aor)).last?.status
    }
    #expect(try attempt("sip:sip.kallglot.com", "sip:acme@sip.kallglot.com") == 200)
    #expect(try attempt("sip:sip.kallglot.com", "sip:acme@elsewhere.example") == 404)
    #expect(try attempt("sip:elsewhere.example", "sip:acme@sip.kallglot.com") == 404)
    #expect(try attempt("sip:sip.kallglot.com", "sip:boss@sip.kallglot.com") == 403)
  }

  @Test func `Path and Outbound are ignored where they are offered and refused with 420 where they are required (REG-10)`() throws {
    let success = try register(
      ["<sip:a@192.0.2.20>;reg-id=1;+sip.instance=\"<urn:uuid:1>\""], headers: ["Path: <sip:edge;lr>", "Supported: path, outbound"])
    #expect(success.status == 200 && success.text(HeaderName("Path")) == nil)
    #expect(contacts(success) == ["<sip:a@192.0.2.20>;+sip.instance=\"<urn:uuid:1>\";expires=3600"])
    for (index, option) in ["path", "outbound"].enumerated() {
      let refusal = try register(["<sip:a@192.0.2.20>"], sequence: index + 2, headers: ["Require: \(option)"])
      #expect(refusal.status == 420 && refusal.text(HeaderName("Unsupported")) == option)
    }
  }
}
