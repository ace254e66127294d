import SDP
import SIPMessage
import SansIO
import Testing

@testable import CallControl
@testable import SIPUserAgent

/// Responses that come more than once: each 2xx gets its own ACK again, and the first description of a dialog counts.
@Suite struct RepeatedSuccessTests {
  private let bench = CallAgentBench()

  /// A call that is up, and its INVITE.
  private func establish(_ bench: CallAgentBench) throws -> SIPMessage {
    let invite = try #require(try bench.dial())
    bench.answer(invite, 200, body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"])
    return invite
  }

  /// The re-INVITE of a change, answered with 200 and acknowledged.
  private func change(_ change: SessionChange, version: Int, direction: String) throws -> SIPMessage {
    bench.perform(.reinvite(try #require(bench.leg), change))
    let reinvite = try #require(bench.take().first { $0.method == .invite })
    bench.answer(reinvite, 200, body: Self.answer(version, direction))
    #expect(bench.take().words == ["ACK"])
    return reinvite
  }

  private static func answer(_ version: Int, _ direction: String) -> String {
    CallAgentBench.answer.replacing("o=uas 1 1", with: "o=uas 1 \(version)").replacing("a=sendrecv", with: "a=\(direction)")
  }

  private func sequences(_ messages: [SIPMessage]) throws -> [UInt32] { try messages.map { try $0.cseq().number } }

  @Test func `the 2xx of an earlier INVITE gets its own ACK again while a newer re-INVITE is out (RFC 3261 §13.2.2.4)`() throws {
    let invite = try establish(bench)
    let hold = try change(.hold(.sendonly), version: 2, direction: "recvonly")
    bench.perform(.reinvite(try #require(bench.leg), .resume))
    let resume = try #require(bench.take().first)
    bench.answer(hold, 200, body: Self.answer(2, "recvonly"))
    bench.answer(invite, 200, body: CallAgentBench.answer)
    let acknowledgements = bench.take()
    #expect(acknowledgements.words == ["ACK", "ACK"])
    #expect(try sequences(acknowledgements) == [try hold.cseq().number, try invite.cseq().number])
    bench.answer(resume, 200, body: Self.answer(3, "sendrecv"))
    #expect(try sequences(bench.take()) == [try resume.cseq().number])
    bench.answer(hold, 200, body: Self.answer(2, "recvonly"))
    bench.answer(resume, 200, body: Self.answer(3, "sendrecv"))
    bench.answer(invite, 200, body: CallAgentBench.answer)
    #expect(try sequences(bench.take()) == [hold, resume, invite].map { try $0.cseq().number })
    #expect(bench.violations == [])
  }

  @Test func `a copy of the ACK is the ACK, with the same answer in it`() throws {
    let invite = try #require(try bench.dial(isOfferDelayed: true))
    bench.answer(invite, 200, body: CallAgentBench.answer)
    let first = try #require(bench.take().first)
    bench.perform(.reinvite(try #require(bench.leg), .refresh))
    _ = bench.take()
    bench.answer(invite, 200, body: CallAgentBench.answer)
    let again = try #require(bench.take().first)
    #expect(again.method == .ack && again.body == first.body && !again.body.isEmpty)
    #expect(again.first(.via)?.text == first.first(.via)?.text)
  }

  @Test func `what is remembered goes with the transaction: 64·T1 after the first 2xx nothing is left`() throws {
    _ = try establish(bench)
    _ = try change(.hold(.sendonly), version: 2, direction: "recvonly")
    let usage = try #require(bench.leg.flatMap { bench.agent.userAgent.conversation($0) })
    #expect(!usage.acknowledgements.isEmpty)
    bench.wait(.seconds(33))
    #expect(usage.acknowledgements.isEmpty)
    bench.perform(.hangUp(try #require(bench.leg)))
    bench.answer(bench.take().last, 200)
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }

  @Test func `a re-INVITE's 2xx that comes when the call has ended is acknowledged all the same, first time or again`() throws {
    let invite = try establish(bench)
    let hold = try change(.hold(.sendonly), version: 2, direction: "recvonly")
    bench.perform(.reinvite(try #require(bench.leg), .resume))
    let resume = try #require(bench.take().first)
    bench.request("BYE", in: invite, sequence: 1)
    #expect(bench.take().words == ["200"] && bench.ends == [.hungUpByPeer])
    bench.answer(hold, 200, body: Self.answer(2, "recvonly"))
    bench.answer(resume, 200, body: Self.answer(3, "sendrecv"))
    bench.answer(resume, 200, body: Self.answer(3, "sendrecv"))
    #expect(try sequences(bench.take()) == [hold, resume, resume].map { try $0.cseq().number })
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }

  @Test func `an ACK has the number of an INVITE: one of the last ones may come late, another number is named (RFC 3261 §13.2.2.4)`() throws
  {
    let invite = try establish(bench)
    bench.request("INVITE", in: invite, sequence: 5, body: Self.answer(2, "sendonly"))
    bench.request("ACK", in: invite, sequence: 5)
    bench.request("INVITE", in: invite, sequence: 6, body: Self.answer(3, "sendrecv"))
    bench.request("ACK", in: invite, sequence: 5)
    #expect(bench.violations == [])
    bench.request("ACK", in: invite, sequence: 9)
    #expect(bench.violations == [.acknowledgementSequence])
    bench.request("ACK", in: invite, sequence: 6)
    _ = bench.take()
    #expect(bench.wait(.seconds(40)).isEmpty, "the 200 of the second is not sent again")
  }

  // MARK: - The first description counts

  private static let other = CallAgentBench.answer.replacing("o=uas 1 1", with: "o=uas 1 2").replacing("6000", with: "7000")

  private func media(_ bench: CallAgentBench) throws -> UInt16? {
    bench.session?.agreement.remote.port
  }

  @Test func `a second answer in the 200 is ignored and named; a copy of the first is fine (RFC 3261 §13.2.1, RFC 6337 §3.1.1)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 183, tag: "a", body: CallAgentBench.answer)
    bench.answer(invite, 183, tag: "a", body: CallAgentBench.answer)
    bench.answer(invite, 200, tag: "a", body: CallAgentBench.answer)
    #expect(bench.violations == [])
    let changed = CallAgentBench()
    let second = try changed.dial()
    changed.answer(second, 183, tag: "a", body: CallAgentBench.answer)
    changed.answer(second, 200, tag: "a", body: Self.other)
    #expect(changed.violations == [.secondAnswer])
    #expect(try media(changed) == 6000)
    #expect(changed.take().words == ["ACK"] && changed.isUp)
  }

  @Test func `a second answer in another 183 changes nothing; each To tag is a dialog of its own (RFC 3261 §12.1)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 183, tag: "a", body: CallAgentBench.answer)
    bench.answer(invite, 183, tag: "a", body: Self.other)
    #expect(bench.violations == [.secondAnswer])
    bench.answer(invite, 183, tag: "b", body: Self.other)
    let early = bench.events.compactMap { if case .earlyMedia(_, let agreement) = $0 { agreement.remote.port } else { nil } }
    #expect(early == [6000, 7000])
    bench.answer(invite, 200, tag: "b", body: Self.other)
    #expect(bench.violations == [.secondAnswer])
    #expect(try media(bench) == 7000)
  }

  @Test func `a copy of a 2xx with another description is acknowledged, ignored and named, also that of a re-INVITE`() throws {
    let invite = try establish(bench)
    bench.answer(invite, 200, body: Self.other)
    #expect(bench.violations == [.secondAnswer])
    let hold = try change(.hold(.sendonly), version: 3, direction: "recvonly")
    bench.answer(hold, 200, body: Self.answer(4, "inactive"))
    #expect(bench.violations == [.secondAnswer, .secondAnswer])
    #expect(bench.take().words == ["ACK"])
    #expect(try media(bench) == 6000)
  }

  @Test func `a copy of an ACK with another answer is ignored and named`() throws {
    let invite = try establish(bench)
    bench.request("INVITE", in: invite, sequence: 5)
    bench.request("ACK", in: invite, sequence: 5, body: Self.answer(2, "sendrecv"))
    bench.request("ACK", in: invite, sequence: 5, body: Self.answer(2, "sendrecv"))
    #expect(bench.violations == [])
    bench.request("ACK", in: invite, sequence: 5, body: Self.other)
    #expect(bench.violations == [.secondAnswer])
    #expect(try media(bench) == 6000)
  }

  @Test func `an offer in provisional responses to an INVITE without one is only a preview: it may change (RFC 3261 §13.2.1)`() throws {
    let invite = try bench.dial(isOfferDelayed: true)
    bench.answer(invite, 183, tag: "a", body: CallAgentBench.answer)
    bench.answer(invite, 200, tag: "a", body: Self.other)
    #expect(bench.violations == [])
    #expect(try media(bench) == 7000)
  }
}
