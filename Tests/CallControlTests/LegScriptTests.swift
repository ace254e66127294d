import Media
import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

/// Calls told to one leg, move by move.
@Suite struct LegScriptTests {
  private func success(_ body: String?) -> LegInput { .signalling(.reinviteAnswered(Text.body("200", body))) }

  // MARK: - Setting up

  @Test func `a leg whose port is taken offers the next one (RFC 3264 §5)`() throws {
    var bench = LegBench.calling()
    bench.tell(.begin, .ports(.moved(to: 20_004, sessionID: 8)))
    guard case .signal(.invite(_, let body))? = bench.tell(.ports(.opened)).first else {
      Issue.record("no INVITE")
      return
    }
    #expect(body.text.contains("m=audio 20004 "))
  }

  @Test func `a leg that was called answers from the port it got at last, not from the one it asked for first`() throws {
    var bench = try LegBench.called()
    bench.tell(.begin, .ports(.moved(to: 20_004, sessionID: 8)))
    guard case .signal(.accept(let body, _))? = bench.tell(.ports(.opened)).first else {
      Issue.record("no 200")
      return
    }
    #expect(body.text.contains("m=audio 20004 "))
  }

  @Test func `early media waits for the ports and not for the 200, which has the same answer (RFC 3960 §3.2)`() throws {
    var bench = try LegBench.called(.earlyMedia, delay: .seconds(2))
    #expect(bench.words(.begin) == ["leg-started", "timer", "media-ports", "open ports"])
    let early = bench.tell(.ports(.opened))
    #expect(early.map(\.word) == ["183", "begin media", "leg-early-media"])
    bench.now = Instant(nanoseconds: 2_000_000_000)
    let final = bench.tell(.due)
    guard case .signal(.progress(let first))? = early.first, case .signal(.accept(let second, _))? = final.first else {
      Issue.record("\(final)")
      return
    }
    #expect(first == second)
  }

  @Test func `the answer of a callee is its first one, whatever its 2xx says; another callee's is its own (RFC 3261 §13.2.1)`() {
    func agreed(_ outputs: [LegOutput]) -> [UInt16] {
      outputs.compactMap { if case .media(.begin(let agreement, _)) = $0 { agreement.remote.port } else { nil } }
    }
    let other = Text.description(media: "audio 7000 RTP/AVP 0")
    for (tag, port) in [("b", UInt16(6_000)), ("c", 7_000)] {
      var bench = LegBench.calling()
      bench.tell(.begin, .ports(.opened))
      #expect(agreed(bench.tell(.signalling(.provisional(status: 183, Text.body("183", Text.answer, tag: "b"))))) == [6_000])
      #expect(agreed(bench.tell(.signalling(.provisional(status: 183, Text.body("183", other, tag: "b"))))) == [])
      #expect(agreed(bench.tell(.signalling(.answered(Text.body("200", other, tag: tag))))) == [port])
    }
  }

  @Test func `a delayed offer is acknowledged with its answer before the call counts as established (RFC 3261 §13.2.1)`() {
    var bench = LegBench.calling(isOfferDelayed: true)
    #expect(bench.words(.begin, .ports(.opened)).last == "INVITE without offer")
    #expect(bench.words(.signalling(.answered(Text.body("200", Text.offer)))).prefix(2) == ["ACK with answer", "leg-established"])
  }

  @Test func `a 2xx that cannot be used is acknowledged all the same, then hung up (RFC 3261 §13.2.2.4)`() {
    var bench = LegBench.calling(isOfferDelayed: true)
    bench.tell(.begin, .ports(.opened))
    let outputs = bench.tell(.signalling(.answered(Text.body("200", Text.description(media: "audio 6000 RTP/AVP 18")))))
    #expect(outputs.map(\.word) == ["ACK with answer", "violation", "hang up"])
  }

  // MARK: - Changes

  @Test func `changes follow one another, each with an offer of its own (RFC 3261 §14.1)`() {
    var bench = LegBench.up()
    #expect(bench.words(.command(.change(.hold(.sendonly))), .command(.change(.resume))) == ["offer", "re-INVITE"])
    #expect(bench.words(success(Text.description("recvonly", version: 2))) == ["ACK", "renegotiate", "leg-modified", "offer", "re-INVITE"])
    #expect(bench.words(success(Text.description("sendrecv", version: 3))) == ["ACK", "renegotiate", "leg-modified"])
  }

  @Test func `after a 491 the same change is offered again, with what holds by then (RFC 3261 §14.1)`() {
    var bench = LegBench.up()
    bench.tell(.command(.change(.hold(.sendonly))))
    guard case .signal(.reinvite(let body))? = bench.tell(.signalling(.reinviteDue)).last else {
      Issue.record("no re-INVITE")
      return
    }
    #expect(body.text.contains("a=sendonly"))
  }

