import SansIO

/// In which order a NAT tries its ports for a new binding (RFC 4787 §4.2). Well-known ports stay among themselves (REQ-3 b).
struct PortAssigner {
  private let rule: NAT.Ports
  private var generator: SeededGenerator

  init(_ rule: NAT.Ports, _ generator: SeededGenerator) {
    self.rule = rule
    self.generator = generator
  }

  /// Ports to try, the best one first.
  struct Candidates: IteratorProtocol {
    fileprivate var first: UInt16?
    fileprivate let start: Int
    fileprivate let range: ClosedRange<Int>
    /// 2 = all ports of one parity before those of the other.
    fileprivate let stride: Int
    private var index = 0

    fileprivate init(first: UInt16? = nil, start: Int, range: ClosedRange<Int>, stride: Int) {
      (self.first, self.start, self.range, self.stride) = (first, start, range, stride)
    }

    mutating func next() -> UInt16? {
      if let wanted = first {
        first = nil
        return wanted
      }
      while index < range.count {
        let half = (range.count + 1) / 2
        let step = stride == 1 ? index : index < half ? 2 * index : 2 * (index - half) + 1
        index += 1
        let candidate = range.lowerBound + (start - range.lowerBound + step) % range.count
        if candidate > 0 { return UInt16(candidate) }
      }
      return nil
    }
  }

  /// - Parameter sibling: the outside port of the even port below.
  mutating func candidates(for port: UInt16, after sibling: UInt16?) -> Candidates {
    let range: ClosedRange<Int> = port < 1_024 ? 0...1_023 : 1_024...65_535
    switch rule {
    case .preserve, .overload: return Candidates(start: Int(port), range: range, stride: 2)
    case .parity, .contiguous:
      let drawn = Int.random(in: range, using: &generator) & ~1 | Int(port & 1)
      let next = sibling.flatMap { $0 < .max ? $0 + 1 : nil }
      return Candidates(first: next, start: drawn, range: range, stride: 2)
    case .random: return Candidates(start: Int.random(in: range, using: &generator), range: range, stride: 1)
    }
  }
}
