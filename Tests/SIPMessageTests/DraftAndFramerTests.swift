import SansIO
import Testing

@testable import SIPMessage

@Suite struct MessageDraftTests {
  private let invite = """
    INVITE sip:bob@b SIP/2.0
    Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK1, SIP/2.0/TCP p;branch=z9hG4bK0
    v: SIP/2.0/UDP q;branch=z9hG4bKq
    From: <sip:a@a>;tag=1
    To: <sip:bob@b>
    Call-ID: x
    CSeq: 1 INVITE
    """

  @Test func `a response copies Via, From, To, Call-ID and CSeq and marks where the request came from (RFC 3261 §8.2.6.2, RFC 3581 §4)`()
    throws
  {
    let draft = MessageDraft.response(to: try parsed(invite), status: 180, toTag: "t", receivedFrom: source)
    #expect(
      draft.serialized().text == """
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

  @Test func `received is left out where the sent-by is the source (RFC 3261 §18.2.1)`() throws {
    let message = try parsed("OPTIONS sip:b SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1")
    #expect(MessageDraft.response(to: message, status: 200, receivedFrom: source).first(.via) == "SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1")
  }

  @Test func `a line end in a value cannot make a header`() {
    var draft = MessageDraft(request: .options, uri: "sip:a")
    draft.append(.from, "<sip:a>\r\nX-Evil: 1")
    #expect(draft.serialized().text.contains("From: <sip:a>  X-Evil: 1\r\n"))
  }

  @Test func `a Reason-Phrase has no character that its grammar does not have (RFC 3261 §25.1)`() {
    let draft = MessageDraft(status: 400, reason: "To '\"a\u{0}b <sip:x@h>' [é] 100% \u{7F}")
    #expect(draft.serialized().text.hasPrefix("SIP/2.0 400 To '%22a%00b %3Csip:x@h%3E' %5Bé%5D 100% %7F\r\n"))
  }

  @Test func `a Warning quotes what a peer wrote so that it reads back, control characters apart (RFC 3261 §20.43, §25.1)`() throws {
    let warning = WarningValue(refusing: "To '\"a\u{0}b\\ <sip:x@h>' is bad", by: host)
    #expect(warning.fieldValue == #"399 198.51.100.10 "To '\"a%00b\\ <sip:x@h>' is bad""#)
    let message = try parsed("SIP/2.0 400 Bad Request\nWarning: \(warning.fieldValue)")
    #expect(try message.warnings() == [WarningValue(399, agent: "198.51.100.10", "To '\"a%00b\\ <sip:x@h>' is bad")])
  }

  @Test func `set replaces the first field or appends one`() {
    var draft = MessageDraft(request: .options, uri: "sip:a")
    draft.set(.cseq, "1 OPTIONS")
    draft.set(.cseq, "2 OPTIONS")
    #expect(draft.fields.map(\.value) == ["2 OPTIONS"])
  }
}

@Suite struct StreamFramerTests {
  private let message = "OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\nContent-Length: 5\r\n\r\nhello"

  private func kinds(_ framer: inout StreamFramer) throws -> [String] {
    var result: [String] = []
    while let frame = try framer.next() {
      switch frame {
      case .message(let message): result.append(message.body.text)
      case .unreadable(let error, let bytes): result.append("\(bytes.count) bytes: \(error)")
      case .ping: result.append("ping")
      case .pong: result.append("pong")
      }
    }
    return result
  }

  @Test func `messages come out whole however the stream is cut (RFC 3261 §18.3)`() throws {
    let stream = Array((message + "\r\n\r\n" + message).utf8)
    for size in 1...stream.count {
      var framer = StreamFramer()
      var result: [String] = []
      for start in stride(from: 0, to: stream.count, by: size) {
        framer.append(Bytes(Array(stream[start..<min(start + size, stream.count)])))
        result += try kinds(&framer)
      }
      // Cut between the two CRLFs of a ping, the first one is a pong to whoever reads on at once.
      #expect(result.filter { $0 == "hello" }.count == 2)
      #expect(result.count == 3 || result == ["hello", "pong", "pong", "hello"])
    }
  }

  @Test func `two messages in one read are two messages`() throws {
    var framer = StreamFramer()
    framer.append(Bytes(message + message))
    #expect(try kinds(&framer) == ["hello", "hello"])
    #expect(framer.pendingCount == 0)
  }

  @Test func `Content-Length is required on a stream (RFC 3261 §20.14)`() {
    var framer = StreamFramer()
    framer.append("OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n")
    #expect(throws: SIPParseError.contentLengthMissing) { try framer.next() }
  }

  @Test(arguments: [
    ("OPTIONS sip:a  SIP/2.0\r\nContent-Length: 5\r\n\r\nhello", SIPParseError.requestLineSpacing),
    ("OPTIONS sip:a SIP/7.0\r\nContent-Length: 5\r\n\r\nhello", .version("SIP/7.0")),
    ("what SIP/2.0 is this\nl: 5\n\nhello", .startLine),
    ("OPTIONS sip:a SIP/2.0\r\nno colon here\r\nContent-Length: 5\r\n\r\nhello", .fieldName(offset: 23)),
  ])
  func `a message that breaks a rule but says where it ends is passed over, and the stream goes on (RFC 3261 §18.3)`(
    bad: String, error: SIPParseError
  ) throws {
    for cut in [1, 7, 1_000] {
      let stream = Array((message + bad + message).utf8)
      var framer = StreamFramer()
      var result: [String] = []
      for start in stride(from: 0, to: stream.count, by: cut) {
        framer.append(Bytes(Array(stream[start..<min(start + cut, stream.count)])))
        result += try kinds(&framer)
      }
      #expect(result == ["hello", "\(bad.utf8.count) bytes: \(error)", "hello"])
    }
  }

  @Test func `a message whose end nobody knows ends the stream, also when its first line is bad`() {
    for header in ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: x\r\n", "Subject: none\r\n"] {
      var framer = StreamFramer()
      framer.append(Bytes("OPTIONS sip:a  SIP/2.0\r\n\(header)\r\n"))
      #expect(throws: SIPParseError.self) { try framer.next() }
    }
  }

  @Test func `a first line that does not name SIP is not waited for`() {
    var framer = StreamFramer()
    framer.append("hello\nworld\n")
    #expect(throws: SIPParseError.startLine) { try framer.next() }
  }

  @Test func `a header that never ends stops at the limit`() throws {
    var framer = StreamFramer(limits: SIPLimits(messageBytes: 1000, startLineBytes: 500, fieldBytes: 500, fields: 50))
    framer.append("OPTIONS sip:a SIP/2.0\r\n")
    #expect(throws: SIPParseError.messageTooLong(limit: 1000)) {
      for _ in 0..<100 {
        framer.append("X: 0123456789\r\n")
        _ = try framer.next()
      }
    }
  }

  @Test func `a body longer than the limit is refused before it is read`() {
    var framer = StreamFramer()
    framer.append("OPTIONS sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n")
    #expect(throws: SIPParseError.messageTooLong(limit: 65_535)) { try framer.next() }
  }
}
