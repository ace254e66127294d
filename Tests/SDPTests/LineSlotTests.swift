import SansIO
import Testing

@testable import SDP

/// Lines by their offsets: what is malformed is read as missing, and never moves another line.
@Suite struct LineSlotTests {
  private static let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\n"

  private func media(_ lines: String) throws -> MediaDescription {
    try SessionDescription.parse(Bytes(Self.head + "m=audio 4000 RTP/AVP 0 8\r\n" + lines)).media[0]
  }

  @Test(arguments: ["\r\n", "\n"])
  func `every mixture of line ends comes back byte for byte, from a slice of a larger read too (RFC 8866 §5)`(end: String) throws {
    let text = "v=0\(end)o=- 1 1 IN IP4 h\r\ns=x\(end)m=audio 4000 RTP/AVP 0\na=\u{FC}\(end)a=b:c "
    #expect(try SessionDescription.parse(Bytes(text)).serialized() == Bytes(text))
    let read = Bytes("xx\(text)yyy")
    let description = try SessionDescription.parse(read[2..<read.count - 3])
    #expect(description.serialized() == Bytes(text))
    #expect(description.compacted() == description && description.compacted().serialized() == Bytes(text))
    var output = Array("Content-Length: 1\r\n\r\n".utf8)
    description.write(to: &output)
    #expect(String(decoding: output, as: UTF8.self) == "Content-Length: 1\r\n\r\n\(text)")
  }

  @Test func `empty lines are left out and lines are counted with them; offsets are right behind them`() throws {
    let description = try SessionDescription.parse("\r\nv=0\r\n\no=- 1 1 IN IP4 h\r\n\r\nm=audio 4000 RTP/AVP 0\r\n\r\na=recvonly\r\n")
    #expect(description.serialized().text == "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 4000 RTP/AVP 0\r\na=recvonly\r\n")
    #expect(description.media[0].direction == .recvonly)
    #expect(throws: SDPError.line(4, "x")) { try SessionDescription.parse("v=0\r\n\r\no=- 1 1 IN IP4 h\r\nx") }
  }

