import SansIO

/// How far a gateway has moved the sequence numbers of a TCP connection, in each direction (as `nf_ct_seqadj` does).
struct SegmentShifts {
  private struct Shift {
    /// The number behind the bytes that changed, as their sender counts and as their receiver does.
    var sent: UInt32
    var received: UInt32
  }

  private var outbound: [Shift] = []
  private var inbound: [Shift] = []

  private static let most = 4_096

  /// The numbers of a segment for the other side.
  func adjusted(_ segment: TCPSegment, isOutbound: Bool) -> TCPSegment {
    let (own, other) = isOutbound ? (outbound, inbound) : (inbound, outbound)
    var adjusted = segment
    if let shift = own.last(where: { Int32(bitPattern: segment.sequence &- $0.sent) >= 0 }) {
      adjusted.sequence = segment.sequence &+ (shift.received &- shift.sent)
    }
    if segment.flags.contains(.ack), let shift = other.last(where: { Int32(bitPattern: segment.acknowledgement &- $0.received) >= 0 }) {
      adjusted.acknowledgement = segment.acknowledgement &- (shift.received &- shift.sent)
    }
    return adjusted
  }

  /// The payload of a segment was changed; a segment that comes again is changed again, and counts once.
  ///
  /// - Parameter sequence: as its sender counts.
  mutating func note(_ sequence: UInt32, _ before: Int, _ after: Int, isOutbound: Bool) {
    let list = isOutbound ? outbound : inbound
    let sent = sequence &+ UInt32(before)
    guard before != after, list.count < Self.most, !list.contains(where: { $0.sent == sent }) else { return }
    let base = list.last { Int32(bitPattern: sequence &- $0.sent) >= 0 }.map { $0.received &- $0.sent } ?? 0
    let shift = Shift(sent: sent, received: sequence &+ base &+ UInt32(after))
    if isOutbound { outbound.append(shift) } else { inbound.append(shift) }
  }
}