  @Test func `music on hold: inactive, then an offer is asked for and answered with the music server's address (CUCM)`() {
    var bench = LegBench.up()
    #expect(bench.words(.command(.change(.hold(.music)))) == ["openMusic ports", "offer", "re-INVITE"])
    let server = TransportAddress(IPAddress(v4: 0xC000_02FE), port: 24_000)
    bench.tell(.musicPorts(.reserved(server)))
    #expect(
      bench.words(success(Text.description("inactive", version: 2)))
        == ["ACK", "stop music", "renegotiate", "leg-modified", "no offer", "re-INVITE without offer"])
    let outputs = bench.tell(success(Text.description("sendrecv", version: 3)))
    #expect(outputs.map(\.word) == ["ACK with answer", "renegotiate", "leg-modified", "play music"])
    guard case .signal(.acknowledge(let answer))? = outputs.first else { return }
    #expect(answer.text.contains("192.0.2.254") && answer.text.contains("m=audio 24000 ") && answer.text.contains("a=sendonly"))
  }

  @Test func `without a port for music the held party is answered from the leg's own, silent`() {
    var bench = LegBench.up()
    bench.tell(.command(.change(.hold(.music))), success(Text.description("inactive", version: 2)))
    let outputs = bench.tell(success(Text.description("sendrecv", version: 3)))
    #expect(outputs.map(\.word) == ["ACK with answer", "renegotiate", "leg-modified"])
  }

  @Test func `a change that failed leaves the session, and the next one is tried (RFC 3261 §14.1)`() {
    var bench = LegBench.up()
    bench.tell(.command(.change(.hold(.sendonly))), .command(.change(.refresh)))
    let outputs = bench.tell(.signalling(.reinviteFailed(status: 488, reason: "no")))
    #expect(outputs.map(\.word) == ["leg-modification-failed", "no offer", "offer", "re-INVITE"])
    guard case .signal(.reinvite(let body))? = outputs.last else {
      Issue.record("no re-INVITE")
      return
    }
    #expect(body.text.contains("a=sendrecv"))
  }

  @Test func `a re-INVITE without offer gets ours; its ACK has to bring the answer, else the call ends (RFC 3261 §14.2)`() {
    var bench = LegBench.up()
    #expect(bench.words(Text.reinvite(nil)) == ["offer", "200 re-INVITE"])
    #expect(
      bench.words(.signalling(.reinviteAcknowledged(Text.body("ACK"))))
        == ["violation", "stop media", "stop music", "hang up"])
  }

  @Test func `an offer that cannot be answered is refused, and the call goes on (RFC 3261 §14.2)`() {
    var bench = LegBench.up()
    let reinvite = Text.reinvite(Text.description(version: 2, media: "audio 6000 RTP/AVP 18"))
    #expect(bench.words(reinvite) == ["488 re-INVITE"])
    guard case .up = bench.leg.state else {
      Issue.record("\(bench.leg.state)")
      return
    }
  }

  // MARK: - Ends

  private static let next = TransportAddress(LegBench.here.address, port: 20_002)

  @Test func `media moves to other ports with the answer to the re-INVITE that names them, once they are open`() {
    var bench = LegBench.up()
    #expect(bench.words(.command(.change(.renew(keys: false, ports: true)))) == ["openNext ports"])
    #expect(bench.words(.nextPorts(.opened(Self.next))) == ["media-ports", "offer", "re-INVITE"])
    #expect(bench.leg.negotiation.here == LegBench.here)
    let outputs = bench.words(success(Text.description(version: 2)))
    #expect(outputs == ["ACK", "moveToNext ports", "renegotiate", "leg-modified"], "\(outputs)")
    #expect(bench.leg.negotiation.here == Self.next)
    #expect(bench.leg.state.session?.agreement.local == Self.next)
  }

  @Test func `a refused re-INVITE leaves media where it is, and closes the ports that it named`() {
    var bench = LegBench.up()
    bench.tell(.command(.change(.renew(keys: false, ports: true))), .nextPorts(.opened(Self.next)))
    let outputs = bench.words(.signalling(.reinviteFailed(status: 488, reason: "no")))
    #expect(outputs.contains("closeNext ports") && !outputs.contains("moveToNext ports"), "\(outputs)")
    #expect(bench.leg.negotiation.here == LegBench.here)
    #expect(bench.leg.state.session?.agreement.local == LegBench.here)
    #expect(bench.words(.command(.change(.refresh))) == ["offer", "re-INVITE"], "the next change is free to begin")
  }

  @Test func `without other ports there is no re-INVITE, and the change has failed`() {
    var bench = LegBench.up()
    bench.tell(.command(.change(.renew(keys: true, ports: true))))
    let outputs = bench.words(.nextPorts(.missing(reason: "all are in use")))
    #expect(outputs.contains("closeNext ports") && !outputs.contains("re-INVITE"), "\(outputs)")
    #expect(bench.words(.command(.change(.refresh))) == ["offer", "re-INVITE"])
  }

  @Test func `direct media is brought back before the BYE, where the product does so`() {
    var habits = CallHabits()
    habits.behaviour = Behaviour([BehaviourRule(.hangUpWithDirectMedia, .takeMediaBack)])
    var bench = LegBench.up(habits)
    let elsewhere = TransportAddress(IPAddress(v4: 77), port: 4_000)
    bench.tell(.command(.change(.directMedia(to: elsewhere))), success(Text.description(version: 2)))
    let outputs = bench.tell(.command(.hangUp(.hungUpHere)))
    #expect(outputs.map(\.word) == ["offer", "re-INVITE"])
    guard case .signal(.reinvite(let body))? = outputs.last else {
      Issue.record("no re-INVITE")
      return
    }
    #expect(body.text.contains("c=IN IP4 192.0.2.20"))
    #expect(bench.words(success(Text.description(version: 3))).suffix(3) == ["stop media", "stop music", "hang up"])
  }

  @Test func `a BYE that carries the figures of the media waits for them`() throws {
    var habits = CallHabits()
    habits.behaviour = Behaviour([BehaviourRule(.bye, .reportMedia)])
    var bench = LegBench.up(habits)
    bench.now = Instant(nanoseconds: 9_000_000_000)
    #expect(bench.words(.command(.hangUp(.hungUpHere))) == ["stop media", "stop music"])
    var report = MediaReport.empty
    report.packetsSent = 450
    guard case .signal(.hangUp(.hungUpHere, let fields?))? = bench.tell(.media(.stopped(report))).first else {
      Issue.record("no BYE")
      return
    }
    #expect(fields.last?.value.hasPrefix("PS=450,") == true && fields.last?.value.hasSuffix("DU=9") == true)
    #expect(bench.tell(.media(.stopped(report))) == [], "once")
  }

  @Test func `a 2xx to a re-INVITE that comes after the BYE is acknowledged (RFC 5407 §3.2.4)`() {
    for (change, word) in [(SessionChange.refresh, "ACK"), (.askForOffer(answering: .sendrecv), "ACK with answer")] {
      var bench = LegBench.up()
      bench.tell(.command(.change(change)), .command(.hangUp(.hungUpHere)))
      #expect(bench.words(success(Text.description(version: 2))) == [word])
    }
  }

  @Test func `the end is reported with the last figures, when streams and ports are gone`() {
    var bench = LegBench.up()
    #expect(bench.words(.signalling(.ended(.hungUpByPeer))) == ["close ports"])
    #expect(bench.tell(.mediaClosed(.empty)) == [.event(.ended(LegBench.id, .hungUpByPeer, .empty)), .over])
  }
}

