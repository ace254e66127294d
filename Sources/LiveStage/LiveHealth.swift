import SansIO
import ScenarioEngine

/// What the machine, and not anybody on stage, did to a live run: a run that was spoiled by it is *void*.
///
/// Confined to the stage's loop.
final class LiveHealth: JournalSink {
  /// Lateness that may decide whether a limit of a scenario is kept: the shortest ones are 200 ms.
  static let limit: Duration = .milliseconds(100)

  /// How late the run's own deadlines were looked at, at worst.
  private(set) var worstLag: Duration = .zero
  /// How late RTP left, at worst, against the time at which its packet was due.
  private(set) var worstSendError: Duration = .zero
  private(set) var failure: StageFailure?

  func hostAdded(_ host: HostID, name: String) {}

  func packet(_ packet: PacketRecord) {
    guard packet.direction == .sent, packet.label.due != .zero else { return }
    worstSendError = max(worstSendError, packet.label.due.duration(to: packet.at))
  }

  func record(_ record: JournalRecord) {
    switch record.body {
    case .event(let event as SocketFailure): take(event)
    case .bindFailed(let address, let failure) where address.port == 5_060 || address.port == 5_061:
      spoil(.couldNotRun("nobody can listen on \(address): \(failure)"))
    case .event, .secret, .plaintext, .step, .bound, .unbound, .bindFailed, .finding, .note: break
    }
  }

  func finish(at now: Instant) {}

  /// What this machine lacked; that a peer is not there is the scenario's own business.
  private func take(_ failure: SocketFailure) {
    switch failure.act {
    case .send, .accept, .receive:
      guard failure.error.isOfThisMachine else { return }
      spoil(.void("the socket \(failure.local) failed to \(failure.act.rawValue): \(failure.error.meaning) (\(failure.error.name))"))
    case .bind, .connect, .unreachable: break
    }
  }

  func tookLate(by lag: Duration) { worstLag = max(worstLag, lag) }

  func dropped(_ count: Int, at address: TransportAddress) {
    spoil(.void("the kernel threw away \(CountText.of(count, "datagram")) at \(address): its receive queue was full"))
  }

  /// Why a run that failed proves nothing: somebody was late who should have been on time.
  func lateness(of hosts: [(name: String, lag: Duration)]) -> StageFailure? {
    var reasons: [String] = []
    if worstLag > Self.limit { reasons.append("the run's own deadline was looked at \(worstLag.inMilliseconds) late") }
    for host in hosts where host.lag > Self.limit { reasons.append("\(host.name) was woken \(host.lag.inMilliseconds) late") }
    if worstSendError > Self.limit { reasons.append("RTP left \(worstSendError.inMilliseconds) after it was due") }
    guard !reasons.isEmpty else { return nil }
    return .void("this machine was too busy for the limits of the scenario: \(reasons.joined(separator: ", "))")
  }

  private func spoil(_ failure: StageFailure) { if self.failure == nil { self.failure = failure } }
}

extension SystemError {
  /// A want of this machine's, not an answer of the network.
  fileprivate var isOfThisMachine: Bool {
    switch self {
    case .wouldBlock, .noBufferSpace, .outOfMemory, .tooManyDescriptors, .tooManyOpenFiles, .notPermitted, .invalidArgument,
      .addressNotAvailable:
      true
    default: false
    }
  }
}

extension Duration {
  fileprivate var inMilliseconds: String { "\(wholeNanoseconds / 1_000_000) ms" }
}
