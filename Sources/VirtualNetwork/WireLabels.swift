import Impairments
import SansIO

/// What packets of real hosts are, by their bytes alone: nobody labels those. Faults are named by the same labels in a relay as in a run.
public struct WireLabels: Sendable {
  /// The last final status of the INVITE of each call, for "the ACK of the 200".
  private var answers: [[UInt8]: UInt16] = [:]
  /// A flood of calls forgets the older ones.
  private static let most = 4_096

  public init() {}

  /// - Parameter payload: of a datagram, or of a segment that begins with a message.
  public mutating func label(_ payload: Bytes) -> Label {
    guard let first = payload.first else { return .none }
    // By the first octet (RFC 7983 §7).
    switch first {
    case 13, 10: return Label(.keepAlive)
    case 20...63: return Label(.dtls)
    case 128...191: return media(payload)
    default: return sip(payload)
    }
  }

  /// RTCP has its packet types where RTP has a marker and a payload type (RFC 5761 §4).
  private func media(_ payload: Bytes) -> Label {
    guard payload.count >= 8 else { return .none }
    let second = payload[payload.startIndex + 1]
    return (192...223).contains(second) ? Label(.rtcp) : Label(.rtp(payloadType: second & 127))
  }

  private mutating func sip(_ payload: Bytes) -> Label {
    guard let text = SIPText(payload), let method = text.method, let word = Label.Word(method) else { return .none }
    if let status = text.status {
      if method == "INVITE", status >= 200 { note(status, text.callID) }
      return Label(.response(status: status, word))
    }
    var label = Label(.request(word))
    if method == "ACK", let status = text.callID.flatMap({ answers[$0] }) { label.acknowledgedStatus = status < 300 ? 200 : status }
    return label
  }

  private mutating func note(_ status: UInt16, _ call: [UInt8]?) {
    guard let call else { return }
    if answers.count >= Self.most { answers = [:] }
    answers[call] = status
  }
}

/// The faults of a router, and what each of them meets.
struct RoutedFaults {
  private var labels = WireLabels()
  private var table = FaultTable()
  private(set) var count: UInt16 = 0

  var isEmpty: Bool { table.isEmpty }

  mutating func add(_ fault: Fault, at now: Instant) { count = table.add(fault, at: now) }

  func report(_ number: UInt16) -> (text: String, seen: Int, struck: Int)? { table.report(number) }

  /// Changes what becomes of a packet: of datagrams anything that happens to one, of segments what TCP mends by itself.
  ///
  /// - Parameter delay: of the way, where the packet itself is lost.
  mutating func strike(
    _ payload: inout Bytes, isSegment: Bool, from host: Int, to peer: Int, delay: Int64, at now: Instant, _ passage: inout Passage
  ) -> Fate? {
    guard !table.isEmpty, !payload.isEmpty, let hit = table.match(labels.label(payload), payload, from: host, to: peer, at: now) else {
      return nil
    }
    let delay = passage.first ?? delay
    switch hit.action {
    case .drop: passage = .lost(.listed)
    case .reset where !isSegment: passage = .lost(.listed)
    case .delay(let extra):
      passage.first = delay + extra.wholeNanoseconds
      return .delayed(fault: hit.number)
    case .duplicate where !isSegment:
      (passage.first, passage.second) = (delay, delay)
      return .duplicated
    case .rewrite(let change):
      let changed = change(payload)
      // Sequence numbers stay those of the hosts.
      guard !isSegment || changed.count == payload.count else { return nil }
      (payload, passage.first) = (changed, delay)
      return .rewritten(fault: hit.number)
    case .reset, .duplicate, .split, .halfClose: return nil
    }
    return .dropped(fault: hit.number)
  }
}
