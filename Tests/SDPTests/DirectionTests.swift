import SansIO
import Testing

@testable import SDP

/// RFC 3264 §6.1 and §8 in full, and what a description carries beside directions.
@Suite struct DirectionTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)

  private func session(_ codecs: [AudioCodec] = [.pcmu, .pcma]) -> OfferAnswerSession {
    OfferAnswerSession(
      style: DescriptionStyle(originUser: "kallglot", sessionName: "kallglot"), sessionID: 7, capability: AudioCapability(codecs: codecs))
  }

  private func description(_ media: String, version: Int = 1, id: Int = 1) throws -> SessionDescription {
    try SessionDescription.parse(Bytes("v=0\r\no=- \(id) \(version) IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n\(media)"))
  }

  /// What an answer says: rows = offered, columns = wished.
  private static let table: [(MediaDirection, [MediaDirection])] = [
    (.sendrecv, [.sendrecv, .sendonly, .recvonly, .inactive]), (.sendonly, [.recvonly, .inactive, .recvonly, .inactive]),
    (.recvonly, [.sendonly, .sendonly, .inactive, .inactive]), (.inactive, [.inactive, .inactive, .inactive, .inactive]),
  ]
  private static let columns: [MediaDirection] = [.sendrecv, .sendonly, .recvonly, .inactive]

  @Test(arguments: 0..<4, 0..<4) func `the answer to each offer and wish (RFC 3264 §6.1)`(row: Int, column: Int) throws {
    let (offered, answers) = Self.table[row]
    var callee = session()
    let offer = try description("m=audio 4000 RTP/AVP 0\r\na=\(offered.rawValue)\r\n")
    let (answer, agreement) = try callee.answer(offer, local: local, wish: Self.columns[column])
    #expect(answer.media[0].direction == answers[column])
    #expect(agreement.direction == answers[column])
  }

  /// What the offerer may do by an answer, and whether the offer allowed it: rows = offered by us, columns = answered.
  private static let agreed: [[(MediaDirection, isAllowed: Bool)]] = [
    [(.sendrecv, true), (.recvonly, true), (.sendonly, true), (.inactive, true)],
    [(.sendonly, false), (.inactive, false), (.sendonly, true), (.inactive, true)],
    [(.recvonly, false), (.recvonly, true), (.inactive, false), (.inactive, true)],
    [(.inactive, false), (.inactive, false), (.inactive, false), (.inactive, true)],
  ]

  @Test(arguments: 0..<4, 0..<4) func `the offerer takes from each answer what it offered itself (RFC 3264 §6.1)`(row: Int, column: Int)
    throws
  {
    let (ours, theirs) = (Self.columns[row], Self.columns[column])
    var caller = session()
    _ = caller.makeOffer(local: local, direction: ours)
    let agreement = try caller.accept(answer: try description("m=audio 4000 RTP/AVP 0\r\na=\(theirs.rawValue)\r\n"))
    let (expected, isAllowed) = Self.agreed[row][column]
    #expect(agreement.direction == expected)
    #expect(caller.takeViolations().map(\.rule) == (isAllowed ? [] : [.answerDirection]))
  }

  @Test func `a direction at session level counts for media that have none (RFC 8866 §6.7)`() throws {
    var callee = session()
    let offer = try SessionDescription.parse(
      "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\na=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n")
    #expect(try callee.answer(offer, local: local).1.direction == .recvonly)
  }

  @Test func `c= at media level goes before that of the session (RFC 8866 §5.7)`() throws {
    var callee = session()
    let offer = try description("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.21\r\n")
    #expect(try callee.answer(offer, local: local).1.remote == TransportAddress("192.0.2.21:4000"))
  }

  @Test func `of repeated audio lines the first usable one is taken, the others get port 0 (RFC 3264 §6)`() throws {
    var callee = session()
    let (answer, agreement) = try callee.answer(
      try description("m=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 8\r\nm=audio 4004 RTP/AVP 0\r\n"),
      local: local)
    #expect(answer.media.map(\.port) == [0, 0, 20_000, 0])
    #expect(agreement.remote.port == 4002)
  }

  @Test func `each side sends by the other's number (RFC 3264 §5.1)`() throws {
    var caller = session()
    _ = caller.makeOffer(local: local)
    let agreement = try caller.accept(
      answer: try description("m=audio 4000 RTP/AVP 97 110\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:110 telephone-event/8000\r\n"))
    #expect((agreement.sendPayloadType, agreement.receivePayloadType) == (97, 8))
    #expect((agreement.events?.sendPayloadType, agreement.receiveEventPayloadType) == (110, 101))
  }

  @Test func `numbers once agreed stay, a new codec gets none of them, and the number of lines never shrinks (RFC 3264 §8)`() throws {
    var party = session([.pcmu, .pcma, .opus])
    _ = try party.answer(
      try description(
        "m=video 5000 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 111 100\r\na=rtpmap:111 PCMA/8000\r\na=rtpmap:100 telephone-event/8000\r\n"),
      local: local)
    let offer = party.makeOffer(local: local)
    #expect(offer.media.map(\.kind) == ["video", "audio"])
    #expect(offer.media[0].port == 0)
    #expect(offer.media[1].formats == ["0", "111", "96", "100", "110"], "opus may not take PCMA's number")
  }

  @Test func `a later offer with fewer lines is answered, and the rule is named (RFC 3264 §8)`() throws {
    var party = session()
    _ = try party.answer(try description("m=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP/AVP 96\r\n"), local: local)
    _ = try party.answer(try description("m=audio 4000 RTP/AVP 0\r\n", version: 2), local: local)
    #expect(party.takeViolations().map(\.rule) == [.offerDropsStreams])
    #expect(party.takeViolations() == [])
  }

  @Test func `the peer's o= keeps its id and moves its version with a change; the same again is no change (RFC 3264 §8)`() throws {
    let (first, moved) = ("m=audio 4000 RTP/AVP 0\r\n", "m=audio 4002 RTP/AVP 0\r\n")
    for (media, version, id, rules) in [
      (first, 1, 1, []), (first, 2, 1, []), (moved, 2, 1, []), (moved, 1, 1, [PeerViolation.Rule.originVersion]),
      (first, 2, 9, [.originVersion]),
    ] {
      var party = session()
      _ = try party.answer(try description(first), local: local)
      _ = try party.answer(try description(media, version: version, id: id), local: local)
      #expect(party.takeViolations().map(\.rule) == rules, "\(media) \(version) \(id)")
    }
  }

  @Test(arguments: [
    ("a=ptime:10", 10), ("a=ptime:30", 30), ("a=ptime:60", 60), ("a=ptime:40\r\na=maxptime:20", 20), ("a=maxptime:15", 10),
    ("a=maxptime:5", 20), ("a=ptime:7", 20),
    ("a=ptime:500", 20), ("a=maxptime:150", 20), ("", 20),
  ])
  func `we send by the peer's ptime and never above its maxptime (RFC 8866 §6.4, OA-08)`(lines: String, packetTime: Int) throws {
    var callee = session()
    let offer = try description("m=audio 4000 RTP/AVP 0\r\n\(lines)\r\n")
    #expect(try callee.answer(offer, local: local).1.packetTime == packetTime)
  }

  @Test func `a media address of another family cannot be used, 0.0.0.0 is a hold in any (RFC 3264 §8.4)`() throws {
    let here6 = TransportAddress(try #require(IPAddress("2001:db8::10")), port: 20_000)
    var callee = session()
    #expect(throws: OfferAnswerFailure.limit("the media address 192.0.2.20 is not of our address family")) {
      try callee.answer(try description("m=audio 4000 RTP/AVP 0\r\n"), local: here6)
    }
    #expect(try callee.answer(try description("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"), local: here6).1.direction == .recvonly)
  }

  @Test func `an offer is declined line by line (RFC 3264 §6)`() throws {
    let offer = try description("m=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP/AVP 96\r\n")
    let answer = OfferAnswerSession.declining(offer, style: .plain, address: local.address)
    #expect(answer.media.map(\.kind) == ["audio", "video"] && answer.media.map(\.port) == [0, 0])
    #expect(try SessionDescription.parse(answer.serialized()).media.count == 2)
  }
}
