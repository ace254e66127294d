import SansIO
import Testing

@testable import SDP

/// A description that cannot be used is judged as a whole: what refuses it hides nothing else.
@Suite struct RefusedDescriptionTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)

  private func session() -> OfferAnswerSession {
    OfferAnswerSession(
      style: DescriptionStyle(originUser: "kallglot", sessionName: "kallglot"), sessionID: 7,
      capability: AudioCapability(codecs: [.pcmu, .pcma]))
  }

  private func description(_ media: String, version: Int = 1, id: Int = 1) throws -> SessionDescription {
    try SessionDescription.parse(
      Bytes("v=0\r\no=- \(id) \(version) IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n\(media)"))
  }

  @Test(arguments: [
    ("", OfferAnswerFailure.noAudio), ("m=audio 4000 RTP/AVP 18\r\n", .noCommonCodec), ("m=audio 4000 RTP/SAVP 0\r\n", .wrongProfile),
  ])
  func `an offer that is refused has dropped streams and kept its version all the same (RFC 3264 §8)`(
    media: String, failure: OfferAnswerFailure
  ) throws {
    var session = session()
    _ = try session.answer(try description("m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 31\r\n"), local: local)
    let agreement = session.agreement
    #expect(throws: failure) { try session.answer(try description(media), local: local) }
    #expect(session.takeViolations().map(\.rule) == [.offerDropsStreams, .originVersion])
    #expect(session.agreement == agreement)
    // It is the accepted description that the next one is compared with.
    _ = try session.answer(try description("m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 31\r\n"), local: local)
    #expect(session.takeViolations() == [])
  }

  @Test func `an offer that is refused without being answered is judged alike`() throws {
    var session = session()
    _ = try session.answer(try description("m=audio 4000 RTP/AVP 0\r\n"), local: local)
    session.judge(offer: try description("m=audio 4002 RTP/AVP 0\r\n", version: 2))
    #expect(session.takeViolations() == [])
    session.judge(offer: try description("m=audio 4002 RTP/AVP 0\r\n", version: 1))
    #expect(session.takeViolations().map(\.rule) == [.originVersion])
  }

  @Test func `an answer that cannot be used is judged as a whole: the first rule is thrown, the others are kept (RFC 3264 §6)`() throws {
    var session = session()
    _ = session.makeOffer(local: local, direction: .sendonly)
    _ = try session.accept(answer: try description("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"))
    _ = session.makeOffer(local: local, direction: .sendonly)
    do {
      _ = try session.accept(answer: try description("m=audio 4000 RTP/SAVP 0\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n"))
      Issue.record("it was taken")
    } catch {
      guard case .broken(let violation)? = error as? OfferAnswerFailure else { throw error }
      #expect(violation.rule == .answerStreamCount)
    }
    #expect(Set(session.takeViolations().map(\.rule)) == [.originVersion, .answerDirection, .answerProfile])
  }

  @Test func `what an open offer lets in: its formats and its direction, none when it is withdrawn (RFC 3264 §5.1)`() throws {
    var session = session()
    #expect(session.openOffer == nil)
    _ = session.makeOffer(local: local)
    #expect(session.openOffer?.receives == true)
    #expect(session.openOffer?.format(8) == .codec(.pcma) && session.openOffer?.format(0) == .codec(.pcmu))
    #expect(session.openOffer?.format(101) == .telephoneEvent(.telephony) && session.openOffer?.format(18) == nil)
    session.withdrawOffer()
    #expect(session.openOffer == nil)
    _ = session.makeOffer(local: local, connection: .anyV4)
    #expect(session.openOffer?.receives == false, "0.0.0.0 takes nothing (RFC 3264 §8.4)")
  }
}
