import Rules
import SRTP
import SansIO
import SecureTransport
import Testing

@testable import SDP

/// Offer and answer of streams whose keys come from DTLS (RFC 5763, RFC 8122, RFC 8842, RFC 5761).
@Suite struct DTLSNegotiationTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)
  private static let fingerprint = "sha-256 " + Array(repeating: "4A", count: 32).joined(separator: ":")
  private static let other = "sha-256 " + Array(repeating: "5B", count: 32).joined(separator: ":")
  private static let line = "m=audio 4000 UDP/TLS/RTP/SAVP 0"

  private func session(_ security: MediaSecurity) -> OfferAnswerSession {
    OfferAnswerSession(
      style: .plain, sessionID: 7, capability: AudioCapability(codecs: [.pcmu], security: security), entropy: Entropy(seed: 5),
      identity: DTLSIdentity(entropy: Entropy(seed: 6), epoch: .virtual))
  }

  private var taking: MediaSecurity { MediaSecurity(takesDTLS: true) }

  private func offering(_ setup: DTLSSetup = .actpass, mux: Bool = false) -> MediaSecurity {
    var security = MediaSecurity(offer: .dtls, takesClear: false, takesSRTP: false, takesDTLS: true)
    (security.setup, security.multiplexesRTCP) = (setup, mux)
    return security
  }

  private func description(_ media: [String], session: [String] = [], version: Int = 1) throws -> SessionDescription {
    let lines = ["v=0", "o=- 1 \(version) IN IP4 192.0.2.20", "s=-", "c=IN IP4 192.0.2.20", "t=0 0"] + session + media
    return try SessionDescription.parse(Bytes(lines.map { "\($0)\r\n" }.joined()))
  }

  private func offer(
    _ setup: String?, _ fingerprint: String = Self.fingerprint, _ more: String..., version: Int = 1
  ) throws -> SessionDescription {
    try description([Self.line] + (setup.map { ["a=setup:\($0)"] } ?? []) + ["a=fingerprint:\(fingerprint)"] + more, version: version)
  }

  private func values(_ description: SessionDescription, _ name: StaticString) -> [String] {
    description.media[0].values(ofAttribute: name)
  }

  // MARK: - Answering

  @Test(
    arguments: [
      ("actpass", "active", DTLSConnection.Role.active), ("active", "passive", .passive), ("passive", "active", .active),
      (nil, "passive", .passive),
    ] as [(String?, String, DTLSConnection.Role)])
  func `an answer leaves the role to the offer, and opens the association where it may (RFC 5763 §5, RFC 4145 §4, contract 8.5)`(
    _ offered: String?, _ answered: String, _ role: DTLSConnection.Role
  ) throws {
    var session = session(taking)
    let (answer, agreement) = try session.answer(try offer(offered), local: local)
    #expect(answer.media[0].profile == "UDP/TLS/RTP/SAVP")
    #expect(values(answer, "setup") == [answered])
    #expect(values(answer, "fingerprint").first?.hasPrefix("sha-256 ") == true)
    #expect(agreement.association?.role == role && agreement.association?.number == 1)
    #expect(agreement.association?.fingerprints.map(\.description) == [Self.fingerprint])
    #expect(agreement.keys == nil && session.takeViolations().isEmpty)
  }

  @Test func `whoever prefers to be called answers actpass with passive`() throws {
    var security = taking
    security.setup = .passive
    var session = session(security)
    let (answer, agreement) = try session.answer(try offer("actpass"), local: local)
    #expect(values(answer, "setup") == ["passive"] && agreement.association?.role == .passive)
  }

  @Test func `a fingerprint of the session is that of its streams, and one of the stream comes before it (RFC 8122 §5)`() throws {
    var first = session(taking)
    let whole = try description([Self.line, "a=setup:actpass"], session: ["a=fingerprint:\(Self.fingerprint)"])
    #expect(try first.answer(whole, local: local).1.association?.fingerprints.map(\.description) == [Self.fingerprint])
    var second = session(taking)
    let both = try description(
      [Self.line, "a=fingerprint:\(Self.other)"], session: ["a=setup:passive", "a=fingerprint:\(Self.fingerprint)"])
    let association = try second.answer(both, local: local).1.association
    #expect(association?.fingerprints.map(\.description) == [Self.other] && association?.role == .active)
  }

  @Test func `RTP/AVP and RTP/SAVP with a fingerprint are answered with DTLS where there are no keys to take (RFC 8643 §3.1)`() throws {
    for profile in ["RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF"] {
      var session = session(taking)
      let media = ["m=audio 4000 \(profile) 0", "a=setup:actpass", "a=fingerprint:\(Self.fingerprint)"]
      let (answer, agreement) = try session.answer(try description(media), local: local)
      #expect(agreement.association != nil && answer.media[0].profile == profile)
    }
    var session = session(taking)
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
    let both = ["m=audio 4000 RTP/SAVP 0", "a=setup:actpass", "a=fingerprint:\(Self.fingerprint)", key]
    let (answer, agreement) = try session.answer(try description(both), local: local)
    #expect(agreement.keys != nil && values(answer, "fingerprint").isEmpty, "nothing has to be waited for")
  }

  @Test func `what cannot be keyed is refused by name (RFC 5763 §5, RFC 8122 §5)`() throws {
    func failure(_ security: MediaSecurity, _ description: SessionDescription) -> OfferAnswerFailure? {
      var session = session(security)
      do { _ = try session.answer(description, local: local) } catch { return error }
      return nil
    }
    #expect(failure(.none, try offer("actpass")) == .wrongProfile)
    #expect(failure(taking, try description([Self.line])) == .broken(PeerViolation(.fingerprintMissing)))
    guard case .broken(let unreadable)? = failure(taking, try offer("actpass", "sha-256 4A:4A")) else {
      Issue.record("two bytes are no SHA-256")
      return
    }
    #expect(unreadable.rule == .fingerprintMissing && unreadable.section == "RFC 8122 §5")
    let weak = "sha-1 " + Array(repeating: "4A", count: 20).joined(separator: ":")
    guard case .noKeys(let text)? = failure(taking, try offer("actpass", weak)) else {
      Issue.record("SHA-1 is not taken")
      return
    }
    #expect(text.contains("sha-1"))
    guard case .noKeys(let held)? = failure(taking, try offer("holdconn")) else {
      Issue.record("nobody opens it")
      return
    }
    #expect(held.contains("holdconn"))
    guard case .broken(let setup)? = failure(taking, try offer("both")) else {
      Issue.record("'both' is no role")
      return
    }
    #expect(setup.rule == .dtlsSetup && setup.section == "RFC 4145 §4")
    #expect(setup.description.contains("'both' is not active, passive, actpass or holdconn"))
    guard case .broken(let short)? = failure(taking, try offer("actpass", "sha-256 4A:4B")) else {
      Issue.record("two bytes are no digest")
      return
    }
    #expect(short.description.contains("the length in bytes of a digest of sha-256 is 32, of this one 2"))
  }

  @Test func `blanks behind a fingerprint or a role harm nobody (RFC 8122 §5)`() throws {
    var session = session(taking)
    #expect(try session.answer(try offer("actpass ", Self.fingerprint + " \t"), local: local).1.association?.role == .active)
  }

  @Test func `of two fingerprints the better one counts, and the weak one does no harm (RFC 8122 §5)`() throws {
    let weak = "sha-1 " + Array(repeating: "4A", count: 20).joined(separator: ":")
    var session = session(taking)
    let agreement = try session.answer(try offer("actpass", weak, "a=fingerprint:\(Self.fingerprint)"), local: local).1
    #expect(agreement.association?.fingerprints.map { "\($0.hash)" } == ["sha-1", "sha-256"])
  }

  // MARK: - Offering

  @Test(arguments: [
    (DTLSSetup.actpass, "active", DTLSConnection.Role.passive), (.actpass, "passive", .active), (.active, "passive", .active),
    (.passive, "active", .passive),
  ])
  func `an offer has the fingerprint, and takes the role that the answer leaves (RFC 5763 §5)`(
    _ setup: DTLSSetup, _ answered: String, _ role: DTLSConnection.Role
  ) throws {
    var session = session(offering(setup))
    let ours = session.makeOffer(local: local)
    #expect(ours.media[0].profile == "UDP/TLS/RTP/SAVP" && values(ours, "setup") == [setup.rawValue])
    #expect(values(ours, "fingerprint").count == 1 && values(ours, "crypto").isEmpty)
    #expect(try session.accept(answer: try offer(answered)).association?.role == role)
  }

  @Test(arguments: [
    (DTLSSetup.actpass, "actpass"), (.active, "active"), (.passive, "passive"), (.actpass, "holdconn"), (.actpass, "later"),
  ])
  func `an answer whose role is not the one that is left is refused (RFC 5763 §5)`(_ setup: DTLSSetup, _ answered: String) throws {
    var session = session(offering(setup))
    _ = session.makeOffer(local: local)
    let failure = #expect(throws: OfferAnswerFailure.self) { try session.accept(answer: try offer(answered)) }
    guard case .broken(let violation)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(violation.rule == .dtlsSetup)
  }

  @Test func `an answer without a fingerprint is refused, and one without a role is passive (RFC 4145 §4)`() throws {
    var session = session(offering())
    _ = session.makeOffer(local: local)
    #expect(throws: OfferAnswerFailure.broken(PeerViolation(.fingerprintMissing))) {
      try session.accept(answer: try description([Self.line, "a=setup:active"]))
    }
    #expect(try session.accept(answer: try offer(nil)).association?.role == .active)
  }

  // MARK: - RTCP

  @Test func `RTCP shares the port of RTP where both sides say so (RFC 5761 §5.1.1)`() throws {
    var mux = taking
    mux.multiplexesRTCP = true
    for (security, isOffered) in [(mux, true), (mux, false), (taking, true)] {
      var session = session(security)
      let theirs = isOffered ? try offer("actpass", Self.fingerprint, "a=rtcp-mux") : try offer("actpass")
      let (answer, agreement) = try session.answer(theirs, local: local)
      let isShared = isOffered && security.multiplexesRTCP
      #expect(answer.media[0].isMultiplexed == isShared && agreement.isMultiplexed == isShared)
      #expect(agreement.remoteControl.port == (isShared ? 4_000 : 4_001))
    }
    var session = session(offering(mux: true))
    #expect(session.makeOffer(local: local).media[0].isMultiplexed)
    #expect(try session.accept(answer: try offer("active")).remoteControl.port == 4_001, "the answer did not say so")
  }

  // MARK: - Again

  /// What a second offer of the peer's makes of the association; the role and number afterwards.
  private func again(
    _ change: String = fingerprint, port: Int = 4_000, setup: String = "actpass", _ more: String...
  ) throws -> (number: Int?, role: DTLSConnection.Role?) {
    var session = session(taking)
    _ = try session.answer(try offer("actpass"), local: local)
    let media = ["m=audio \(port) UDP/TLS/RTP/SAVP 0", "a=setup:\(setup)", "a=fingerprint:\(change)"] + more
    let agreement = try session.answer(try description(media, version: 2), local: local).1
    return (agreement.association?.number, agreement.association?.role)
  }

  @Test func `a re-INVITE keeps the association, unless certificate, transport, tls-id or role change (RFC 8842 §4, §5.3)`() throws {
    #expect(try again() == (1, .active))
    #expect(try again(Self.other) == (2, .active))
    #expect(try again(port: 4_002) == (2, .active))
    #expect(try again(setup: "passive") == (1, .active))
    #expect(try again(setup: "active") == (2, .passive))
    #expect(try again(Self.fingerprint, "a=tls-id:abc3de65cddef001be82") == (2, .active))
  }

  @Test func `a hold by 0.0.0.0 is another address for nobody: the association stays (RFC 3264 §8.4)`() throws {
    var session = session(taking)
    let first = try session.answer(try offer("actpass"), local: local).1.association
    let held = try description(
      [Self.line, "c=IN IP4 0.0.0.0", "a=setup:actpass", "a=fingerprint:\(Self.fingerprint)"], version: 2)
    #expect(try session.answer(held, local: local).1.association == first)
    #expect(try session.answer(try offer("actpass", version: 3), local: local).1.association == first)
  }

  @Test func `our next offer is actpass with the same certificate, and the answer keeps the roles (RFC 8842 §5.5)`() throws {
    var session = session(offering(.passive))
    let first = session.makeOffer(local: local)
    let before = try session.accept(answer: try offer("active")).association
    let second = session.makeOffer(local: local, direction: .sendonly)
    #expect(values(second, "setup") == ["actpass"] && values(second, "fingerprint") == values(first, "fingerprint"))
    #expect(try session.accept(answer: try offer("active", version: 2)).association == before)
  }

  @Test func `a session that goes from SDES over DTLS to clear does so where it is allowed`() throws {
    var session = session(taking)
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
    #expect(try session.answer(try description(["m=audio 4000 RTP/SAVP 0", key]), local: local).1.keys != nil)
    #expect(try session.answer(try offer("actpass", version: 2), local: local).1.association?.number == 1)
    #expect(try session.answer(try description(["m=audio 4000 RTP/AVP 0"], version: 3), local: local).1.protection == .clear)
    #expect(try session.answer(try offer("actpass", version: 4), local: local).1.association?.number == 2, "the first one is long over")
  }

  @Test func `two sessions of one identity have one certificate, and two identities have two`() throws {
    var (one, two) = (session(offering()), session(offering()))
    #expect(values(one.makeOffer(local: local), "fingerprint") == values(two.makeOffer(local: local), "fingerprint"))
    let other = DTLSIdentity(entropy: Entropy(seed: 7), epoch: .virtual)
    #expect(other.fingerprint != DTLSIdentity(entropy: Entropy(seed: 6), epoch: .virtual).fingerprint)
  }
}
