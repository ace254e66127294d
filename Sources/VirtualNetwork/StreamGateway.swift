import SansIO

/// What a gateway on the way of a stream changes: lengths, and so the sequence numbers behind them.
///
/// The stream itself counts what its receivers get. Whoever looks at it before the gateway has seen what was written, under the numbers of
/// its own side; this remembers them, as a kernel's `nf_conntrack_seqadj` does.
struct StreamGateway {
  /// The box that has the gateway.
  let box: Int
  /// How many bytes more the receiver has got than were written, from a sequence number on.
  private struct Shift {
    var from: UInt32
    var bytes: Int32
  }

  /// The first byte of a segment.
  private struct Place: Hashable {
    var side: Int
    var sequence: UInt32
  }

  private var shifts: ([Shift], [Shift]) = ([], [])
  /// What was written in the place of what a segment carries.
  private var originals: [Place: Bytes] = [:]

  init(box: Int) { self.box = box }

  /// A write of a side was changed.
  ///
  /// - Parameters:
  ///   - sequence: of the first byte.
  ///   - segment: bytes of a full segment.
  mutating func note(_ side: Int, _ sequence: UInt32, from original: Bytes, to changed: Bytes, segment: Int) {
    let last = changed.count == 0 ? 0 : (changed.count - 1) / segment
    for number in 0...last {
      let start = min(number * segment, original.count)
      let end = number == last ? original.count : min(start + segment, original.count)
      originals[Place(side: side, sequence: sequence &+ UInt32(number * segment))] = original[start..<end]
    }
    let bytes = (side == 0 ? shifts.0 : shifts.1).last?.bytes ?? 0
    let shift = Shift(from: sequence &+ UInt32(changed.count), bytes: bytes + Int32(changed.count - original.count))
    if side == 0 { shifts.0.append(shift) } else { shifts.1.append(shift) }
  }

  /// A number of what a side sent, as that side counts.
  private func original(_ number: UInt32, of side: Int) -> UInt32 {
    let found = (side == 0 ? shifts.0 : shifts.1).last { Int32(bitPattern: number &- $0.from) >= 0 }
    return found.map { number &- UInt32(bitPattern: $0.bytes) } ?? number
  }

  /// A segment as it is seen on one side of the gateway.
  ///
  /// - Parameter isPast: whether it has passed the gateway.
  func view(_ flight: SegmentInFlight, isPast: Bool) -> SegmentView {
    var header = flight.header
    if isPast {
      header.acknowledgement = original(header.acknowledgement, of: 1 - flight.side)
      return SegmentView(header: header, payload: flight.payload, label: flight.label)
    }
    let payload = originals[Place(side: flight.side, sequence: header.sequence)] ?? flight.payload
    header.sequence = original(header.sequence, of: flight.side)
    return SegmentView(header: header, payload: payload, label: payload == flight.payload ? flight.label : flight.label.whole)
  }
}

/// A segment as somebody sees it.
struct SegmentView {
  var header: TCPSegment
  var payload: Bytes
  var label: Label
}

extension VirtualStream {
  /// A segment as it is seen before or past the gateway, where there is one.
  func view(_ flight: SegmentInFlight, isPast: Bool) -> SegmentView {
    gateway?.view(flight, isPast: isPast) ?? SegmentView(header: flight.header, payload: flight.payload, label: flight.label)
  }
}

extension Label {
  /// As it was before a gateway broke what it stands for.
  fileprivate var whole: Label {
    var label = self
    label.isDeliberatelyBroken = false
    return label
  }
}
