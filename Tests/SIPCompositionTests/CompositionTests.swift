import SIPMessage
import SansIO
import Testing

@testable import SIPComposition

private func parsed(_ text: String) throws -> SIPMessage {
  try SIPMessage.parse(Bytes(text.split(separator: "\n").joined(separator: "\r\n") + "\r\n\r\n"))
}

private let source = TransportAddress("192.0.2.20:40000") ?? .init(.anyV4, port: 0)

/// What every response copies and what it says itself (RFC 3261 §8.2.6).
@Suite struct ResponseWriterTests {
  private let invite = """
    INVITE sip:bob@b SIP/2.0
    Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK1, SIP/2.0/TCP p;branch=z9hG4bK0
    v: SIP/2.0/UDP q;branch=z9hG4bKq
    From: <sip:a@a>;tag=1
    To: <sip:bob@b>
    Call-ID: x
    CSeq: 1 INVITE
    """

  private func response(_ draft: ResponseDraft, to text: String) throws -> Bytes {
    Spelling.plain.response(draft, to: try parsed(text), from: source)
  }

  private func via(_ value: String) throws -> String? {
    try SIPMessage.parse(try response(ResponseDraft(200), to: "OPTIONS sip:b SIP/2.0\nVia: \(value)")).first(.via)?.text
  }

  @Test func `a response copies Via, From, To, Call-ID and CSeq and marks where the request came from (RFC 3261 §8.2.6.2, RFC 3581 §4)`()
    throws
  {
    #expect(
      try response(ResponseDraft(180, toTag: "t"), to: invite).text == """
        SIP/2.0 180 Ringing\r
        Via: SIP/2.0/UDP 10.0.0.5:5060;rport=40000;branch=z9hG4bK1;received=192.0.2.20, SIP/2.0/TCP p;branch=z9hG4bK0\r
        Via: SIP/2.0/UDP q;branch=z9hG4bKq\r
        From: <sip:a@a>;tag=1\r
        To: <sip:bob@b>;tag=t\r
        Call-ID: x\r
        CSeq: 1 INVITE\r
        Content-Length: 0\r
        \r

        """)
  }

  @Test(arguments: [
    // RFC 3261 §18.2.1: only where the sent-by differs.
    ("SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1"),
    ("SIP/2.0/UDP h;branch=z9hG4bK1", "SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.20"),
    // RFC 3581 §4: whenever rport is there.
    ("SIP/2.0/UDP 192.0.2.20;rport;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.20;rport=40000;branch=z9hG4bK1;received=192.0.2.20"),
    ("SIP/2.0/UDP h ; RPORT ;branch=z9hG4bK1", "SIP/2.0/UDP h ; RPORT=40000 ;branch=z9hG4bK1;received=192.0.2.20"),
    ("SIP/2.0/UDP h;rport=1;branch=z9hG4bK1", "SIP/2.0/UDP h;rport=1;branch=z9hG4bK1;received=192.0.2.20"),
    ("SIP/2.0/UDP h;rport;received=192.0.2.1", "SIP/2.0/UDP h;rport=40000;received=192.0.2.1"),
    ("SIP/2.0/UDP h;x=\";rport\";rporty", "SIP/2.0/UDP h;x=\";rport\";rporty;received=192.0.2.20"),
  ])
  func `the topmost Via says where its request came from, and the rest of it stays`(value: String, expected: String) throws {
    #expect(try via(value) == expected)
  }

  @Test func `a To that has a tag keeps it, and a 100 has the request's Timestamp (RFC 3261 §8.2.6.1)`() throws {
    let request = invite.replacing("To: <sip:bob@b>", with: "To: <sip:bob@b>;tag=own\nTimestamp: 54")
    let trying = try SIPMessage.parse(try response(ResponseDraft(100, toTag: "t"), to: request))
    #expect(trying.first(.to)?.text == "<sip:bob@b>;tag=own" && trying.first(.timestamp)?.text == "54")
    #expect(try SIPMessage.parse(try response(ResponseDraft(180), to: request)).first(.timestamp) == nil)
  }

  @Test func `a display name in ISO 8859-1 comes back in the response byte for byte`() throws {
    let latin: [UInt8] =
      Array("OPTIONS sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: \"M".utf8) + [0xFC]
      + Array("ller\" <sip:a@h>;tag=1\r\n\r\n".utf8)
    let response = Spelling.plain.response(ResponseDraft(200), to: try SIPMessage.parse(Bytes(latin)), from: source)
    #expect(response.array.contains(0xFC))
  }

  @Test func `a reason phrase cannot become a header line of ours, and has no character that its grammar does not have (RFC 3261 §25.1)`()
    throws
  {
    let evil = try response(ResponseDraft(400, reason: "x\r\nContact: <sip:evil@h>"), to: invite)
    #expect(try SIPMessage.parse(evil).first(.contact) == nil)
    let odd = try response(ResponseDraft(400, reason: "To '\"a\u{0}b <sip:x@h>' [é] 100% \u{7F}"), to: invite)
    #expect(odd.text.hasPrefix("SIP/2.0 400 To '%22a%00b %3Csip:x@h%3E' %5Bé%5D 100% %7F\r\n"))
  }

  @Test func `a folded value is copied on one line (RFC 3261 §7.3.1)`() throws {
    let request = try SIPMessage.parse(Bytes("OPTIONS sip:b SIP/2.0\r\nFrom: <sip:a@a>\r\n ;tag=1\r\nCSeq: 1 OPTIONS\r\n\r\n"))
    let response = Spelling.plain.response(ResponseDraft(200), to: request, from: source)
    #expect(response.text.contains("From: <sip:a@a> ;tag=1\r\nCSeq: 1 OPTIONS\r\n"))
  }
}

