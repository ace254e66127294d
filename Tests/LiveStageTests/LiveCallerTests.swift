import LiveNetwork
import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel
import Testing

@testable import LiveStage

@Suite(.serialized, .timeLimit(.minutes(1))) struct LiveCallerTests {
  @Test func `a call to a closed UDP port says at once why it failed, and nothing is scheduled after its end`() async throws {
    let uri = try SIPURI(parsing: "sip:x@127.0.0.1:9")
    let target = SIPTarget(transport: .udp, address: TransportAddress(.loopbackV4, port: 9))
    let caller = try LiveCaller(
      uri, target: target, local: .loopbackV4, configuration: CallConfiguration(), duration: .seconds(1), tone: nil, say: { _ in })
    let began = LiveClock()
    let outcome = try await caller.run()
    // Timer B would take 32 s.
    #expect(began.now < Instant(nanoseconds: 16_000_000_000))
    #expect(!outcome.established && outcome.end == .transportFailed)
    #expect(outcome.failure == "127.0.0.1:9 is unreachable: ECONNREFUSED, nobody listens there")
    #expect(caller.droppedTasks == 0)
  }
}
