import RTP
import SRTP
import SansIO
import SecureTransport
import Testing

@testable import Media
@testable import SDP

/// Two streams that shake hands by DTLS before media goes between them (RFC 5763, RFC 5764).
@Suite struct KeyedStreamTests {
  private static let here = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)
  private static let there = TransportAddress(IPAddress(v4: 0xC000_0214), port: 10_000)

  private let caller = DTLSIdentity(entropy: Entropy(seed: 1), epoch: .virtual)
  private let callee = DTLSIdentity(entropy: Entropy(seed: 2), epoch: .virtual)

  /// Both agreements of one call, as offer and answer make them.
  private struct Call {
    var offerer: OfferAnswerSession
    var answerer: OfferAnswerSession
    let offererPlace = KeyedStreamTests.there
    let answererPlace = KeyedStreamTests.here

    mutating func agree() throws -> (offerer: AudioAgreement, answerer: AudioAgreement) {
      let offer = offerer.makeOffer(local: offererPlace)
      let (answer, answered) = try answerer.answer(offer, local: answererPlace)
      return (try offerer.accept(answer: answer), answered)
    }
  }

  private func call(mux: Bool, setup: DTLSSetup = .actpass, suites: [SRTPSuite] = SRTPSuite.preference) -> Call {
    var offering = MediaSecurity(offer: .dtls, takesClear: false, takesSRTP: false, takesDTLS: true, suites: suites)
    (offering.multiplexesRTCP, offering.setup) = (mux, setup)
    var taking = MediaSecurity(takesDTLS: true)
    taking.multiplexesRTCP = mux
    func session(_ security: MediaSecurity, _ identity: DTLSIdentity) -> OfferAnswerSession {
      OfferAnswerSession(
        style: .plain, sessionID: 7, capability: AudioCapability(codecs: [.pcmu], security: security), entropy: Entropy(seed: 5),
        identity: identity)
    }
    return Call(offerer: session(offering, caller), answerer: session(taking, callee))
  }

  /// Two streams and the way between them: what leaves one arrives at the other one millisecond later, unless it is lost.
  private struct Wire {
    var streams: [MediaStream]
    let places = [KeyedStreamTests.there, KeyedStreamTests.here]
    var out = Outbox()
    var now = Instant.zero
    var queue: [(at: Instant, to: Int, arrival: Arrival)] = []
    var events: [[MediaEvent]] = [[], []]
    /// Datagrams of DTLS, and packets of media, by who sent them.
    var handshakes = [0, 0]
    var media: [[Bytes]] = [[], []]
    var secrets = 0
    /// Which datagram of DTLS is lost, counted over both ways.
    var lost: Set<Int> = []

    /// RTP that one has sent.
    func rtp(_ index: Int) -> Int { media[index].count { !(192...223).contains($0[1]) } }

    init(_ first: MediaStream, _ second: MediaStream) { streams = [first, second] }

    mutating func tell(_ index: Int, _ command: MediaCommand) {
      streams[index].handle(command, at: now, &out)
      carry(index)
    }

    mutating func run(milliseconds: Int64) {
      let end = now.adding(nanoseconds: milliseconds * 1_000_000)
      while let next = ([queue.first?.at] + streams.map(\.nextDeadline)).compactMap(\.self).min(), next <= end {
        now = max(now, next)
        if let first = queue.first, first.at <= now {
          queue.removeFirst()
          streams[first.to].receive(first.arrival, at: now, &out)
          carry(first.to)
        } else {
          for index in 0..<2 {
            streams[index].wake(at: now, &out)
            carry(index)
          }
        }
      }
      now = end
    }

    private mutating func carry(_ index: Int) {
      events[index] += streams[index].takeEvents()
      for departure in out.departures {
        switch departure {
        case .secret: secrets += 1
        case .datagram(let port, to: let destination, let bytes, let label):
          if label.subject == .dtls {
            let number = handshakes[0] + handshakes[1]
            handshakes[index] += 1
            if lost.contains(number) { continue }
          } else {
            media[index].append(bytes)
          }
          let other = 1 - index
          let isControl = destination.port == places[other].port + 1
          let source = TransportAddress(places[index].address, port: places[index].port + (port == PortID(2) ? 1 : 0))
          queue.append((now.adding(nanoseconds: 1_000_000), other, .datagram(PortID(isControl ? 2 : 1), from: source, bytes)))
        default: break
        }
      }
      out.removeAll()
    }
  }

  private func stream(_ agreement: AudioAgreement, _ identity: DTLSIdentity, seed: UInt64, early: EarlyRTP = .drop) -> MediaStream {
    var configuration = MediaStream.Configuration(
      cname: "lab", rtpPort: PortID(1), rtcpPort: PortID(2), dialog: UInt32(seed), identity: identity, epoch: .virtual)
    configuration.earlyRTP = early
    return MediaStream(configuration, agreement: agreement, entropy: Entropy(seed: seed))
  }

  private func wire(_ call: inout Call, losing lost: Set<Int> = []) throws -> Wire {
    let (offerer, answerer) = try call.agree()
    var wire = Wire(stream(offerer, caller, seed: 3), stream(answerer, callee, seed: 4))
    wire.lost = lost
    for index in 0..<2 {
      wire.tell(index, .start)
      wire.tell(index, .play(.tone(Tone(frequency: index == 0 ? 440 : 660)), until: nil))
    }
    return wire
  }

  private func secured(_ events: [MediaEvent]) -> SecuredMedia? {
    for case .secured(let media) in events { return media }
    return nil
  }

  @Test(arguments: [true, false], [DTLSSetup.actpass, .active, .passive])
  func `both hear each other once the handshake has ended, whoever begins and whatever the port of RTCP (RFC 5764 §3, RFC 5761)`(
    mux: Bool, setup: DTLSSetup
  ) throws {
    var call = call(mux: mux, setup: setup)
    var wire = try wire(&call)
    wire.run(milliseconds: 6_000)
    for (index, tone) in [(0, 660), (1, 440)] {
      #expect(secured(wire.events[index])?.suite == .aeadAES256GCM && secured(wire.events[index])?.version == .dtls12)
      #expect(wire.events[index].contains(.toneHeard(tone)))
      #expect(!wire.events[index].contains { if case .violation = $0 { true } else { false } })
      // What left was SRTP: neither a tag nor a payload of PCMU alone.
      #expect(wire.media[index].allSatisfy { $0.count != 172 })
      #expect(wire.streams[index].report.packetsLostAtPeer == 0, "a report of RTCP came")
    }
    #expect(wire.secrets == (mux ? 2 : 4), "each end of each association says its secret once")
  }

  @Test func `nothing leaves before the keys are there: neither RTP nor RTCP, in clear or otherwise (RFC 5763 §5)`() throws {
    var call = call(mux: true)
    var wire = try wire(&call, losing: Set(0..<100))
    wire.run(milliseconds: 8_000)
    #expect(wire.media[0].isEmpty && wire.media[1].isEmpty)
    #expect(wire.handshakes[1] == 4, "the active end sends its ClientHello at 0, 1, 3 and 7 s (RFC 6347 §4.2.4.1)")
    #expect(secured(wire.events[0]) == nil && secured(wire.events[1]) == nil)
  }

  @Test(arguments: Array(0..<4))
  func `each lost flight costs a second, and no more (RFC 6347 §4.2.4)`(flight: Int) throws {
    var call = call(mux: true)
    var wire = try wire(&call, losing: [flight])
    wire.run(milliseconds: 900)
    #expect(secured(wire.events[0]) == nil || secured(wire.events[1]) == nil)
    wire.run(milliseconds: 400)
    #expect(secured(wire.events[0]) != nil && secured(wire.events[1]) != nil)
    wire.run(milliseconds: 1_000)
    #expect(wire.events[0].contains(.toneHeard(660)) && wire.events[1].contains(.toneHeard(440)))
  }

  @Test func `the best suite that both have is taken (RFC 5764 §4.1.2)`() throws {
    for suite in [SRTPSuite.aeadAES128GCM, .aesCM128HMACSHA1_80, .aesCM128HMACSHA1_32] {
      var call = call(mux: true)
      let (offerer, answerer) = try call.agree()
      let profiles = [suite.protectionProfile.flatMap(DTLSProtectionProfile.init)].compactMap(\.self)
      let narrow = DTLSIdentity(profiles: profiles, entropy: Entropy(seed: 2), epoch: .virtual)
      #expect(narrow.fingerprint == callee.fingerprint)
      var wire = Wire(stream(offerer, caller, seed: 3), stream(answerer, narrow, seed: 4))
      for index in 0..<2 { wire.tell(index, .start) }
      wire.run(milliseconds: 100)
      #expect(secured(wire.events[0])?.suite == suite && secured(wire.events[1])?.suite == suite)
    }
  }

  @Test func `a certificate that the description does not name is refused, and no media goes either way (RFC 5763 §5)`() throws {
    var call = call(mux: true)
    let (offerer, answerer) = try call.agree()
    let stranger = DTLSIdentity(entropy: Entropy(seed: 9), epoch: .virtual)
    var wire = Wire(stream(offerer, caller, seed: 3), stream(answerer, stranger, seed: 4))
    for index in 0..<2 { wire.tell(index, .start) }
    wire.run(milliseconds: 2_000)
    let failures = wire.events.map { events in
      events.compactMap { if case .securingFailed(let failure) = $0 { failure.reason } else { nil } }
    }
    #expect(failures[0] == [.fingerprintMismatch(presented: try #require(stranger.fingerprint))])
    #expect(failures[1] == [.refusedByPeer])
    #expect(wire.media[0].isEmpty && wire.media[1].isEmpty)
  }

  @Test func `close_notify ends the association and what goes under it; the stream lives on (RFC 5246 §7.2.1)`() throws {
    var call = call(mux: true)
    var wire = try wire(&call)
    wire.run(milliseconds: 200)
    wire.tell(0, .close)
    wire.run(milliseconds: 10)
    #expect(wire.events[1].contains(.associationClosed))
    let before = wire.media[1].count
    wire.run(milliseconds: 500)
    #expect(wire.media[1].count == before)
  }

  /// While an offer of ours is open its answer may bring another association: the hello waits, and is served when the offer is refused.
  @Test(arguments: [false, true])
  func `a peer that begins anew on the same way gets new keys, and the old ones serve until then (RFC 6347 §4.2.8)`(
    isOffering: Bool
  ) throws {
    var call = call(mux: true)
    let (offerer, answerer) = try call.agree()
    var wire = Wire(stream(offerer, caller, seed: 3), stream(answerer, callee, seed: 4))
    for index in 0..<2 { wire.tell(index, .start) }
    wire.run(milliseconds: 500)
    #expect(secured(wire.events[0]) != nil && secured(wire.events[1]) != nil)
    // The active end has forgotten all; the passive end has not.
    wire.streams[1] = stream(answerer, callee, seed: 5)
    wire.events[1] = []
    if isOffering { wire.tell(0, .offer(offerer.receivable)) }
    wire.tell(1, .start)
    if isOffering {
      wire.run(milliseconds: 50)
      #expect(secured(wire.events[1]) == nil)
      wire.tell(0, .offer(nil))
    }
    wire.tell(0, .play(.tone(Tone(frequency: 440)), until: nil))
    wire.run(milliseconds: 500)
    #expect(secured(wire.events[1]) != nil && wire.events[1].contains(.toneHeard(440)))
    #expect(wire.events[0].filter { if case .secured = $0 { true } else { false } }.count == 2)
    #expect(!wire.events[0].contains { if case .securingFailed = $0 { true } else { false } })
  }

  @Test func `a hello that nobody follows up leaves the association as it is`() throws {
    var call = call(mux: true)
    var wire = try wire(&call)
    wire.run(milliseconds: 200)
    var other = self.call(mux: true)
    let (_, answerer) = try other.agree()
    var forged = stream(answerer, DTLSIdentity(entropy: Entropy(seed: 9), epoch: .virtual), seed: 8)
    var out = Outbox()
    forged.handle(.start, at: wire.now, &out)
    for case .datagram(_, to: _, let bytes, _) in out.departures {
      wire.streams[0].receive(.datagram(PortID(1), from: Self.here, bytes), at: wire.now, &wire.out)
    }
    wire.out.removeAll()
    let before = wire.media[0].count
    wire.run(milliseconds: 30_000)
    #expect(wire.media[0].count > before + 1_000 && wire.events[1].contains(.toneHeard(440)))
    #expect(!wire.events.joined().contains { if case .violation = $0 { true } else if case .securingFailed = $0 { true } else { false } })
  }

  /// One side has agreed on another association, the other learns of it so many milliseconds later, by the answer or the ACK.
  @Test(arguments: [0, 1, 3, 30, 400] as [Int64], [true, false])
  func `a ClientHello before the answer or the ACK is taken with it, in any role, and the old keys serve until then (RFC 5763 §5)`(
    wait: Int64, mux: Bool
  ) throws {
    for (first, isActive, keepsRoles) in [0, 1].flatMap({ first in
      [true, false].flatMap { active in [true, false].map { (first, active, $0) } }
    }) {
      var call = call(mux: mux)
      var wire = try wire(&call)
      wire.run(milliseconds: 300)
      let (second, before) = (1 - first, wire.media.map(\.count))
      func agree(_ index: Int, isKnown: Bool) throws {
        var agreement = wire.streams[index].agreement
        let old = try #require(agreement.association)
        // Either the side that was active before is so again, or the side that agrees first decides.
        let role = keepsRoles ? old.role : (index == first) == isActive ? DTLSConnection.Role.active : .passive
        agreement.protection = .dtls(old.successor(role))
        wire.tell(index, .renegotiate(agreement, isKnown: isKnown))
      }
      // The offer of the second side is open, or its answer is on the way: what it may get is the same.
      wire.tell(second, .offer(wire.streams[second].agreement.receivable))
      try agree(first, isKnown: false)
      wire.run(milliseconds: wait)
      #expect(wire.media[0].count - before[0] >= Int(wait) / 20 - 1, "the old keys serve")
      try agree(second, isKnown: true)
      wire.tell(first, .confirm)
      wire.run(milliseconds: 300)
      let story = "first \(first), active \(isActive), keeps \(keepsRoles), wait \(wait)"
      for index in 0..<2 {
        let numbers = wire.events[index].compactMap { if case .secured(let media) = $0 { media.association.number } else { nil } }
        #expect(numbers == [1, 2], "\(story)")
        #expect(wire.streams[index].report.drops.total == 0, "\(story): \(wire.streams[index].report.drops)")
        #expect(Int(wire.streams[index].report.packetsReceived) >= wire.rtp(1 - index) - 1, "\(story)")
      }
      #expect(!wire.events.joined().contains { if case .violation = $0 { true } else { false } }, "\(story)")
    }
  }

  @Test func `a hello of somebody else before the peer's costs nothing (RFC 5763 §5)`() throws {
    var call = call(mux: true)
    let (offerer, answerer) = try call.agree()
    var wire = Wire(stream(offerer, caller, seed: 3), stream(answerer, callee, seed: 4))
    wire.tell(0, .start)
    var forged = stream(answerer, DTLSIdentity(entropy: Entropy(seed: 9), epoch: .virtual), seed: 8)
    var out = Outbox()
    forged.handle(.start, at: wire.now, &out)
    let stranger = TransportAddress(IPAddress(v4: 0xCB00_7107), port: 4_000)
    for case .datagram(_, to: _, let bytes, _) in out.departures {
      wire.streams[0].receive(.datagram(PortID(1), from: stranger, bytes), at: wire.now, &wire.out)
    }
    wire.out.removeAll()
    wire.tell(1, .start)
    wire.run(milliseconds: 100)
    #expect(secured(wire.events[0]) != nil && secured(wire.events[1]) != nil)
  }

  @Test(arguments: [EarlyRTP.drop, .buffer])
  func `media that overtakes the end of the handshake is dropped and counted, or kept for it (DTLS-04)`(early: EarlyRTP) throws {
    var call = call(mux: true)
    let (offerer, answerer) = try call.agree()
    // The server's Finished is lost: it sends media under keys that the client has a second later.
    var wire = Wire(stream(offerer, caller, seed: 3), stream(answerer, callee, seed: 4, early: early))
    wire.lost = [3]
    for index in 0..<2 { wire.tell(index, .start) }
    wire.tell(0, .play(.tone(Tone(frequency: 440)), until: nil))
    wire.run(milliseconds: 1_200)
    let report = wire.streams[1].report
    #expect((early == .drop ? 45...52 : 0...0).contains(report.drops[.noKeys]) && report.drops.total == report.drops[.noKeys])
    #expect(Int(report.packetsReceived) + report.drops.total >= wire.rtp(0) - 1)
    #expect(report.jitter < .milliseconds(1), "\(report.jitter): each packet counts as of the time when it came")
    #expect(!wire.events.joined().contains { if case .violation = $0 { true } else { false } })
  }

  @Test func `media comes back from elsewhere under new keys alone, and what was dropped before stays counted (RFC 8842 §4)`() throws {
    var call = call(mux: true)
    var wire = try wire(&call)
    wire.run(milliseconds: 200)
    let here = wire.streams[0].agreement
    var away = here
    away.local = TransportAddress(IPAddress(v4: 0xC633_6463), port: 30_000)
    away.protection = .dtls(try #require(here.association).successor(.active))
    wire.tell(0, .renegotiate(away, isKnown: true))
    wire.run(milliseconds: 200)
    let before = wire.media[0].count
    var back = here
    back.protection = .dtls(try #require(away.association).successor(.passive))
    wire.tell(0, .renegotiate(back, isKnown: true))
    wire.run(milliseconds: 200)
    #expect(wire.media[0].count == before, "nothing leaves under the keys of an association that was replaced")
    #expect(wire.streams[0].report.drops[.noKeys] > 0)
  }

  @Test func `a new association on the same way: the old keys serve until its handshake has ended (RFC 8842 §4)`() throws {
    var call = call(mux: true)
    var wire = try wire(&call)
    wire.run(milliseconds: 200)
    // The answerer is told of another certificate of the same peer, and both begin again.
    let next = try #require(wire.streams[1].agreement.association).successor
    let other = try #require(wire.streams[0].agreement.association).successor
    for (index, association) in [(1, next), (0, other)] {
      var agreement = wire.streams[index].agreement
      agreement.protection = .dtls(association)
      wire.tell(index, .renegotiate(agreement, isKnown: true))
    }
    let before = wire.media[0].count
    wire.lost = Set(wire.handshakes[0] + wire.handshakes[1]..<wire.handshakes[0] + wire.handshakes[1] + 1)
    wire.run(milliseconds: 500)
    #expect(wire.media[0].count > before + 20, "the first flight was lost, and media went on")
    wire.run(milliseconds: 1_000)
    let secured = wire.events[0].compactMap { if case .secured(let media) = $0 { media.association.number } else { nil } }
    #expect(secured == [1, 2])
    #expect(!wire.events.joined().contains { if case .violation = $0 { true } else { false } })
  }
}

extension AgreedAssociation {
  /// The same peer's next association.
  fileprivate var successor: AgreedAssociation { successor(role) }

  fileprivate func successor(_ role: DTLSConnection.Role) -> AgreedAssociation {
    AgreedAssociation(number: number + 1, role: role, DTLSDescription(fingerprints: fingerprints, setup: .actpass, tlsID: nil), on: path)
  }
}
