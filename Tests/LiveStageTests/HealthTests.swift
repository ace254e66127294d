import LabTesting
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing

@testable import LiveStage

/// What the machine did to a run, and not anybody on stage.
@Suite struct HealthTests {
  private let own = TransportAddress(IPAddress(v4: 0x7F00_0002), port: 5_060)

  private func take(_ act: SocketFailure.Act, _ error: SystemError) -> StageFailure? {
    let health = LiveHealth()
    health.record(JournalRecord(at: .zero, host: HostID(0), .event(SocketFailure(act, local: own, error: error))))
    return health.failure
  }

  @Test(arguments: [
    (SocketFailure.Act.send, SystemError.noBufferSpace), (.receive, .outOfMemory), (.accept, .tooManyDescriptors),
    (.send, .addressNotAvailable),
  ])
  func `a socket that this machine let down makes the run void, with the error's name`(act: SocketFailure.Act, error: SystemError) {
    let failure = take(act, error)
    let reason = failure?.reason ?? ""
    #expect(failure?.verdict == .void)
    #expect(reason.hasPrefix("the socket 127.0.0.2:5060 failed to \(act.rawValue): ") && reason.hasSuffix("(\(error.name))"))
  }

  @Test(arguments: [
    (SocketFailure.Act.send, SystemError.hostUnreachable), (.send, .connectionReset), (.connect, .connectionRefused),
    (.unreachable, .connectionRefused), (.connect, .addressNotAvailable),
  ])
  func `a peer that is not there is the scenario's own business`(act: SocketFailure.Act, error: SystemError) {
    #expect(take(act, error) == nil)
  }

  @Test func `datagrams that the kernel threw away make it void, and the first reason stays`() {
    let health = LiveHealth()
    health.dropped(1, at: own)
    health.dropped(9, at: own)
    #expect(health.failure == .void("the kernel threw away 1 datagram at 127.0.0.2:5060: its receive queue was full"))
  }

  @Test func `a SIP port that somebody else has cannot be run on; a media port is the member's own want`() {
    let health = LiveHealth()
    health.record(JournalRecord(at: .zero, host: HostID(0), .bindFailed(TransportAddress(own.address, port: 4_000), .addressInUse)))
    #expect(health.failure == nil)
    health.record(JournalRecord(at: .zero, host: HostID(0), .bindFailed(own, .addressInUse)))
    #expect(health.failure?.verdict == .couldNotRun)
    #expect(health.failure?.reason.hasPrefix("nobody can listen on 127.0.0.2:5060") == true)
  }

  @Test func `what was late by more than 100 ms spoils a run, and each kind of lateness is named`() {
    let health = LiveHealth()
    health.tookLate(by: .milliseconds(100))
    #expect(health.lateness(of: [("pbx", .milliseconds(99))]) == nil)
    health.tookLate(by: .milliseconds(130))
    health.packet(sent(due: .milliseconds(1_000), at: .milliseconds(1_120)))
    health.packet(sent(due: .milliseconds(1_000), at: .milliseconds(1_010)))
    let expected =
      "this machine was too busy for the limits of the scenario: the run's own deadline was looked at 130 ms late, "
      + "kallglot was woken 250 ms late, RTP left 120 ms after it was due"
    #expect(health.lateness(of: [("pbx", .zero), ("kallglot", .milliseconds(250))]) == .void(expected))
  }

  private func sent(due: Duration, at: Duration) -> PacketRecord {
    PacketRecord(
      at: Instant.zero.advanced(by: at), host: HostID(0),
      frame: 1, direction: .sent, carrier: .udp, source: own, destination: own, payload: Bytes([0x80]),
      label: Label(due: Instant.zero.advanced(by: due)))
  }
}

/// A run that somebody stops.
@Suite(.timeLimit(.minutes(15))) struct InterruptionTests {
  @Test func `an interrupted live run ends at once and says so`() async throws {
    let scenario = try Scenario.read(
      """
      summary: a long wait
      cast: { kallglot: { endpoint: default, address: 198.51.100.10 }, pbx: { persona: plain-caller, address: 192.0.2.20 } }
      steps:
        - wait: 30 min
      """, file: "x.yaml")
    var run = LiveRun(isSlow: true)
    run.isInterrupted = { true }
    let result = await run.run(scenario)
    #expect(result.verdict == .couldNotRun && result.reason == LiveRun.interruption)
    #expect(result.duration < .seconds(600))
  }
}
