import SansIO
import Testing

@testable import SIPMessage

@Suite struct TypedFieldTests {
  private func message(_ fields: String) throws -> SIPMessage { try parsed("INVITE sip:a SIP/2.0\n\(fields)") }

  @Test func `Accept says what is taken: none at all, nothing, or ranges with a preference (RFC 3261 §20.1)`() throws {
    #expect(try message("To: x").accept() == nil)
    #expect(try message("Accept:").accept()?.isEmpty == true)
    let types = try #require(try message("Accept: application/SDP;level=1, text/*;q=0.5,*/*;q=0").accept())
    #expect(types.map(\.name) == ["application/sdp", "text/*", "*/*"])
    #expect(types[0].accepts("application/sdp") && !types[0].accepts("text/plain"))
    #expect(types[1].accepts("text/plain"))
    #expect(!types[2].accepts("text/plain"), "q=0 refuses")
  }

  @Test func `Content-Type has parameters, and white space around its slash (RFC 3261 §20.15)`() throws {
    let type = try #require(try message("c: multipart / Mixed ; boundary=\"a b\"").contentType())
    #expect(type.name == "multipart/mixed")
    #expect(type.parameters["boundary"] == "a b")
    for text in ["", "sdp", "application/", "/sdp", "application/sdp x"] {
      #expect(throws: SIPHeaderError.self) { try message("Content-Type: \(text)").contentType() }
    }
  }

  @Test func `Call-Info is read with, without and with an empty URI (RFC 3261 §20.9; CUCM)`() throws {
    let list = try message("Call-Info: <sip:192.0.2.1:5060>;method=\"NOTIFY;Event=x;Duration=500\"\nCall-Info: ;method=y, <>;a")
      .infoReferences(.callInfo)
    #expect(list.map(\.uri) == ["sip:192.0.2.1:5060", nil, nil])
    #expect(list.map { $0.parameters["method"] } == ["NOTIFY;Event=x;Duration=500", "y", nil])
    #expect(throws: SIPHeaderError.self) { try message("Call-Info: sip:a").infoReferences(.callInfo) }
  }

  @Test func `Date is a second in GMT (RFC 3261 §20.17)`() throws {
    #expect(try message("Date: Sat, 13 Nov 2010 23:29:00 GMT").date()?.unixSeconds == 1_289_690_940)
    #expect(try message("Date: Thu, 29 Feb 2024 00:00:00 GMT").date()?.unixSeconds == 1_709_164_800)
    #expect(try message("Date: Thu, 01 Jan 1970 00:00:00 GMT").date()?.unixSeconds == 0)
    for text in [
      "", "now", "Fri, 01 Jan 2027 16:00:00 EST", "Fri, 32 Jan 2027 16:00:00 GMT", "Fri, 01 Foo 2027 16:00:00 GMT",
      "Fri, 01 Jan 2027 24:00:00 GMT",
    ] {
      #expect(throws: SIPHeaderError.self) { try message("Date: \(text)").date() }
    }
  }

  @Test func `Retry-After has seconds, a comment and parameters (RFC 3261 §20.33)`() throws {
    let value = try #require(try message("Retry-After: 18000 (in a (long) meeting) ;duration=3600").retryAfter())
    #expect(value.seconds == 18_000 && value.comment == "in a (long) meeting" && value.duration == 3_600)
    #expect(try message("Retry-After: 5").retryAfter()?.comment == nil)
    for text in ["", "soon", "4294967296", "5 (open", "5 x"] {
      #expect(throws: SIPHeaderError.self) { try message("Retry-After: \(text)").retryAfter() }
    }
  }

