import SansIO
import Testing

@testable import SIPMessage

@Suite struct MessageParserTests {
  @Test func `an INVITE is split into start line, fields and body without loss (RFC 3261 §7)`() throws {
    let bytes = try fixture("sip/invite-745.sip")
    #expect(bytes.count == 745)
    let message = try SIPMessage.parse(bytes)
    #expect(message.method == .invite)
    #expect(message.requestURIBytes?.text == "sip:sess_demo@sip.kallglot.com")
    #expect(message.fieldCount == 12)
    #expect(message.first(.callID)?.text == "3848276298220188511@192.0.2.20")
    #expect(message.body.text.hasPrefix("v=0\r\n"))
    #expect(message.bytes == bytes)
  }

  @Test func `a Status-Line gives code and phrase (RFC 3261 §7.2)`() throws {
    let message = try parsed("SIP/2.0 486 Busy Here\nCSeq: 1 INVITE")
    #expect(message.status == 486)
    #expect(message.reasonPhrase?.text == "Busy Here")
    #expect(message.method == nil)
    #expect(try parsed("SIP/2.0 200 \nCSeq: 1 INVITE").reasonPhrase?.text == "")
  }

  @Test func `field names have no case, and compact forms are the names they stand for (RFC 3261 §7.3.1, §7.3.3)`() throws {
    let message = try parsed("OPTIONS sip:a@b SIP/2.0\nv: SIP/2.0/UDP h;branch=z9hG4bKa\nFROM  : <sip:a@b>;tag=1\nx-own:  v ")
    #expect(message.first(.via)?.text == "SIP/2.0/UDP h;branch=z9hG4bKa")
    #expect(message.first(.from)?.text == "<sip:a@b>;tag=1")
    #expect(message.first(HeaderName("X-Own"))?.text == "v")
    #expect(message.fields.map { $0.name.text } == ["v", "FROM", "x-own"])
  }

  @Test func `every known name is found in any case`() {
    for known in KnownHeader.allCases where known != .other {
      #expect(KnownHeader(name: known.text) == known)
      #expect(KnownHeader(name: known.text.uppercased()) == known)
    }
    #expect(KnownHeader(name: "X-Unknown") == .other)
  }

  @Test func `a folded line continues the field (RFC 3261 §7.3.1)`() throws {
    let message = try parsed("OPTIONS sip:a@b SIP/2.0\nSubject: I know\n  you're  \n\tthere\nCSeq: 1 OPTIONS")
    #expect(message.first(HeaderName("Subject"))?.text == "I know you're there")
    #expect(try message.cseq() == CSeq(number: 1, method: .options))
  }

  @Test func `a datagram's body is cut to Content-Length, and a short one is refused (RFC 3261 §18.3)`() throws {
    let long = try parsed("MESSAGE sip:a@b SIP/2.0\nContent-Length: 2\n\nhello")
    #expect(long.body.text == "he")
    #expect(throws: SIPParseError.bodyShort(declared: 9, present: 5)) {
      try parsed("MESSAGE sip:a@b SIP/2.0\nContent-Length: 9\n\nhello")
    }
    #expect(try parsed("MESSAGE sip:a@b SIP/2.0\nSubject: x\n\nhello").body.text == "hello")
  }

  @Test(arguments: [
    ("\r\n\r\n", SIPParseError.empty), ("hello", .noEndOfHeader), ("hello\r\n\r\n", .startLine),
    ("INVITE  SIP/2.0\r\n\r\n", .startLine), ("INVITE sip:a b SIP/2.0\r\n\r\n", .requestLineSpacing),
    ("INVITE sip:a@b SIP/7.0\r\n\r\n", .version("SIP/7.0")), ("SIP/2.0 99 No\r\n\r\n", .statusCode("99 No")),
    ("SIP/2.0 4040 No\r\n\r\n", .statusCode("4040 No")), ("INVITE sip:a@b SIP/2.0\r\nno colon\r\n\r\n", .fieldName(offset: 24)),
    ("INVITE sip:a@b SIP/2.0\r\nnocolon\r\n\r\n", .fieldWithoutColon(offset: 24)),
    ("INVITE sip:a@b SIP/2.0\r\nTo: x", .noEndOfHeader), ("INVITE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n", .contentLength("-1")),
  ])
  func `a broken message names the rule it broke`(text: String, error: SIPParseError) {
    #expect(throws: error) { try SIPMessage.parse(Bytes(text)) }
    #expect(!error.description.isEmpty)
  }

  @Test func `limits have names of their own`() {
    let limits = SIPLimits(messageBytes: 400, startLineBytes: 60, fieldBytes: 100, fields: 3)
    func error(_ text: String) -> SIPParseError? {
      do {
        _ = try SIPMessage.parse(sip(text), limits: limits)
        return nil
      } catch { return error }
    }
    #expect(error("INVITE sip:\(String(repeating: "a", count: 80)) SIP/2.0") == .startLineTooLong(limit: 60))
    #expect(error("INVITE sip:a SIP/2.0\nTo: \(String(repeating: "a", count: 120))") == .fieldTooLong(offset: 22, limit: 100))
    #expect(error("INVITE sip:a SIP/2.0\na:1\nb:2\nc:3\nd:4") == .tooManyFields(limit: 3))
    #expect(error("INVITE sip:a SIP/2.0\na:1\n\n\(String(repeating: "a", count: 400))") == .messageTooLong(limit: 400))
  }

  @Test func `no cut and no changed byte of an INVITE crashes the parser or its typed fields`() throws {
    let whole = try fixture("sip/invite-745.sip").array
    for count in 0..<whole.count { read(Bytes(Array(whole.prefix(count)))) }
    for index in whole.indices {
      for replacement: UInt8 in [0, 9, 10, 13, 32, 34, 44, 58, 59, 60, 61, 62, 64, 91, 92, 255] {
        var changed = whole
        changed[index] = replacement
        read(Bytes(changed))
      }
    }
  }

  private func read(_ bytes: Bytes) {
    guard let message = try? SIPMessage.parse(bytes) else { return }
    _ = try? message.via()
    _ = try? message.from()
    _ = try? message.to()
    _ = try? message.contacts()
    _ = try? message.requestURI()
    _ = try? message.cseq()
    _ = message.commaValues(.allow)
    _ = message.essentials()
  }
}
