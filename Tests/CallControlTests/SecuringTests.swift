import Media
import Rules
import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import SecureTransport
import Testing

@testable import CallControl

/// A call that is up while its media waits for the keys of a handshake (RFC 5763 §5).
@Suite struct SecuringTests {
  private func seconds(_ count: Int64) -> Instant { Instant(nanoseconds: count * 1_000_000_000) }

  private func isSecuring(_ bench: LegBench) -> Bool { if case .securing = bench.leg.state { true } else { false } }
  private func isUp(_ bench: LegBench) -> Bool { if case .up = bench.leg.state { true } else { false } }

  /// The EndReason and Reason of the BYE that was asked for.
  private func bye(_ outputs: [LegOutput]) -> String? {
    for case .signal(.hangUp(let reason, let fields)) in outputs { return "\(reason) | \(fields?.first?.value ?? "-")" }
    return nil
  }

  @Test func `a leg is up once its media has the keys of the association that was agreed on`() throws {
    var bench = try LegBench.securing()
    #expect(isSecuring(bench))
    let secured = try #require(bench.securedMedia)
    #expect(bench.words(secured) == ["media-secured"])
    #expect(isUp(bench))
  }

  @Test func `a handshake that does not end within 10 s ends the call with a Reason (RFC 3326)`() throws {
    var bench = try LegBench.securing()
    bench.now = seconds(9)
    #expect(bench.words(.due) == ["timer"] && isSecuring(bench))
    bench.now = seconds(10)
    #expect(
      bye(bench.tell(.due)) == "no keys for the media: the DTLS handshake did not end within 10 s | "
        + "SIP;cause=488;text=\"Not Acceptable Here\"")
  }

  @Test func `a wrong certificate ends the call and is named as what the peer broke (RFC 5763 §5)`() throws {
    var bench = try LegBench.securing()
    let presented = CertificateFingerprint(hash: .sha256, digest: [1, 2])
    let failure = TLSFailure(.fingerprintMismatch(presented: presented), endedBy: .local, text: "not the one")
    let outputs = bench.tell(.media(.securingFailed(failure)))
    #expect(outputs.contains(.event(.violation(LegBench.id, PeerViolation(.dtlsFingerprint, "not the one")))))
    #expect(bye(outputs)?.hasPrefix("no keys for the media: not the one") == true)
  }

  @Test func `keys that we do not take are our choice, and nobody's mistake (contract 8.5)`() {
    #expect(OfferAnswerFailure.noKeys("sha-1").violation(.answerUnusable, in: Text.body("200")) == nil)
    #expect(OfferAnswerFailure.noAudio.violation(.answerUnusable, in: Text.body("200"))?.rule == .answerUnusable)
  }

  @Test func `a handshake that failed before the answer costs the early media alone`() throws {
    var bench = LegBench.calling()
    bench.tell(.begin, .ports(.opened))
    let outputs = bench.words(.media(.securingFailed(TLSFailure(.noAnswer, endedBy: .peer, text: "silence"))))
    #expect(outputs == ["media-securing-failed"])
  }

  @Test func `a re-INVITE with another certificate makes the leg secure its media anew, one without does not (RFC 8842 §4)`() throws {
    var bench = try LegBench.securing()
    bench.tell(try #require(bench.securedMedia))
    bench.now = seconds(20)
    bench.tell(Text.reinvite(Text.offerOfDTLS(version: 2)))
    #expect(isUp(bench))
    #expect(bench.words(Text.reinvite(Text.offerOfDTLS(digest: "5B", version: 3))).last == "timer")
    #expect(isSecuring(bench))
    bench.now = seconds(29)
    #expect(bench.words(.due) == ["timer"], "10 s from the new agreement on")
    bench.tell(try #require(bench.securedMedia))
    #expect(isUp(bench))
  }

  @Test func `a passive answerer is ready for the ClientHello with its 200, an active one waits for the ACK (RFC 5763 §5)`() throws {
    func words(_ offer: String) throws -> [String] {
      let capability = AudioCapability(codecs: [.pcmu], security: MediaSecurity(takesDTLS: true))
      var bench = try LegBench.called(offer: offer, capability: capability)
      return bench.words(.begin, .ports(.opened)).suffix(2)
    }
    #expect(try words(Text.offerOfDTLS("active")) == ["200", "prepare media"])
    #expect(try words(Text.offerOfDTLS("passive")).last == "200" && words(Text.offer).last == "200")
  }

  @Test func `keys that came with early media are those of the call (RFC 3960 §3)`() throws {
    let keys = try #require(try LegBench.securing().securedMedia)
    // The same leg, which hears of its keys before it hears of its ACK.
    var early = try LegBench.securing(isAcknowledged: false)
    early.tell(keys)
    early.tell(.signalling(.acknowledged(Text.body("ACK"))))
    #expect(isUp(early))
  }
}
