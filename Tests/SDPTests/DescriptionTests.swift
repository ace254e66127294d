import Foundation
import SansIO
import Testing

@testable import SDP

/// The habits of products (fixtures/sdp), read and printed.
@Suite struct DescriptionTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent("fixtures/sdp").path
  private static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()

  private func fixture(_ name: String) throws -> Bytes {
    Bytes([UInt8](try #require(FileManager.default.contents(atPath: "\(Self.folder)/\(name)"))))
  }
  private func description(_ name: String) throws -> SessionDescription { try SessionDescription.parse(fixture("\(name).sdp")) }

  @Test(arguments: files)
  func `a description is printed byte for byte as it was read`(name: String) throws {
    let bytes = try fixture(name)
    #expect(try SessionDescription.parse(bytes).serialized() == bytes)
  }

  @Test(arguments: files)
  func `an offer of any product is answered with as many m= lines, or refused with a reason (RFC 3264 §6)`(name: String) throws {
    let offer = try SessionDescription.parse(fixture(name))
    var session = OfferAnswerSession(style: .plain, sessionID: 1, capability: AudioCapability(codecs: [.pcmu, .pcma]))
    do {
      let (answer, _) = try session.answer(offer, local: TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000))
      #expect(answer.media.count == offer.media.count)
      #expect(answer.media.count { $0.port != 0 } == 1)
    } catch {
      #expect(["teams.sdp", "twilio.sdp", "odd-but-legal.sdp"].contains(name), "\(error)")
    }
  }

  @Test func `each product whose habits are known has its fixture`() {
    let products = [
      "3cx", "asterisk-chansip", "asterisk-pjsip", "audiocodes", "avaya", "broadworks", "cube", "cucm", "freeswitch", "kamailio", "ribbon",
      "teams", "telnyx", "twilio",
    ]
    for product in products { #expect(Self.files.contains { $0.hasPrefix(product) }, "\(product)") }
  }

  @Test func `b= lines are read with their unit: kbit/s, and bit/s for TIAS, RR and RS (RFC 8866 §5.8, RFC 3890, RFC 3556)`() throws {
    let cucm = try description("cucm-answer-in-ack")
    #expect(cucm.bandwidths.map(\.type) == ["TIAS", "CT", "AS"])
    #expect(cucm.bandwidths.map(\.bitsPerSecond) == [64_000, 64_000, 64_000])
    #expect(try description("odd-but-legal").media[0].bandwidths.map(\.bitsPerSecond) == [800])
  }

  @Test func `c= may be at either level, several times, a name, or multicast with TTL and count (RFC 8866 §5.7)`() throws {
    let cube = try description("cube-connection-twice")
    #expect(cube.connection == IPAddress("192.0.2.22"))
    #expect(cube.media[0].connection == IPAddress("192.0.2.23"), "the stream's own holds for it")
    let odd = try description("odd-but-legal")
    #expect(odd.connection == nil && odd.connectionLine?.host == "media.pbx.example")
    #expect(odd.media[0].connectionLines.map(\.host) == ["224.2.1.1", "224.2.1.4"])
    #expect(odd.media[0].connectionLines.map(\.scope) == ["127/3", "127"])
    #expect(odd.media[1].connection == IPAddress("ff15::101"))
  }

  @Test func `o= may have a username with spaces or none, and a host name (RFC 8866 §5.2; field reports)`() throws {
    #expect(try description("odd-but-legal").origin == Origin(username: "Front Desk", sessionID: "1", version: "1", address: "pbx.example"))
    #expect(try SessionDescription.parse("v=0\no= 7 8 IN IP4 h\ns=-\n").origin?.sessionID == "7")
  }

  @Test func `text that is no UTF-8, odd spacing and a last line without an end survive; a rejected stream is written anew`() throws {
    let ribbon = try description("ribbon-trailing-spaces")
    #expect(ribbon.media[0].formats == ["0", "8", "18", "101"])
    #expect(ribbon.serialized().text.contains("m=audio  5004  RTP/AVP 0 8 18  101 \r\n"))
    let declined = OfferAnswerSession.declining(ribbon, style: .plain, address: .anyV4)
    #expect(declined.serialized().text.contains("m=audio 0 RTP/AVP 0 8 18 101\r\n"))
    let odd = try description("odd-but-legal")
    #expect(odd.serialized().text.hasSuffix("a=last line has no end"))
    #expect(odd.serialized().array.contains(0xFC))
  }

  @Test func `empty lines are left out, and nothing else is`() throws {
    let text: Bytes = "v=0\r\n\r\no=- 1 1 IN IP4 h\n\ns=-\r\n"
    #expect(try SessionDescription.parse(text).serialized().text == "v=0\r\no=- 1 1 IN IP4 h\ns=-\r\n")
  }

  @Test(arguments: [
    ("", SDPError.noVersion), ("o=- 1 1 IN IP4 h\n", .noVersion), ("v=1\no=- 1 1 IN IP4 h\n", .version("1")), ("v=0\ns=-\n", .origin),
    ("v=0\no=x\n", .origin),
    ("v=0\nhello\n", .line(2, "hello")), ("v=0\n =x\n", .line(2, " =x")), ("v=0\no=- 1 1 IN IP4 h\nm=audio\n", .media(3, "audio")),
    ("v=0\no=- 1 1 IN IP4 h\nm=audio 70000 RTP/AVP 0\n", .media(3, "audio 70000 RTP/AVP 0")),
    ("v=0\no=- 1 1 IN IP4 h\nm=audio 1/0 RTP/AVP 0\n", .media(3, "audio 1/0 RTP/AVP 0")),
  ])
  func `what is no description names its line and the rule`(text: String, expected: SDPError) {
    #expect(throws: expected) { try SessionDescription.parse(Bytes(text)) }
  }

  @Test func `size and number of streams are bounded`() {
    let head = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n"
    #expect(throws: SDPError.tooLong) { try SessionDescription.parse(Bytes(head + String(repeating: "a=x\r\n", count: 14_000))) }
    #expect(throws: SDPError.tooManyMedia) {
      try SessionDescription.parse(Bytes(head + String(repeating: "m=audio 1 RTP/AVP 0\r\n", count: 65)))
    }
  }
}
