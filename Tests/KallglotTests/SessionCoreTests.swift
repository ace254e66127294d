import KallglotPolicy
import LabBench
import SansIO
import Testing

@testable import Kallglot

/// Legs are words here: the core knows nothing of SIP.
private struct Leg: SerialKey, ExpressibleByStringLiteral {
  let word: String
  var number: UInt32 { ["first": 1, "second": 2][word] ?? 0 }

  init(stringLiteral word: String) { self.word = word }
}

private typealias Core = SessionCore<Leg>

@Suite struct SessionCoreTests {
  private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  private func terms(_ account: String = "acme", grace: Duration = .zero, limit: Duration? = nil) -> Core.Terms {
    var policy = Policy.standard
    (policy.byeGrace, policy.maxCallDuration) = (grace, limit)
    return Core.Terms(account: account, policy: policy)
  }

  private func admit(_ core: inout Core, _ leg: Leg, grace: Duration = .zero, role: SessionRole? = nil) -> [Core.Output] {
    core.handle(.admitted(leg, terms(grace: grace), to: .session("sess_a"), role: role), at: .zero)
  }

  @Test func `a session holds two legs, ends with its last active one and is then gone (contract 8.3)`() {
    var core = Core([Session(id: "sess_a", account: "acme")])
    #expect(core.lookUp("sess_x", account: "acme") == .unknown)
    #expect(core.lookUp("sess_a", account: "other") == .unknown)
    #expect(core.lookUp("sess_a", account: nil) == .found)
    for (leg, role) in [("first" as Leg, SessionRole.customer), ("second", .agent)] {
      #expect(admit(&core, leg) == [.joined(leg, session: "sess_a", account: "acme", role)])
      #expect(core.handle(.established(leg), at: .zero) == [])
    }
    #expect(core.lookUp("sess_a", account: "acme") == .full)
    #expect(core.handle(.ended("first"), at: .zero) == [])
    #expect(core.lookUp("sess_a", account: "acme") == .found, "one leg is left")
    #expect(core.handle(.ended("second"), at: .zero) == [.sessionEnded("sess_a", .completed)])
    #expect(core.lookUp("sess_a", account: "acme") == .ended)
  }

  @Test func `a leg that never was up leaves the session as it was`() {
    var core = Core([Session(id: "sess_a", account: "acme")])
    _ = admit(&core, "first")
    #expect(core.handle(.ended("first"), at: .zero) == [])
    #expect(core.lookUp("sess_a", account: "acme") == .found)
  }

  @Test func `a role that is asked for is given where it is free (contract 8.3)`() {
    var core = Core([Session(id: "sess_a", account: "acme")])
    #expect(admit(&core, "first", role: .agent) == [.joined("first", session: "sess_a", account: "acme", .agent)])
    #expect(admit(&core, "second", role: .agent) == [.joined("second", session: "sess_a", account: "acme", .customer)])
  }

  @Test func `after its last leg a session waits for another until its grace is over (contract 8.8, byeGrace)`() {
    var core = Core([Session(id: "sess_a", account: "acme")])
    _ = admit(&core, "first", grace: .seconds(5)) + core.handle(.established("first"), at: .zero)
    #expect(core.handle(.ended("first"), at: at(10)) == [] && core.nextDeadline == at(15))
    #expect(core.takeExpired(at: at(14)) == nil && core.lookUp("sess_a", account: "acme") == .found)
    _ = admit(&core, "second", grace: .seconds(5))
    #expect(core.nextDeadline == nil, "somebody came")
    #expect(core.handle(.ended("second"), at: at(20)) == [], "the session was active before")
    #expect(core.takeExpired(at: at(25)) == [.sessionEnded("sess_a", .completed)])
    #expect(core.lookUp("sess_a", account: "acme") == .ended && core.nextDeadline == nil)
  }

  @Test func `the API ends a session once, and its legs in the order they joined`() {
    var core = Core([Session(id: "sess_a", account: "acme")])
    let before = Holdings(of: core).counts
    _ = admit(&core, "first") + admit(&core, "second")
    #expect(
      core.handle(.endSession("sess_a"), at: .zero)
        == [.sessionEnded("sess_a", .byAPI), .hangUp("first", .sessionEnded), .hangUp("second", .sessionEnded)])
    #expect(core.handle(.endSession("sess_a"), at: .zero) == [])
    #expect(core.handle(.established("second"), at: .zero) == [] && core.lookUp("sess_a", account: "acme") == .ended)
    for leg in ["first", "second"] as [Leg] { #expect(core.handle(.ended(leg), at: .zero) == []) }
    #expect(Holdings(of: core).grown(since: before) == [])
  }

  @Test func `a reusable session is open again after its last leg, and only the API ends it`() {
    var core = Core([Session(id: "sess_a", account: "acme", isReusable: true)])
    for leg in ["first", "second"] as [Leg] {
      _ = admit(&core, leg) + core.handle(.established(leg), at: .zero)
      #expect(core.handle(.ended(leg), at: .zero) == [] && core.lookUp("sess_a", account: "acme") == .found)
    }
    #expect(core.handle(.endSession("sess_a"), at: .zero) == [.sessionEnded("sess_a", .byAPI)])
  }

  @Test func `a call without a session makes one, which is forgotten with it (contract 8.3, inbound-first)`() {
    var core = Core([])
    let before = Holdings(of: core).counts
    for number in 1...2 {
      let joined = core.handle(.admitted("leg", terms(), to: .inbound, role: nil), at: .zero)
      #expect(joined == [.joined("leg", session: "sess_inbound\(number)", account: "acme", .customer)])
      #expect(core.calls(of: "acme") == 1 && core.sessionCount == 1)
      _ = core.handle(.established("leg"), at: .zero)
      #expect(core.handle(.ended("leg"), at: .zero) == [.sessionEnded("sess_inbound\(number)", .completed)])
    }
    #expect(Holdings(of: core).grown(since: before) == [])
  }

  @Test func `a call may last so long from its 200 (contract 8.7, maxCallDuration)`() {
    var core = Core([])
    _ = core.handle(.admitted("leg", terms(limit: .seconds(60)), to: .inbound, role: nil), at: .zero)
    #expect(core.nextDeadline == nil)
    _ = core.handle(.established("leg"), at: at(3))
    #expect(core.nextDeadline == at(63) && core.takeExpired(at: at(62)) == nil)
    #expect(core.takeExpired(at: at(63)) == [.hangUp("leg", .durationReached)])
    #expect(core.takeExpired(at: at(63)) == nil)
  }
}
