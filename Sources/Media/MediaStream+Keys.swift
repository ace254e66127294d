import SDP
import SansIO

// What gives a stream its keys, and what comes before them.
extension MediaStream {
  /// Opens the association that the agreement asks for; media waits for it. One with direct media is not ours to open.
  mutating func secure(at now: Instant, _ out: inout Outbox) {
    guard agreement.association != nil, !isElsewhere else { return }
    take(keying.begin(agreement, at: now, &out), at: now)
    take(keying.retryHeld(at: now, &out), at: now)
  }

  mutating func take(_ outputs: [DTLSKeying.Output], at now: Instant) {
    for output in outputs {
      switch output {
      case .keyed(let kinds, let keys, let media):
        protection.key(kinds, with: keys)
        if keying.isKeyed { events.append(.secured(media)) }
        takeEarly(at: now)
      case .failed(let failure): events.append(.securingFailed(failure))
      case .closed:
        protection.lock()
        events.append(.associationClosed)
      }
    }
  }

  /// A packet came before its keys, or under keys that an answer has still to name.
  ///
  /// - Parameter isCounted: it was counted as dropped already.
  mutating func tooEarly(_ bytes: Bytes, on port: PortID, from source: TransportAddress, at now: Instant, isCounted: Bool = false) {
    if configuration.earlyRTP == .buffer, early.keep(.datagram(port, from: source, bytes), at: now) { return }
    if !isCounted { protection.dropEarly() }
  }

  /// There are other keys now: what waited for them is taken as of the time when it came.
  mutating func takeEarly(at now: Instant) {
    for packet in early.takeAll(at: now) {
      guard case .datagram(let port, from: let source, let bytes) = packet.arrival else { continue }
      receive(bytes, on: port, from: source, at: packet.at)
    }
  }
}