  @Test func `descriptions are the same when their lines say the same, however they end and m= is spaced`() throws {
    let one = try SessionDescription.parse(Bytes("v=0\no=- 1 1 IN IP4 h\nm=audio  4000 RTP/AVP 0  8 \na=x\n"))
    let text = "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 4000 RTP/AVP 0 8\r\na=x\r\n"
    #expect(try one == SessionDescription.parse(Bytes(text)))
    for (what, other) in [
      ("a=x", "a=y"), ("a=x", "b=x"), ("0 8", "0 8 9"), ("0 8", "8 0"), ("4000", "4000/2"), ("4000", "4001"), ("AVP", "SAVP"),
      ("audio", "video"), ("1 1", "1 2"), ("a=x", "a=x\r\na=x"),
    ] { #expect(try one != SessionDescription.parse(Bytes(text.replacing(what, with: other))), "\(what) \(other)") }
  }

  @Test(arguments: [
    ("a=rtpmap", []), ("a=rtpmap:", []), ("a=rtpmap:96", []), ("a=rtpmap:96 opus", []), ("a=rtpmap:96 opus/", []),
    ("a=rtpmap:96 opus/x", []), ("a=rtpmap:96 opus/0", []), ("a=rtpmap:96 opus/-1", []), ("a=rtpmap:96 /48000", []),
    ("a=rtpmap:960 opus/48000", []), ("a=rtpmap:128 opus/48000", []), ("a=rtpmapx:96 opus/48000", []),
    ("a=rtpmap:96 opus/99999999999999999999", []), ("a=rtpmap:96 opus/48000/2", ["opus"]), ("a=rtpmap:96  opus / 48000", ["opus"]),
    ("a=rtpmap:96 opus\r\na=rtpmap:96 OPUS/48000\r\na=rtpmap:96 later/8000", ["OPUS"]), ("a=rtpmap:96 opus/48000/x", ["opus"]),
  ])
  func `a malformed rtpmap is none, and the first that can be read counts (RFC 8866 §6.6)`(lines: String, names: [String]) throws {
    let description = try SessionDescription.parse(Bytes(Self.head + "m=audio 4000 RTP/AVP 96 128 300 x\r\n\(lines)\r\n"))
    #expect(description.media[0].encodings.map(\.name) == names)
    // Opus has two channels, whatever it sends (RFC 7587 §7).
    let isOpus = description.media[0].encodings.first?.channels == 2
    #expect(description.media[0].audioPayloads == (isOpus ? [AudioPayload(96, .codec(.opus))] : []))
  }

  @Test func `an rtpmap goes before the static number, and hides it where we do not know the encoding (RFC 3551 §6)`() throws {
    #expect(try media("").audioPayloads == [AudioPayload(0, .codec(.pcmu)), AudioPayload(8, .codec(.pcma))])
    #expect(try media("a=rtpmap:0 L16/8000\r\n").audioPayloads == [AudioPayload(8, .codec(.pcma))])
    #expect(try media("a=rtpmap:0 pcma/8000\r\n").audioPayloads.first == AudioPayload(0, .codec(.pcma)))
    #expect(try media("a=rtpmap:8 PCMA/16000\r\n").audioPayloads == [AudioPayload(0, .codec(.pcmu))], "the clock rate is part of it")
  }

  @Test(
    arguments: [
      ("a=ptime", nil), ("a=ptime:", nil), ("a=ptime:x", nil), ("a=ptime:20x", nil), ("a=ptime: 20", nil), ("a=ptime:-20", nil),
      ("a=ptime:99999999999999999999", nil), ("a=ptime:20.5", 20), ("a=ptime:20", 20), ("a=xptime:20\r\na=ptime:30", 30),
    ] as [(String, Int?)])
  func `a packet time that is no number is none (RFC 8866 §6.4)`(line: String, expected: Int?) throws {
    #expect(try media("\(line)\r\n").packetTime == expected)
  }

  @Test func `ports and flags of malformed attributes are missing, and c= of another kind is no address`() throws {
    #expect(try media("a=rtcp:70000\r\n").rtcpPort == nil && media("a=rtcp:\r\n").rtcpPort == nil)
    #expect(try media("a=rtcp:4005 IN IP4 192.0.2.1\r\n").rtcpPort == 4005)
    #expect(try media("a=rtcp-mux\r\n").hasAttribute("rtcp-mux") && !media("a=rtcp-muxes\r\n").hasAttribute("rtcp-mux"))
    for line in ["c=", "c=IN", "c=IN IP4", "c=IN IP4 /127", "c=IN IP4 1.2.3", "c=ATM IP4 192.0.2.1", "c=IN IP4 pbx.example"] {
      #expect(try media("\(line)\r\n").connection == nil, "\(line)")
    }
    #expect(try media("c=IN IP6 [::1]\r\n").connection == IPAddress("::1"))
    for line in ["a=sendrecv ", "a=SENDRECV", "a=sendrec", "a=sendrecv:x", "sendrecv=1", "a="] {
      #expect((try? media("\(line)\r\n"))?.direction == nil, "\(line)")
    }
  }

  @Test(arguments: ["o=- 1 1 IN IP4", "o=1 IN IP4 h", "o=- 1 1 XX IP4 h", "o=", "o=   "])
  func `an o= line without its last five words is not readable (RFC 8866 §5.2)`(line: String) {
    #expect(throws: SDPError.origin) { try SessionDescription.parse(Bytes("v=0\r\n\(line)\r\ns=-\r\n")) }
  }

  @Test func `what we write is found again where the writer says it is`() throws {
    var session = OfferAnswerSession(style: .plain, sessionID: 1, capability: AudioCapability(codecs: [.pcmu, .opus]))
    let offer = session.makeOffer(local: TransportAddress(.loopbackV4, port: 4000))
    let read = try SessionDescription.parse(offer.serialized())
    #expect(read == offer && read.lines.map(\.whole) == offer.lines.map(\.whole))
    #expect(read.sections.map(\.lines) == offer.sections.map(\.lines))
    #expect(
      offer.media[0].audioPayloads == [
        AudioPayload(0, .codec(.pcmu)), AudioPayload(111, .codec(.opus)), AudioPayload(101, .telephoneEvent(.telephony)),
        AudioPayload(110, .telephoneEvent(.opus)),
      ])
  }
}
