import SansIO
import Testing

@testable import CallControl

/// A leg on which no RTP comes (contract 8.3).
@Suite struct SilenceTests {
  private let bench = CallAgentBench(rtpTimeout: .seconds(5))

  private func establish() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, body: CallAgentBench.answer)
    #expect(bench.take().words == ["ACK"] && bench.isUp)
  }

  @Test func `it ends by BYE after its time, not before`() throws {
    try establish()
    #expect(bench.wait(.milliseconds(4_900)).words == [])
    #expect(bench.wait(.milliseconds(200)).words == ["BYE"])
  }

  @Test func `while an offer is open silence proves nothing, and the time counts from its answer (RFC 3264 §5.1)`() throws {
    try establish()
    bench.perform(.reinvite(try #require(bench.leg), .refresh))
    let reinvite = try #require(bench.take().first)
    bench.answer(reinvite, 100)
    #expect(bench.wait(.seconds(20)).words.contains("BYE") == false)
    bench.answer(reinvite, 200, body: CallAgentBench.answer)
    #expect(bench.wait(.milliseconds(4_900)).words == ["ACK"])
    #expect(bench.wait(.milliseconds(200)).words == ["BYE"])
  }
}
