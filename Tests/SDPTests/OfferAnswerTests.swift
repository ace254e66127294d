import SansIO
import Testing

@testable import SDP

@Suite struct OfferAnswerTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)

  private func session(_ codecs: [AudioCodec] = [.pcmu, .pcma]) -> OfferAnswerSession {
    OfferAnswerSession(
      style: DescriptionStyle(originUser: "kallglot", sessionName: "kallglot"), sessionID: 7, capability: AudioCapability(codecs: codecs))
  }

  private func offer(_ media: String, address: String = "192.0.2.20") throws -> SessionDescription {
    try SessionDescription.parse(Bytes("v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 \(address)\r\nt=0 0\r\n\(media)"))
  }

  @Test func `an offer is answered with the first common codec, by the offerer's number (RFC 3264 §6.1)`() throws {
    var session = session([.pcmu, .pcma])
    let (answer, agreement) = try session.answer(
      try offer("m=audio 4000 RTP/AVP 18 96 0 101\r\na=rtpmap:96 pcma/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\n"),
      local: local)
    #expect(agreement.codec == .pcma)
    #expect(agreement.sendPayloadType == 96)
    #expect(agreement.events?.sendPayloadType == 101)
    #expect(agreement.packetTime == 30)
    #expect(agreement.remote == TransportAddress("192.0.2.20:4000"))
    #expect(agreement.remoteControl.port == 4001)
    #expect(
      answer.serialized().text == """
        v=0\r
        o=kallglot 7 7 IN IP4 198.51.100.10\r
        s=kallglot\r
        c=IN IP4 198.51.100.10\r
        t=0 0\r
        m=audio 20000 RTP/AVP 96 101\r
        a=rtpmap:96 PCMA/8000\r
        a=rtpmap:101 telephone-event/8000\r
        a=fmtp:101 0-16\r
        a=ptime:30\r
        a=sendrecv\r

        """)
  }

  @Test func `a list that is a preference decides over the offerer's order (contract 2, Allowed audio codecs)`() throws {
    let style = DescriptionStyle(originUser: "kallglot", sessionName: "kallglot")
    var session = OfferAnswerSession(style: style, sessionID: 7, capability: AudioCapability(codecs: [.pcma, .pcmu], decidesOrder: true))
    let (answer, agreement) = try session.answer(try offer("m=audio 4000 RTP/AVP 18 0 8\r\n"), local: local)
    #expect(agreement.codec == .pcma)
    #expect(answer.media[0].formats == ["8"])
  }

  @Test func `static numbers need no rtpmap (RFC 3551 §6)`() throws {
    var session = session()
    #expect(try session.answer(try offer("m=audio 4000 RTP/AVP 0\r\n"), local: local).1.codec == .pcmu)
  }

  @Test func `every stream is answered in its place, foreign ones with port 0 (RFC 3264 §6)`() throws {
    var session = session()
    let text = "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 4000 RTP/AVP 8\r\nm=image 4100 udptl t38\r\n"
    let (answer, agreement) = try session.answer(try offer(text), local: local)
    #expect(answer.media.map(\.kind) == ["video", "audio", "image"])
    #expect(answer.media.map(\.port) == [0, 20_000, 0])
    #expect(answer.media.map(\.formats) == [["96"], ["8"], ["t38"]])
    #expect(agreement.codec == .pcma)
  }

  @Test(arguments: [
    ("sendrecv", MediaDirection.sendrecv), ("sendonly", .recvonly), ("recvonly", .sendonly), ("inactive", .inactive),
  ])
  func `the answer's direction is the offer's, seen from the other side (RFC 3264 §6.1)`(offered: String, expected: MediaDirection) throws {
    var session = session()
    let (answer, agreement) = try session.answer(try offer("m=audio 4000 RTP/AVP 0\r\na=\(offered)\r\n"), local: local)
    #expect(agreement.direction == expected)
    #expect(answer.media[0].direction == expected)
  }

  @Test func `0.0.0.0 holds the stream (RFC 3264 §8.4)`() throws {
    var session = session()
    #expect(try session.answer(try offer("m=audio 4000 RTP/AVP 0\r\n", address: "0.0.0.0"), local: local).1.direction == .recvonly)
  }

  @Test(arguments: [
    ("", OfferAnswerFailure.noAudio), ("m=audio 0 RTP/AVP 0\r\n", .noAudio), ("m=video 5000 RTP/AVP 96\r\n", .noAudio),
    ("m=audio 4000 RTP/SAVP 0\r\n", .wrongProfile), ("m=audio 4000 RTP/AVP 18 9\r\n", .noCommonCodec),
  ])
  func `an offer that cannot be used says why`(media: String, failure: OfferAnswerFailure) throws {
    var session = session()
    let offer = try offer(media)
    #expect(throws: failure) { try session.answer(offer, local: local) }
    #expect(session.agreement == nil)
  }

  @Test func `our offer is agreed by its answer, each side with the other's numbers (RFC 3264 §5.1, §7)`() throws {
    var caller = session([.pcma, .pcmu])
    var callee = session([.pcmu])
    let there = TransportAddress(IPAddress(v4: 0xC000_0214), port: 30_000)
    let offer = caller.makeOffer(local: local)
    #expect(offer.media[0].formats == ["8", "0", "101"])
    let (answer, theirs) = try callee.answer(try SessionDescription.parse(offer.serialized()), local: there)
    let ours = try caller.accept(answer: answer)
    #expect(ours.codec == .pcmu)
    #expect(ours.remote == there)
    #expect(theirs.remote == local)
    #expect(ours.events?.sendPayloadType == 101)
  }

  @Test func `the version grows with a change and stays without one (RFC 3264 §8)`() throws {
    var session = session()
    let first = session.makeOffer(local: local)
    #expect(session.makeOffer(local: local) == first)
    let held = session.makeOffer(local: local, direction: .sendonly)
    #expect(first.origin?.version == "7")
    #expect(held.origin?.version == "8")
  }

  @Test func `an answer needs an offer and as many streams (RFC 3264 §4, §6)`() throws {
    var session = session()
    let answer = try offer("m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n")
    #expect(throws: OfferAnswerFailure.broken(PeerViolation(.answerWithoutOffer))) { try session.accept(answer: answer) }
    _ = session.makeOffer(local: local)
    let failure = #expect(throws: OfferAnswerFailure.self) { try session.accept(answer: answer) }
    guard case .broken(let violation)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(violation.rule == .answerStreamCount)
  }
}

