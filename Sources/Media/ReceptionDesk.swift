import RTP
import SansIO

/// What a receiver has between its port and its decoder where a jitter buffer or figures are asked for: packets pass it in their order of
/// arrival, and frames leave it in their order of playing. It has its own memory, so that streams without it do not carry its size.
struct ReceptionDesk: Sendable {
  private(set) var buffer: JitterBuffer?
  private var ledger = ReceptionLedger()

  /// nil where neither is asked for.
  init?(_ settings: ReceptionSettings, packetTime: Int, clockRate: Int) {
    guard settings.needsDesk else { return nil }
    buffer = JitterBuffer(settings.jitterBuffer, packetTime: packetTime, clockRate: clockRate)
  }

  /// Books a packet, and puts it in the buffer if there is one.
  ///
  /// - Parameters:
  ///   - clockRate: of its payload type.
  ///   - jitter: of its source, in milliseconds.
  ///   - isInOrder: it carries on from the newest one; without a buffer nothing else is heard.
  ///   - isNewSource: it is the first of its SSRC.
  mutating func take(_ packet: BufferedPacket, clockRate: Int, jitter: Double, isInOrder: Bool, isNewSource: Bool) {
    if isNewSource { ledger.startOver() }
    let time = packet.arrival.nanoseconds
    let insertion = buffer?.insert(packet, clockRate: clockRate) ?? (isInOrder ? .kept : .late)
    switch insertion {
    case .kept, .duplicate, .doubted: ledger.take(packet.sequence, at: time, jitter: jitter)
    case .late: ledger.take(packet.sequence, at: time, jitter: jitter, isDiscarded: true)
    }
  }

  /// What is due by now, one after the other.
  mutating func next(at now: Instant) -> (playout: Playout, due: Instant)? {
    guard let next = buffer?.next(at: now) else { return nil }
    if case .skipped(let packet) = next.playout { ledger.discard(packet.sequence) }
    return next
  }

  var figures: ReceptionLedger.Figures { ledger.figures }
}