  @Test func `Timestamp keeps its digits, since they are repeated (RFC 3261 §20.38, §8.2.6.1)`() throws {
    let value = try #require(try message("Timestamp: 54.210  .5").timestamp())
    #expect(value == Timestamp(value: "54.210", delay: ".5"))
    for text in ["", "a", "1.2.3", "1 2 3", "."] { #expect(throws: SIPHeaderError.self) { try message("Timestamp: \(text)").timestamp() } }
  }

  @Test func `Warning and Reason are lists of what was wrong (RFC 3261 §20.43, RFC 3326 §2)`() throws {
    let warnings = try message("Warning: 305 a.example \"No, not \\\"this\\\"\", 399 [2001:db8::1]:5060 \"x\"").warnings()
    #expect(warnings.map(\.code) == [305, 399])
    #expect(warnings[0].text == "No, not \"this\"" && warnings[1].agent == "[2001:db8::1]:5060")
    #expect(throws: SIPHeaderError.self) { try message("Warning: 1812 x \"y\"").warnings() }
    let reasons = try message("Reason: SIP ;cause=200 ;text=\"Call completed, elsewhere\",Q.850;cause=16").reasons()
    #expect(reasons.map(\.protocolName) == ["SIP", "Q.850"])
    #expect(reasons[0].cause == 200 && reasons[0].text == "Call completed, elsewhere" && reasons[1].cause == 16)
  }

  @Test func `identities are addresses, each with its own parameters (RFC 3325, RFC 5806, Remote-Party-ID)`() throws {
    let message = try message(
      """
      P-Asserted-Identity: "Olga" <sip:olga@pbx.example>, tel:+4930123
      Remote-Party-ID: "Olga" <sip:olga@pbx.example>;party=calling;screen=yes;privacy=off
      Remote-Party-ID: <sip:x@pbx.example>;party=x-cisco-original-called
      Diversion: <sip:+49@trunk.example>;reason=unconditional
      Refer-To: sip:plain@pbx.example
      """)
    #expect(try message.addresses(.pAssertedIdentity).map(\.uri.description) == ["sip:olga@pbx.example", "tel:+4930123"])
    #expect(try message.addresses(.remotePartyID).map { $0.parameters["party"] } == ["calling", "x-cisco-original-called"])
    #expect(try message.addresses(.diversion).first?.parameters["reason"] == "unconditional")
    #expect(try message.addresses(.referTo).first?.uri.user == "plain")
  }

  @Test func `Session-ID, Replaces and Authentication-Info name sessions, dialogs and proofs (RFC 7989, RFC 3891, RFC 7615)`() throws {
    let message = try message(
      """
      Session-ID: 0123456789ABCDEF0123456789abcdef;remote=00000000000000000000000000000000
      Replaces: 98732@pbx.example;from-tag=r33;to-tag=t44;early-only
      Authentication-Info: nextnonce="n,1", qop=auth, rspauth="0f", cnonce="c", nc=00000001
      """)
    #expect(
      try message.sessionIdentifier()
        == SessionIdentifier(local: "0123456789abcdef0123456789abcdef", remote: String(repeating: "0", count: 32)))
    #expect(try message.replaces() == Replaces(callID: "98732@pbx.example", toTag: "t44", fromTag: "r33", isEarlyOnly: true))
    #expect(message.authenticationInfo()?.nextNonce == "n,1" && message.authenticationInfo()?.nonceCount == "00000001")
    #expect(throws: SIPHeaderError.self) { try parsed("OPTIONS sip:a SIP/2.0\nSession-ID: xyz").sessionIdentifier() }
    #expect(throws: SIPHeaderError.self) { try parsed("OPTIONS sip:a SIP/2.0\nReplaces: a;to-tag=1").replaces() }
  }

  @Test func `lists come together over commas and lines; texts and numbers are read as such`() throws {
    let message = try message(
      "Supported: timer,\n  replaces\nk: 100rel\nAllow: INVITE,ACK , X-Y\nMin-Expires: 60\nSubject: a, b\n"
        + "Content-Disposition: session;handling=optional"
    )
    #expect(message.tokens(.supported) == ["timer", "replaces", "100rel"])
    #expect(message.allow() == [.invite, .ack, .other("X-Y")])
    #expect(try message.number(.minExpires) == 60)
    #expect(message.text(.subject) == "a, b")
    #expect(try message.contentDisposition()?.parameters["handling"] == "optional")
    #expect(throws: SIPHeaderError.self) { try parsed("OPTIONS sip:a SIP/2.0\nMin-SE: 4294967296").number(HeaderName(.minSE)) }
  }
}

@Suite struct FaultTests {
  private let sound =
    "OPTIONS sip:a@h SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nMax-Forwards: 70\nFrom: <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID: x\n"
    + "CSeq: 1 OPTIONS"

  @Test func `a message as RFC 3261 §8.1.1 wants it has no fault`() throws {
    #expect(try parsed(sound).faults().isEmpty)
    #expect(try SIPMessage.parse(fixture("sip/invite-745.sip")).faults().isEmpty)
  }

  @Test(arguments: ["Via", "From", "To", "Call-ID", "CSeq"])
  func `each field that every request needs is missed (RFC 3261 §8.1.1)`(name: String) throws {
    let text = sound.split(separator: "\n").filter { !$0.hasPrefix(name + ":") }.joined(separator: "\n")
    #expect(try parsed(text).faults().contains(MessageFault(.fatal, .missing(HeaderName(name)))))
  }

  @Test(arguments: [
    ("Max-Forwards: 70", "Max-Forwards: 300"), ("Max-Forwards: 70", "Max-Forwards: many"), ("CSeq", "Route: <sip:a\nCSeq"),
    ("CSeq", "Contact: <sip:a\nCSeq"), ("CSeq", "Record-Route: <sip:a\nCSeq"), ("CSeq", "Content-Type: sdp\nCSeq"),
  ])
  func `what nobody needs to serve the request is told and harms nothing (RFC 3261 §16.3 item 1, RFC 4475 §3.1.2.4)`(
    part: String, instead: String
  ) throws {
    #expect(try parsed(sound.replacing(part, with: instead)).faults().map(\.weight) == [.tolerated])
  }

