import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

/// What came of an arrival is one list: what a reaction caused comes after what had already happened.
@Suite struct OrderTests {
  private let bench = CallAgentBench()

  @Test func `a reaction to the first of two events does not come before the second`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, body: CallAgentBench.answer)
    bench.take()
    // BYE with a Reason: two events, the reason and the end. The owner calls again as soon as it reads the reason.
    bench.host.reaction = { agent, event, now, out in
      guard case .reason = event, let uri = try? SIPURI(parsing: "sip:again@198.51.100.10") else { return }
      agent.perform(
        .call(CallRequest(uri: uri, target: SIPTarget(transport: .udp, address: CallAgentBench.peer))), at: now, &out)
    }
    bench.forgetEvents()
    bench.request("BYE", in: invite, sequence: 1, headers: ["Reason: Q.850;cause=16"])
    #expect(bench.events.map(\.journalName) == ["leg-reason", "leg-ended", "media-ports", "leg-started"])
    #expect(bench.take().words == ["200", "INVITE"])
  }

  @Test func `what a machine causes while one of two things is carried out comes after the other, and memory is used again`() {
    var work = WorkList()
    func next() -> String? {
      switch work.next() {
      case .agent(.reason(_, let text))?: text
      case .agent?: "agent"
      case .leg?: "leg"
      case .report(let event)?: event.journalName
      case nil: nil
      }
    }
    for _ in 0..<2 {
      for text in ["first", "second"] { work.append(.agent(.reason(LegID(1), text))) }
      #expect(next() == "first")
      work.append(.report(.toneEnded(LegID(1))))
      work.append(.agent(.reason(LegID(1), "caused")))
      #expect([next(), next(), next(), next()] == ["second", "tone-ended", "caused", nil])
    }
  }

  @Test func `who hangs all legs up ends one after the other, each with its last words (RFC 3550 §6.6, RFC 3261 §15)`() throws {
    for _ in 0..<2 {
      bench.answer(try bench.dial(), 200, body: CallAgentBench.answer)
      bench.take()
    }
    bench.forgetEvents()
    bench.perform(.hangUpAll)
    let byes = bench.take()
    #expect(byes.words == ["BYE", "BYE"])
    for bye in byes { bench.answer(bye, 200) }
    #expect(bench.events.map(\.journalName) == ["leg-ended", "leg-ended"])
    #expect(bench.events.compactMap(\.leg).map(\.rawValue) == [1, 2])
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }
}

@Suite struct SlabTests {
  @Test func `the key of what is gone finds nothing, although its place is used again`() {
    var slab = Slab<String>()
    let first = slab.insert("a")
    let second = slab.insert("b")
    slab.remove(first)
    let third = slab.insert("c")
    #expect(third.index == first.index && third != first)
    #expect(slab[first] == nil && slab[second] == "b" && slab[third] == "c" && slab.count == 2)
    let length = slab.update(first) { $0.count }
    #expect(length == nil)
    slab.remove(first)
    #expect(slab[third] == "c", "what is gone cannot be removed again")
  }

  @Test func `what is removed moves others in memory, and changes the key of none`() {
    var slab = Slab<Int>()
    let places = (0..<9).map { slab.insert($0) }
    let removed = [0, 8, 4].map { slab.remove(places[$0]) }
    #expect(removed == [0, 8, 4])
    for number in [1, 2, 3, 5, 6, 7] {
      slab.update(places[number]) { $0 += 100 }
      #expect(slab[places[number]] == number + 100)
    }
    #expect(slab.count == 6)
  }

  @Test func `generations begin anew after the last`() {
    var slab = Slab<Int>()
    let first = slab.insert(0)
    slab.remove(first)
    for number in 1..<Int(SlabPlace.generations) {
      let place = slab.insert(number)
      #expect(place.generation == number && place != first)
      slab.remove(place)
    }
    #expect(slab.insert(9) == first)
  }
}

@Suite struct MediaPortsTests {
  private let address = IPAddress(v4: 0xC000_0214)
  private let leg = SlabPlace(index: 3, generation: 1)

  @Test func `a port says whose it is until its pair is closed, and signalling has none of them`() throws {
    var ports = MediaPorts(20_000...20_100)
    var out = Outbox()
    let pair = ports.open(20_000, at: address, for: leg, .music, &out)
    for port in [MediaPorts.rtp(pair), MediaPorts.rtcp(pair)] {
      #expect(ports.pair(of: port)?.leg == leg && ports.pair(of: port)?.use == .music)
    }
    #expect(ports.pair(of: PortID(1)) == nil)
    let closed = ports.close(pair, &out)
    #expect(closed == 20_000 && ports.pair(of: MediaPorts.rtp(pair)) == nil && ports.count == 0)
    let again = ports.open(20_000, at: address, for: leg, .call, &out)
    #expect(ports.pair(of: MediaPorts.rtp(pair)) == nil, "the same place, another pair")
    #expect(ports.pair(of: MediaPorts.rtcp(again))?.use == .call)
  }

  @Test func `a pair is open when both of its ports are, one is not enough`() throws {
    var ports = MediaPorts(20_000...20_100)
    var out = Outbox()
    let pair = ports.open(20_000, at: address, for: leg, .call, &out)
    let first = ports.bound(MediaPorts.rtp(pair))
    let second = ports.bound(MediaPorts.rtcp(pair))
    #expect(first == nil && second?.port == 20_000)
  }
}