/// Requests from a dialog's template, and those that an INVITE's transaction makes of it.
@Suite struct RequestDraftTests {
  private let place = LocalPlace(
    viaToken: "UDP", sentBy: "192.0.2.1:5060", host: "192.0.2.1", contactHost: nil, contactPort: 5060, securePort: nil, isReliable: false,
    isUDP: true, style: .plain)

  private func draft(_ method: SIPMethod = .invite) -> RequestDraft {
    RequestDraft(
      method, uri: "sip:bob@b", identity: .identity(from: "<sip:a@a>;tag=1", to: "<sip:bob@b>", callID: "x"), sequence: 41)
  }

  private func write(_ draft: RequestDraft, style: MessageStyle = .plain) -> Bytes {
    var composer = Composer(style, entropy: Entropy(seed: 1), epoch: Epoch(unixSeconds: 0))
    return composer.write(draft, branch: "z9hG4bK1", at: place, now: .zero)
  }

  @Test func `a request has Via, Max-Forwards, From, To, Call-ID and CSeq, then its own fields (RFC 3261 §8.1.1)`() {
    var draft = draft()
    draft.fields.append(.contact, "<sip:a@192.0.2.1>")
    draft.setDescription("v=0\r\n")
    #expect(
      write(draft).text == """
        INVITE sip:bob@b SIP/2.0\r
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r
        Max-Forwards: 70\r
        From: <sip:a@a>;tag=1\r
        To: <sip:bob@b>\r
        Call-ID: x\r
        CSeq: 41 INVITE\r
        Contact: <sip:a@192.0.2.1>\r
        Content-Type: application/sdp\r
        User-Agent: Kallglot Lab\r
        Content-Length: 5\r
        \r
        v=0\r

        """)
  }

  @Test func `a line end in a value cannot make a header`() {
    var draft = draft(.options)
    draft.append([HeaderField(.subject, "hello\r\nX-Evil: 1")])
    #expect(write(draft).text.contains("Subject: hello  X-Evil: 1\r\n"))
  }

  @Test func `credentials replace those before them, and another server gets none (RFC 7616 §3.4)`() {
    var draft = draft()
    draft.fields.set(.authorization, "Digest one")
    draft.fields.append(.contact, "<sip:a@a>")
    draft.fields.set(.authorization, "Digest two")
    #expect(draft.credentials == [HeaderField(.authorization, "Digest two")])
    #expect(write(draft).text.contains("Authorization: Digest two\r\nContact: <sip:a@a>\r\n"))
    draft.removeCredentials()
    #expect(draft.credentials.isEmpty && draft.fields.first(.contact) == "<sip:a@a>")
  }

  @Test
  func `the ACK of a refusal has the INVITE's Via, CSeq number, Route and credentials and the response's To (RFC 3261 §17.1.1.3, §22.1)`()
    throws
  {
    var draft = draft()
    draft.identity = HeaderLines([HeaderField(.route, "<sip:p;lr>")])
    draft.identity.append(.identity(from: "<sip:a@a>;tag=1", to: "<sip:bob@b>", callID: "x"))
    draft.fields.append(.authorization, "Digest x")
    draft.setDescription("v=0\r\n")
    let refusal = try parsed("SIP/2.0 486 Busy Here\nTo: <sip:bob@b>;tag=theirs")
    let ack = try SIPMessage.parse(Spelling.plain.acknowledgement(of: write(draft), for: refusal))
    #expect(ack.method == .ack && ack.requestURIBytes?.text == "sip:bob@b" && ack.body.isEmpty)
    #expect(try ack.via().branch == "z9hG4bK1" && ack.cseq() == CSeq(number: 41, method: .ack))
    #expect(ack.toTag == "theirs" && ack.fromTag == "1" && ack.first(.route)?.text == "<sip:p;lr>")
    #expect(ack.first(.authorization)?.text == "Digest x" && ack.first(.contentType) == nil)
    let cancel = try SIPMessage.parse(Spelling.plain.cancellation(of: write(draft), fields: [HeaderField(.reason, "SIP;cause=200")]))
    #expect(cancel.method == .cancel && cancel.toTag == nil && cancel.first(.authorization) == nil)
    #expect(try cancel.via().branch == "z9hG4bK1" && cancel.cseq() == CSeq(number: 41, method: .cancel))
    #expect(cancel.first(.reason)?.text == "SIP;cause=200")
  }

  @Test func `an order moves whole lines, with the spacing that each was written with`() {
    var style = MessageStyle.plain
    style.orders = [HeaderOrder(.requests, ["From", "Via", "Content-Length", "To"])]
    style.contentLengthSpaces = [1, 2]
    style.headers = [StyledHeader("X-Own", "1", requests: [.options], separator: ":")]
    let lines = write(draft(.options), style: style).text.split(separator: "\r\n").map(String.init)
    #expect(
      lines == [
        "OPTIONS sip:bob@b SIP/2.0", "From: <sip:a@a>;tag=1", "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", "Max-Forwards: 70",
        "Call-ID: x", "CSeq: 41 OPTIONS", "User-Agent: Kallglot Lab", "X-Own:1", "Content-Length:  0", "To: <sip:bob@b>",
      ])
  }
}