@Suite struct SessionDescriptionTests {
  @Test func `a description is printed as it was read (RFC 8866 §5)`() throws {
    let text =
      "v=0\r\no=a 1 2 IN IP6 2001:db8::1\r\ns= \r\nb=AS:80\r\nt=0 0\r\na=tool:x\r\nm=audio 5/2 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n"
      + "a=x-y:z: z\r\n"
    let description = try SessionDescription.parse(Bytes(text))
    #expect(description.serialized().text == text)
    #expect(description.media[0].connection == IPAddress("2001:db8::1"))
    #expect(description.media[0].portCount == 2)
  }

  @Test(arguments: [
    ("", SDPError.noVersion), ("o=- 1 1 IN IP4 h\n", .noVersion), ("v=1\n", .version("1")), ("v=0\ns=-\n", .origin),
    ("v=0\nhello\n", .line(2, "hello")),
    ("v=0\nm=audio x RTP/AVP 0\n", .media(2, "audio x RTP/AVP 0")), ("v=0\nm=audio 70000 RTP/AVP 0\n", .media(2, "audio 70000 RTP/AVP 0")),
  ])
  func `what is no description is named with its line`(text: String, error: SDPError) {
    #expect(throws: error) { try SessionDescription.parse(Bytes(text)) }
  }
}
