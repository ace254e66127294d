import SDP
import SansIO

@testable import Media

extension MediaStream {
  /// A stream that has begun, on ports 1 and 2.
  static func running(_ agreement: AudioAgreement, tag: String = "", isForked: Bool = false) -> MediaStream {
    var stream = MediaStream(
      .init(cname: "lab", rtpPort: PortID(1), rtcpPort: PortID(2), dialog: 1, epoch: .virtual), agreement: agreement, remoteTag: tag,
      isForked: isForked, entropy: Entropy(seed: 9))
    stream.handle(.start, at: .zero)
    return stream
  }

  /// A command that lets nothing leave.
  mutating func handle(_ command: MediaCommand, at now: Instant) {
    var out = Outbox()
    handle(command, at: now, &out)
  }

  /// Takes an arrival that lets nothing leave.
  mutating func receive(_ arrival: Arrival, at now: Instant) {
    var out = Outbox()
    receive(arrival, at: now, &out)
  }

  /// Takes an arrival; whether it counted as a sign of life of the peer.
  @discardableResult
  mutating func takes(_ arrival: Arrival, at now: Instant) -> Bool {
    let before = silence
    silence.start(limit: .seconds(3_600), at: Instant(nanoseconds: -1))
    receive(arrival, at: now)
    defer { silence = before }
    return silence.deadline == now.advanced(by: .seconds(3_600))
  }

  /// The rules that the peer broke since the last time.
  mutating func rules() -> [PeerViolation.Rule] {
    takeEvents().compactMap { if case .violation(let violation) = $0 { violation.rule } else { nil } }
  }
}
