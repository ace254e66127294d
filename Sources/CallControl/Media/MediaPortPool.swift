/// The media ports of one user agent: even ports for RTP, the odd one above for RTCP (RFC 3550 §11).
///
/// A released pair rests while ``quarantine`` others are released after it, so that late packets of the old call do not reach a new one;
/// then it is preferred to a fresh pair, since a driver keeps its sockets parked. A pair that another program holds is tried again when no
/// other is left.
struct MediaPortPool {
  private var fresh: ClosedRange<UInt16>
  private var released: [UInt16] = []
  private var head = 0
  private var usesFresh = true
  private var aside: [UInt16] = []
  private let quarantine: Int

  /// - Parameter range: at least one even port with the odd one above it inside the range, else the pool is empty.
  init(_ range: ClosedRange<UInt16>, quarantine: Int = 32) {
    let first = range.lowerBound + range.lowerBound % 2
    fresh = first...max(first, range.upperBound)
    usesFresh = first < range.upperBound
    self.quarantine = quarantine
  }

  /// The RTP port of a free pair; nil when all are in use.
  mutating func take() -> UInt16? {
    if released.count - head > quarantine || !usesFresh { return takeReleased() ?? takeAside() }
    let port = fresh.lowerBound
    if Int(port) + 3 <= Int(fresh.upperBound) {
      fresh = port + 2...fresh.upperBound
    } else {
      usesFresh = false
    }
    return port
  }

  mutating func release(_ port: UInt16) { released.append(port) }

  /// For a pair that could not be opened.
  mutating func putAside(_ port: UInt16) { aside.append(port) }

  private mutating func takeAside() -> UInt16? { aside.isEmpty ? nil : aside.removeFirst() }

  private mutating func takeReleased() -> UInt16? {
    guard head < released.count else { return nil }
    defer {
      head += 1
      if head > 1024 {
        released.removeFirst(head)
        head = 0
      }
    }
    return released[head]
  }
}
