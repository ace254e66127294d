import Rules
import SRTP
import SansIO
import Testing

@testable import SDP

/// Which of the offered streams is taken, and with which keys (RFC 4568, RFC 8643).
@Suite struct MediaSecurityTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)
  private let near = TransportAddress(IPAddress(v4: 0xC000_0214), port: 4_000)

  private static let key128 = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
  private static let gcm128 = "MTIzNDU2Nzg5QUJDREVGMDEyMzQ1Njc4OUFCQ0RFRg=="

  private func session(_ security: MediaSecurity, id: UInt64 = 7) -> OfferAnswerSession {
    OfferAnswerSession(
      style: .plain, sessionID: id, capability: AudioCapability(codecs: [.pcmu, .pcma], security: security), entropy: Entropy(seed: 5))
  }

  private func offer(_ media: [String], version: Int = 1) throws -> SessionDescription {
    let lines = ["v=0", "o=- 1 \(version) IN IP4 192.0.2.20", "s=-", "c=IN IP4 192.0.2.20", "t=0 0"] + media
    return try SessionDescription.parse(Bytes(lines.map { "\($0)\r\n" }.joined()))
  }

  private func crypto(_ description: SessionDescription, _ index: Int = 0) -> [String] {
    description.media[index].values(ofAttribute: "crypto")
  }

  /// The keys themselves, whatever their tags.
  private func keys(_ description: SessionDescription) -> Set<String> {
    Set(description.media.flatMap { $0.values(ofAttribute: "crypto") }.compactMap { $0.split(separator: " ").last.map(String.init) })
  }

  // MARK: - Answering

  @Test func `the first line that can be used is answered with its tag, its spelling and a key of our own (RFC 4568 §5.1.2)`() throws {
    var session = session(MediaSecurity())
    let (answer, agreement) = try session.answer(
      try offer([
        "m=audio 4000 RTP/SAVP 0", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:\(Self.key128)",
        "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:\(Self.key128)|2^31", "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key128)",
      ]), local: local)
    let keys = try #require(agreement.keys)
    #expect(keys.receive.suite == .aesCM128HMACSHA1_32 && keys.receive.keys[0].revealBase64() == Self.key128)
    #expect(keys.send.suite == .aesCM128HMACSHA1_32 && keys.send.keys[0] != keys.receive.keys[0])
    #expect(answer.media[0].profile == "RTP/SAVP")
    #expect(crypto(answer) == ["2 AES_CM_128_HMAC_SHA1_32 inline:\(keys.send.keys[0].revealBase64())"])
    #expect(session.takeViolations().isEmpty, "an unknown suite breaks no rule")
  }

  @Test func `of two m= lines the one with keys is taken, wherever it is, and the other is rejected`() throws {
    let (clear, secure) = ("m=audio 4000 RTP/AVP 0", "m=audio 4000 RTP/SAVP 8")
    let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key128)"
    for (media, index) in [([secure, line, clear], 0), ([clear, secure, line], 1)] {
      var session = session(MediaSecurity())
      let (answer, agreement) = try session.answer(try offer(media), local: local)
      #expect(agreement.keys != nil && agreement.codec == .pcma)
      #expect(answer.media.map(\.port) == (index == 0 ? [20_000, 0] : [0, 20_000]))
    }
    var without = session(.none)
    let (answer, agreement) = try without.answer(try offer([secure, line, clear]), local: local)
    #expect(agreement.keys == nil && answer.media.map(\.port) == [0, 20_000])
  }

  @Test func `RTP/AVP with keys is answered with keys where SRTP is taken, and in clear where it is not (RFC 8643 §3.1)`() throws {
    let media = ["m=audio 4000 RTP/AVP 0", "a=crypto:1 AEAD_AES_128_GCM inline:\(Self.gcm128.prefix(38))=="]
    var without = session(.none)
    let clear = try without.answer(try offer(media), local: local)
    #expect(clear.1.keys == nil && crypto(clear.0).isEmpty && clear.0.media[0].profile == "RTP/AVP")
    var required = session(.required)
    let secure = try required.answer(try offer(media), local: local)
    #expect(secure.1.keys?.send.suite == .aeadAES128GCM && secure.0.media[0].profile == "RTP/AVP")
  }

  @Test func `what cannot be answered is refused by its reason (contract 8.1, 8.5)`() throws {
    func failure(_ security: MediaSecurity, _ media: [String]) throws -> OfferAnswerFailure? {
      var session = session(security)
      let description = try offer(media)
      do throws(OfferAnswerFailure) { _ = try session.answer(description, local: local) } catch { return error }
      return nil
    }
    #expect(try failure(.required, ["m=audio 4000 RTP/AVP 0"]) == .wrongProfile)
    #expect(try failure(.none, ["m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key128)"]) == .wrongProfile)
    #expect(try failure(MediaSecurity(), ["m=audio 4000 RTP/SAVP 0"]) == .broken(PeerViolation(.cryptoMissing)))
    guard case .noKeys(let text)? = try failure(.required, ["m=audio 4000 RTP/AVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD"])
    else {
      Issue.record("a key of three bytes was taken")
      return
    }
    #expect(text.contains("3 bytes instead of 30"))
    #expect(try failure(MediaSecurity(), ["m=audio 4000 RTP/SAVPF 0"])?.warningCode == 302)
    // A stream in clear, or one of another profile, does not hide what is wrong with the keys of the one beside it.
    let bad = ["m=audio 4000 RTP/SAVP 0", "a=crypto:1 X inline:\(Self.key128)"]
    for media in [bad + ["m=audio 4002 RTP/AVP 0", "m=audio 4004 X 0"], ["m=audio 4004 X 0", "m=audio 4002 RTP/AVP 0"] + bad] {
      #expect(try failure(.required, media)?.warningText.contains("the crypto-suite 'X' is not supported") == true)
    }
    let keyed = ["m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key128)"]
    let refusing = MediaSecurity(takesClear: false, takesSRTP: false, takesDTLS: true)
    #expect(try failure(refusing, keyed)?.warningText.contains("keys of SDES are not taken here") == true)
    #expect(try failure(refusing, keyed)?.warningCode == 399)
  }

  @Test func `a line that breaks a rule is named though another is taken, and none of its key is shown`() throws {
    var session = session(MediaSecurity())
    _ = try session.answer(
      try offer([
        "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key128)",
      ]), local: local)
    let violations = session.takeViolations()
    #expect(violations.map(\.rule) == [.cryptoAttribute])
    #expect(violations[0].section == "RFC 4568 §6.2" && !"\(violations)".contains("QUJD"))
  }

  // MARK: - Offering

  @Test func `each offer has the profile and the lines of its kind`() {
    func lines(_ offer: MediaSecurity.Offer) -> [(profile: String, keys: Int)] {
      var session = session(MediaSecurity(offer: offer))
      return session.makeOffer(local: local).media.map { ($0.profile, $0.values(ofAttribute: "crypto").count) }
    }
    #expect(lines(.clear).map(\.profile) == ["RTP/AVP"] && lines(.clear)[0].keys == 0)
    #expect(lines(.savp).map(\.profile) == ["RTP/SAVP"] && lines(.savp)[0].keys == SRTPSuite.preference.count)
    #expect(lines(.osrtp).map(\.profile) == ["RTP/AVP"] && lines(.osrtp)[0].keys == SRTPSuite.preference.count)
    #expect(lines(.bestEffort).map(\.profile) == ["RTP/SAVP", "RTP/AVP"] && lines(.bestEffort).map(\.keys) == [5, 0])
  }

  @Test(arguments: [MediaSecurity.Offer.savp, .osrtp, .bestEffort])
  func `both sides hold the same two keys after an exchange, and keep them in the next (RFC 4568 §7.1.4)`(
    kind: MediaSecurity.Offer
  ) throws {
    var (caller, callee) = (session(MediaSecurity(offer: kind), id: 1), session(MediaSecurity(), id: 2))
    let first = caller.makeOffer(local: near)
    let (answer, there) = try callee.answer(first, local: local)
    let here = try caller.accept(answer: answer)
    #expect(here.keys?.send == there.keys?.receive && here.keys?.receive == there.keys?.send && here.keys != nil)
    #expect(here.keys?.send != here.keys?.receive)
    for _ in 0..<2 {
      let offer = caller.makeOffer(local: near, direction: .sendonly)
      #expect(keys(offer) == keys(first), "the keys of the suites that were not chosen stay as well")
      let (again, other) = try callee.answer(offer, local: local)
      let now = try caller.accept(answer: again)
      #expect(now.keys == here.keys && other.keys == there.keys)
    }
    let back = try caller.answer(callee.makeOffer(local: local), local: near)
    #expect(back.1.keys == here.keys)
    #expect(try callee.accept(answer: back.0).keys == there.keys)
  }

  @Test func `an offer with other keys holds when it is answered, and the ones before hold on when it is refused (RFC 4568 §7.1.4)`() throws
  {
    var (caller, callee) = (session(.required, id: 1), session(MediaSecurity(), id: 2))
    let first = caller.makeOffer(local: near)
    let here = try caller.accept(answer: try callee.answer(first, local: local).0)
    let refused = caller.makeOffer(local: near, renewsKeys: true)
    #expect(keys(refused).isDisjoint(with: keys(first)))
    caller.withdrawOffer()
    #expect(keys(caller.makeOffer(local: near)) == keys(first))
    caller.withdrawOffer()
    let renewed = caller.makeOffer(local: near, renewsKeys: true)
    let (answer, there) = try callee.answer(renewed, local: local)
    let now = try caller.accept(answer: answer)
    #expect(now.keys?.send != here.keys?.send && now.keys?.send == there.keys?.receive)
    #expect(now.keys?.receive == here.keys?.receive, "the other side keeps its own")
    #expect(keys(caller.makeOffer(local: near)) == keys(renewed))
    #expect(keys(refused).isDisjoint(with: keys(renewed)))
  }

  @Test func `a stream in clear has no keys that could be others`() throws {
    var (caller, callee) = (session(.none, id: 1), session(MediaSecurity(), id: 2))
    let first = caller.makeOffer(local: near)
    _ = try caller.accept(answer: try callee.answer(first, local: local).0)
    #expect(caller.makeOffer(local: near, renewsKeys: true).serialized() == first.serialized())
  }

  @Test func `best effort becomes RTP/AVP where the peer rejects the first m= line`() throws {
    var (caller, callee) = (session(MediaSecurity(offer: .bestEffort), id: 1), session(.none, id: 2))
    let (answer, _) = try callee.answer(caller.makeOffer(local: near), local: local)
    #expect(try caller.accept(answer: answer).keys == nil)
    #expect(caller.makeOffer(local: near).media.map { "\($0.profile) \($0.port)" } == ["RTP/SAVP 0", "RTP/AVP 4000"])
  }

  @Test func `an answer without keys ends RTP/SAVP, and makes RTP/AVP with keys a stream in clear (RFC 8643 §3.2)`() throws {
    let clear = try offer(["m=audio 4002 RTP/AVP 0"])
    var osrtp = session(MediaSecurity(offer: .osrtp))
    _ = osrtp.makeOffer(local: local)
    #expect(try osrtp.accept(answer: clear).keys == nil)
    var strict = session(MediaSecurity(offer: .osrtp, takesClear: false))
    _ = strict.makeOffer(local: local)
    #expect(throws: OfferAnswerFailure.wrongProfile) { try strict.accept(answer: clear) }
    var savp = session(.required)
    _ = savp.makeOffer(local: local)
    let failure = #expect(throws: OfferAnswerFailure.self) { try savp.accept(answer: try offer(["m=audio 4002 RTP/SAVP 0"])) }
    guard case .broken(let violation)? = failure else { return }
    #expect(violation.rule == .cryptoAnswer && violation.section == "RFC 4568 §5.1.3")
  }

  @Test(arguments: [
    ("9 AES_CM_128_HMAC_SHA1_80", "RFC 4568 §5.1.3"), ("4 AES_CM_128_HMAC_SHA1_32", "RFC 4568 §5.1.3"),
  ])
  func `an answer with a tag or suite that was not offered is refused (RFC 4568 §5.1.3)`(line: String, section: String) throws {
    var session = session(.required)
    _ = session.makeOffer(local: local)
    let answer = try offer(["m=audio 4002 RTP/SAVP 0", "a=crypto:\(line) inline:\(Self.key128)"])
    let failure = #expect(throws: OfferAnswerFailure.self) { try session.accept(answer: answer) }
    #expect(failure == .broken(PeerViolation(.cryptoAnswer, failure.map(detail) ?? "", section: section)))
  }

  private func detail(_ failure: OfferAnswerFailure) -> String { if case .broken(let violation) = failure { violation.detail } else { "" } }

  @Test func `keys are drawn from the seed, differ from session to session, and no text of an agreement shows them`() throws {
    func keys(_ id: UInt64) throws -> [String] {
      var session = session(.required, id: id)
      return crypto(session.makeOffer(local: local))
    }
    #expect(try keys(1) == keys(1))
    #expect(Set(try keys(1)).isDisjoint(with: try keys(2)))
    var callee = session(MediaSecurity())
    let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key128)"
    let (_, agreement) = try callee.answer(try offer(["m=audio 4000 RTP/SAVP 0", line]), local: local)
    var text = ""
    dump(agreement, to: &text)
    #expect(!text.contains(Self.key128) && !"\(agreement)".contains(Self.key128))
  }
}