@Suite struct SessionChangesTests {
  private let elsewhere = TransportAddress(IPAddress(v4: 7), port: 4_000)

  @Test func `what is wanted meanwhile waits, and is sent when the one under way has ended, however it ended`() {
    for end in [SessionChanges.Input.succeeded, .failed] {
      var changes = SessionChanges()
      var outputs = changes.handle(.wanted([.hold(.sendonly)]))
      outputs += changes.handle(.wanted([.resume, .refresh]))
      #expect(outputs == [.send(.hold(.sendonly))])
      outputs = changes.handle(end)
      #expect(outputs == [.send(.resume)])
      outputs = changes.handle(end)
      #expect(outputs == [.send(.refresh)])
      outputs = changes.handle(end)
      #expect(outputs == [] && changes.state == .settled)
    }
  }

  @Test func `direct media holds from the answer on, not from the offer`() {
    var changes = SessionChanges()
    _ = changes.handle(.wanted([.directMedia(to: elsewhere)]))
    #expect(changes.directMedia == nil)
    _ = changes.handle(.failed)
    #expect(changes.directMedia == nil)
    _ = changes.handle(.wanted([.directMedia(to: elsewhere)]))
    _ = changes.handle(.succeeded)
    #expect(changes.directMedia == elsewhere)
  }

  @Test func `who leaves brings media back first; a failure does not keep the call alive`() {
    for end in [SessionChanges.Input.succeeded, .failed] {
      var changes = SessionChanges()
      var outputs = changes.handle(.leave)
      #expect(outputs == [.send(.directMedia(to: nil))] && changes.isLeaving)
      outputs = changes.handle(.leave)
      #expect(outputs == [])
      outputs = changes.handle(end)
      #expect(outputs == [.hangUp])
    }
  }

  @Test func `who leaves while an offer of the peer's was asked for answers it, then brings media back`() {
    var changes = SessionChanges()
    _ = changes.handle(.wanted([.askForOffer(answering: .sendrecv), .refresh]))
    _ = changes.handle(.leave)
    var outputs = changes.handle(.succeeded)
    #expect(outputs == [.send(.directMedia(to: nil))])
    outputs = changes.handle(.succeeded)
    #expect(outputs == [.hangUp])
  }

  @Test func `music is prepared for a hold that begins with inactive and asks for an offer, and for no other`() {
    var changes = SessionChanges()
    var outputs = changes.handle(.wanted([.hold(.inactive), .askForOffer(answering: .sendonly)]))
    #expect(outputs == [.prepareMusic, .send(.hold(.inactive))])
    changes = SessionChanges()
    outputs = changes.handle(.wanted([.hold(.inactive), .askForOffer(answering: .sendrecv)]))
    #expect(outputs == [.send(.hold(.inactive))])
  }
}
