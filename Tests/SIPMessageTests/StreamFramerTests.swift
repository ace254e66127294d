import SansIO
import Testing

@testable import SIPMessage

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
