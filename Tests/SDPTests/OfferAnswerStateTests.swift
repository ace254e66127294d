import SansIO
import Testing

@testable import SDP

/// The exchange as its diagram draws it, and what may be put into it without touching it.
@Suite struct OfferAnswerStateTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)

  private enum Phase: String { case idle, offered, agreed, offeredAnew }
  private enum Step: CaseIterable { case offer, refusal, answerCame, answersTheirs }

  private func phase(_ state: OfferAnswerState) -> Phase {
    switch state {
    case .idle: .idle
    case .offered: .offered
    case .agreed: .agreed
    case .offeredAnew: .offeredAnew
    }
  }

  private func description(_ media: String) throws -> SessionDescription {
    try SessionDescription.parse(Bytes("v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n\(media)"))
  }

  private func take(_ step: Step, _ session: inout OfferAnswerSession) throws {
    switch step {
    case .offer: _ = session.makeOffer(local: local)
    case .refusal: session.withdrawOffer()
    case .answerCame: _ = try session.accept(answer: try description("m=audio 4000 RTP/AVP 0\r\n"))
    case .answersTheirs: _ = try session.answer(try description("m=audio 4000 RTP/AVP 0\r\n"), local: local)
    }
  }

  /// nil = refused, and nothing changes.
  private static let table: [(path: [Step], state: Phase, after: [Phase?])] = [
    ([], .idle, [.offered, .idle, nil, .agreed]), ([.offer], .offered, [.offered, .idle, .agreed, .agreed]),
    ([.answersTheirs], .agreed, [.offeredAnew, .agreed, nil, .agreed]),
    ([.offer, .answerCame, .offer], .offeredAnew, [.offeredAnew, .agreed, .agreed, .agreed]),
  ]

  @Test(arguments: 0..<4, 0..<4) func `each step in each state (RFC 3264 §4, §8; RFC 3261 §14.1)`(row: Int, column: Int) throws {
    let (path, start, after) = Self.table[row]
    var session = OfferAnswerSession(style: .plain, sessionID: 7, capability: AudioCapability(codecs: [.pcmu]))
    for step in path { try take(step, &session) }
    #expect(phase(session.state) == start)
    if let expected = after[column] {
      try take(Step.allCases[column], &session)
      #expect(phase(session.state) == expected)
    } else {
      #expect(throws: OfferAnswerFailure.broken(PeerViolation(.answerWithoutOffer))) { try take(Step.allCases[column], &session) }
      #expect(phase(session.state) == start)
    }
  }

  @Test func `an answer that cannot be used leaves the offer open and the old agreement in force`() throws {
    var session = OfferAnswerSession(style: .plain, sessionID: 7, capability: AudioCapability(codecs: [.pcmu]))
    try take(.answersTheirs, &session)
    let agreement = session.agreement
    try take(.offer, &session)
    #expect(throws: OfferAnswerFailure.noAudio) { try session.accept(answer: try description("m=audio 0 RTP/AVP 0\r\n")) }
    #expect(phase(session.state) == .offeredAnew && session.agreement == agreement && session.openOffer != nil)
  }

  @Test func `the profile that was offered is demanded of the answer (RFC 3264 §5.1, §6)`() throws {
    for (security, own, other) in [(MediaSecurity.none, "RTP/AVP", "RTP/SAVP"), (.required, "RTP/SAVP", "RTP/AVP")] {
      var caller = OfferAnswerSession(style: .plain, sessionID: 7, capability: AudioCapability(codecs: [.pcmu], security: security))
      #expect(caller.makeOffer(local: local).media[0].profile == own)
      #expect(throws: OfferAnswerFailure.broken(PeerViolation(.answerProfile, "\(other) instead of \(own)"))) {
        try caller.accept(answer: try description("m=audio 4000 \(other) 0\r\n"))
      }
      var callee = caller
      #expect(throws: OfferAnswerFailure.wrongProfile) { try callee.answer(try description("m=audio 4000 RTP/AVPF 0\r\n"), local: local) }
    }
  }

  @Test(arguments: AudioCodec.allCases)
  func `every codec is offered and agreed by what it says of itself alone (RFC 3551 §6, RFC 7587 §7)`(codec: AudioCodec) throws {
    let capability = AudioCapability(codecs: [codec])
    var caller = OfferAnswerSession(style: .plain, sessionID: 7, capability: capability)
    var callee = caller
    let offer = caller.makeOffer(local: local)
    let map = ["opus": "111 opus/48000/2", "G722": "9 G722/8000", "PCMU": "0 PCMU/8000", "PCMA": "8 PCMA/8000"][codec.rawValue]
    #expect(offer.serialized().text.contains("a=rtpmap:\(try #require(map))\r\n"))
    let (answer, theirs) = try callee.answer(try SessionDescription.parse(offer.serialized()), local: local)
    #expect(try caller.accept(answer: answer).codec == codec && theirs.codec == codec)
  }

  @Test func `an origin version at its end begins anew instead of overflowing (RFC 3264 §8)`() throws {
    var style = DescriptionStyle(originUser: "-", sessionName: "-")
    style.answerVersionStep = 0
    var session = OfferAnswerSession(style: style, sessionID: 7, capability: AudioCapability(codecs: [.pcmu]))
    let offer = "v=0\r\no=- 9 18446744073709551615 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    let (answer, _) = try session.answer(try SessionDescription.parse(Bytes(offer)), local: local)
    #expect(answer.origin?.version == "18446744073709551615")
    #expect(session.makeOffer(local: local, direction: .inactive).origin?.version == "0")
  }

  @Test func `an answer longer than any description we read is still written in full`() throws {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nm=audio 4000 RTP/AVP 0\r\nm=video 1 RTP/AVP "
    let offer = try SessionDescription.parse(Bytes(head + String(repeating: "9", count: 65_534 - head.utf8.count) + "\n"))
    var session = OfferAnswerSession(style: .plain, sessionID: 7, capability: AudioCapability(codecs: [.pcmu]))
    let (answer, _) = try session.answer(offer, local: local)
    #expect(answer.serialized().count > 65_535 && answer.media.map(\.port) == [20_000, 0])
  }
}
