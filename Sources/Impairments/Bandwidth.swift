import SansIO

/// A link's bottleneck: so many bits a second, and a queue before it that drops what does not fit at its end.
public struct Bandwidth: Hashable, Sendable {
  public enum Queue: Hashable, Sendable {
    /// Octets of IP packets, headers included.
    case bytes(Int)
    /// What the bottleneck carries in that time.
    case time(Duration)
  }

  /// Of IP packets, headers included.
  public var bitsPerSecond: Int
  /// What waits, and the packet that is being sent.
  public var queue: Queue
  /// What others send through the same queue: packets of 1,500 octets at random moments (a Poisson process), in bits a second.
  public var crossTraffic: Int

  public init(bitsPerSecond: Int, queue: Queue = .time(.milliseconds(200)), crossTraffic: Int = 0) {
    self.bitsPerSecond = bitsPerSecond
    self.queue = queue
    self.crossTraffic = crossTraffic
  }
}

/// The queue before a bottleneck, as the moment at which it will be empty.
struct Bottleneck {
  private static let crossOctets = 1_500
  /// More than four times what the link carries makes no difference to it.
  private static let mostLoad = 4

  private let bitsPerSecond: Int64
  /// The most that may wait, in nanoseconds of sending.
  private let room: Int64
  /// The mean time between two packets of others; 0 = there are none.
  private let crossInterval: Double
  private var emptyAt: Int64 = .min / 4
  private var nextCross: Int64?
  /// After a longer silence the queue of others is as full as after this one: nothing older is left in it.
  private let longestLook: Int64

  init(_ bandwidth: Bandwidth) {
    bitsPerSecond = Int64(min(max(1, bandwidth.bitsPerSecond), 1_000_000_000_000))
    switch bandwidth.queue {
    case .bytes(let octets): room = Self.time(octets, bitsPerSecond)
    case .time(let duration): room = duration.bounded
    }
    let load = min(Double(bandwidth.crossTraffic), Double(Self.mostLoad) * Double(bitsPerSecond))
    crossInterval = load > 0 ? Double(Self.crossOctets * 8) * 1e9 / load : 0
    longestLook = min(20_000_000_000, room > 5_000_000_000 ? .max : 100_000_000 + 4 * room)
  }

  private static func time(_ octets: Int, _ bitsPerSecond: Int64) -> Int64 {
    let (bits, scale) = (Int64(clamping: octets).multipliedReportingOverflow(by: 8), Int64(1_000_000_000))
    guard !bits.overflow else { return .max / 4 }
    let (high, low) = scale.multipliedFullWidth(by: bits.partialValue)
    guard high < bitsPerSecond / 4 else { return .max / 4 }
    return bitsPerSecond.dividingFullWidth((high, low)).quotient
  }

  /// - Parameter isLossless: waits also where there is no room.
  /// - Returns: how many nanoseconds an IP packet waits and is sent; nil = it does not fit into the queue.
  mutating func pass(_ octets: Int, at now: Int64, isLossless: Bool = false, _ generator: inout SeededGenerator) -> Int64? {
    fill(until: now, &generator)
    return put(octets, at: now, isLossless: isLossless)
  }

  private mutating func put(_ octets: Int, at now: Int64, isLossless: Bool = false) -> Int64? {
    let backlog = max(0, emptyAt - now)
    let sending = Self.time(octets, bitsPerSecond)
    // A packet that finds the queue empty is sent, however small the queue.
    guard backlog == 0 || backlog + sending <= room || isLossless else { return nil }
    emptyAt = now + backlog + sending
    return backlog + sending
  }

  /// The others' packets that came before.
  private mutating func fill(until now: Int64, _ generator: inout SeededGenerator) {
    guard crossInterval > 0 else { return }
    var next = max(nextCross ?? .min, now - longestLook)
    while next <= now {
      _ = put(Self.crossOctets, at: next)
      next += max(1, Int64(-Portable.logarithm(1 - Portable.unit(&generator)) * crossInterval))
    }
    nextCross = next
  }
}
