import SansIO
import Testing

@testable import SDP

@Suite struct TelephoneEventTests {
  private let local = TransportAddress(IPAddress("192.0.2.1") ?? .loopbackV4, port: 4_000)

  private func session(_ codecs: [AudioCodec]) -> OfferAnswerSession {
    OfferAnswerSession(style: .plain, sessionID: 1, capability: AudioCapability(codecs: codecs))
  }

  private func description(_ formats: String, _ lines: String...) throws -> SessionDescription {
    try SessionDescription.parse(
      Bytes(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP \(formats)\r\n"
          + lines.map { "a=\($0)\r\n" }.joined()))
  }

  @Test func `beside Opus both clocks are offered, beside G.711 alone one (RFC 7587 §4.1, contract 8.5)`() {
    var both = session([.opus, .pcmu])
    let offer = both.makeOffer(local: local).serialized().text
    #expect(offer.contains("m=audio 4000 RTP/AVP 111 0 101 110\r\n"))
    #expect(offer.contains("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"))
    #expect(offer.contains("a=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-16\r\n"))
    var narrow = session([.pcma, .g722])
    #expect(!narrow.makeOffer(local: local).serialized().text.contains("48000"))
  }

  @Test(arguments: [
    ("111 101 110", AudioCodec.opus, UInt8(110)), ("0 101 110", .pcmu, 101), ("9 110 101", .g722, 101),
  ])
  func `an answer takes the events of its codec's clock (RFC 4733 §2.1)`(formats: String, codec: AudioCodec, number: UInt8) throws {
    let offer = try description(
      formats, "rtpmap:111 opus/48000/2", "rtpmap:101 telephone-event/8000", "rtpmap:110 telephone-event/48000")
    var session = session([.opus, .g722, .pcmu])
    let (answer, agreement) = try session.answer(offer, local: local)
    #expect(agreement.codec == codec && agreement.events?.sendPayloadType == number && agreement.receiveEventPayloadType == number)
    #expect(answer.serialized().text.split(separator: "\r\n").count { $0.contains("telephone-event") } == 1)
  }

  @Test func `a clock of 8000 alone beside Opus is no event to be sent, and the agreement says why`() throws {
    let offer = try description("111 101", "rtpmap:111 opus/48000/2", "rtpmap:101 telephone-event/8000")
    var answering = session([.opus])
    let (_, answered) = try answering.answer(offer, local: local)
    #expect(answered.events == nil && answered.eventsRefusal == .otherClock(8_000, codec: .opus))
    var offering = session([.opus, .pcmu])
    _ = offering.makeOffer(local: local)
    let agreed = try offering.accept(answer: offer)
    #expect(agreed.events == nil && agreed.eventsRefusal == .otherClock(8_000, codec: .opus))
    // It was offered, and may come.
    #expect(agreed.receivable.format(101) == .telephoneEvent(.telephony))
  }

  @Test func `an answer without telephone-event lets none be sent (DTMF-08)`() throws {
    var offering = session([.pcmu])
    _ = offering.makeOffer(local: local)
    let agreed = try offering.accept(answer: try description("0"))
    #expect(agreed.events == nil && agreed.eventsRefusal == .none && agreed.receivable.format(101) == nil)
  }

  @Test(arguments: [
    ("0-15", [UInt8(0), 15], [UInt8(16)]), ("0-16", [16], [17]), ("0-11,16", [11, 16], [12, 15]), ("0-15,32-36", [36], [31]),
    ("events=0-9", [9], [10]), ("1, 3", [1, 3], [2]), ("", [15], [16]), ("x", [15], [16]), ("9-1", [15], [16]), ("0-300", [15], [16]),
  ])
  func `fmtp lists the events that are taken, and 0 to 15 where it cannot be read (RFC 4733 §2.4.1)`(
    text: String, taken: [UInt8], others: [UInt8]
  ) throws {
    let offer = try description("0 101", "rtpmap:101 telephone-event/8000", "fmtp:101 \(text)")
    let events = try #require(offer.media.first).events(of: 101)
    #expect(taken.allSatisfy(events.contains) && !others.contains(where: events.contains))
  }

  @Test func `numbers stay the same in a later offer (RFC 3264 §8.3.2)`() throws {
    var session = session([.opus, .pcmu])
    let offer = try description("111 96", "rtpmap:111 opus/48000/2", "rtpmap:96 telephone-event/48000")
    _ = try session.answer(offer, local: local)
    let later = session.makeOffer(local: local)
    #expect(later.serialized().text.contains("a=rtpmap:96 telephone-event/48000"))
    #expect(later.serialized().text.contains("a=rtpmap:101 telephone-event/8000"))
  }
}