  @Test(arguments: ["Contact: <sip:a", "Record-Route: <sip:a"])
  func `a Contact and a Record-Route that say where a call goes have to be readable (RFC 3261 §12.1.1)`(field: String) throws {
    let invite = sound.replacing("OPTIONS", with: "INVITE") + "\n" + field
    #expect(try parsed(invite).faults().map(\.weight) == [.fatal])
  }

  @Test func `what stands twice the same is tolerated, twice different is fatal`() throws {
    #expect(try parsed(sound + "\nCall-ID: x").faults().map(\.weight) == [.tolerated])
    #expect(try parsed(sound + "\nCall-ID: y").faults().map(\.weight) == [.fatal])
  }

  @Test func `a fault is told once, however often its field stands`() throws {
    let many = String(repeating: "\nDate: never\nWarning: x\nSubject: a\nSubject: b", count: 60)
    let faults = try parsed(sound + many).faults().map { "\($0)".split(separator: " ")[0] }
    #expect(faults == ["Subject", "Date", "Date", "Warning"])
  }

  @Test func `a broken request can be salvaged to be answered, other things cannot (RFC 3261 §18.3)`() throws {
    let broken = sip(sound.replacing("SIP/2.0\nVia", with: "SIP/9.0\nno colon here\nVia"))
    let request = try #require(SIPMessage.salvage(broken))
    #expect(request.method == .options && request.first(.callID)?.text == "x")
    for text in [
      "", "\r\n", "hello", "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h", "ACK sip:a SIP/3.0\nVia: SIP/2.0/UDP h", "OPTIONS sip:a SIP/3.0\nTo: x",
    ] {
      #expect(SIPMessage.salvage(sip(text)) == nil, "\(text)")
    }
  }

  @Test func `a request whose URI is longer than a start line may be can be salvaged, so that it gets 414 (RFC 3261 §21.4.7)`() throws {
    for length in [8_000, 8_180, 8_192, 9_000, 60_000] {
      let line = "OPTIONS sip:\(String(repeating: "a", count: length)) SIP/2.0"
      let request = sip(sound.replacing("OPTIONS sip:a@h SIP/2.0", with: line))
      #expect(SIPMessage.salvage(request)?.first(.callID)?.text == "x", "\(length)")
      // A stream waits for the rest of it.
      var framer = StreamFramer()
      framer.append(Bytes("\(line)\r\nVia: "))
      #expect(try framer.next() == nil, "\(length)")
    }
  }

}

@Suite struct MultipartTests {
  private func body(_ text: String, boundary: String = "b") -> MultipartBody {
    MultipartBody(Bytes(text.replacing("\n", with: "\r\n")), boundary: boundary)
  }

  @Test func `parts stand between boundary lines, whose line end is the boundary's (RFC 2046 §5.1.1)`() {
    let parts = body("preamble --b\n--b \nContent-Type: a/b\n\none\n--bc\n--b\n\ntwo\n\n--b--\nepilogue\n--b\nthree").parts
    #expect(parts.map(\.body.text) == ["one\r\n--bc", "two\r\n"])
    #expect(parts.map(\.contentType) == ["a/b", "text/plain"])
  }

  @Test func `a body without its last boundary, with bare line feeds, or empty does no harm`() {
    #expect(MultipartBody("--b\nContent-Type: a/b\n\none\n--b\n\ntwo", boundary: "b").parts.map(\.body.text) == ["one", "two"])
    #expect(body("").parts.isEmpty)
    #expect(body("--b--").parts.isEmpty)
    #expect(body("--b\n--b\n--b--").parts.map(\.body.count) == [0, 0])
    #expect(body(String(repeating: "--b\n\nx\n", count: 1_000)).parts.count == MultipartBody.maximumParts)
  }

  @Test func `the description is found by its type, also inside another multipart (RFC 5621 §3.1)`() throws {
    let text =
      "INVITE sip:a SIP/2.0\nContent-Type: multipart/mixed;boundary=\"o\"\n\n--o\nContent-Type: text/plain\n\nx\n--o\n"
      + "Content-Type: multipart/alternative;boundary=i\n\n--i\nContent-Type: Application/SDP\n\nv=0\n--i--\n--o--\n"
    let message = try parsed(text)
    #expect(message.body(ofType: "application/sdp")?.text == "v=0")
    #expect(message.body(ofType: "application/isup") == nil)
  }
}
