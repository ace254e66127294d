import SansIO

/// One direction of a link in use: its impairment, the randomness that is its own, and how far its models are.
///
/// It knows neither UDP nor hosts: whoever owns it says when an IP packet of what size comes, and does what it answers. Packets are
/// numbered from 1 in the order in which they come, for ``PacketList`` and for what is recorded.
public struct ImpairedLink: Sendable {
  /// What a packet is to the link.
  public enum Kind: Sendable {
    case datagram
    /// Never doubled nor held back: its receiver would not tell. Corrupted ones are lost.
    case segment
    /// Not lost, since nobody would repeat it; in an outage it waits for the end.
    case acknowledgement
  }

  private let impairment: Impairment
  private let delay: Int64
  private let holdTime: Int64
  private let begin: Int64
  private var jitter: JitterState
  private var loss: LossState
  private var bottleneck: Bottleneck?
  private var generator: SeededGenerator
  /// Of what was sent in order, so that nothing overtakes it.
  private var lastArrival = Int64.min
  /// What a queue of before still holds arrives first.
  private let floor: Int64
  /// Of the datagrams, for every n-th of them.
  private var datagrams = 0
  /// How many packets have come.
  public private(set) var packets: Int

  /// - Parameters:
  ///   - begin: when the link gets the impairment: outages and delay steps count from there.
  ///   - before: the same direction until now: its packets count, and what waits in its queue is not overtaken.
  public init(_ impairment: Impairment, at begin: Instant = .zero, after before: ImpairedLink? = nil, generator: SeededGenerator) {
    self.impairment = impairment
    delay = impairment.delay.bounded
    holdTime = impairment.reordering.delay.bounded
    self.begin = begin.nanoseconds
    (jitter, loss) = (JitterState(impairment.jitter), LossState(impairment.loss))
    bottleneck = impairment.bandwidth.map(Bottleneck.init)
    self.generator = generator
    (packets, floor) = (before?.packets ?? 0, before?.isOrdered == true ? before?.lastArrival ?? .min : .min)
  }

  /// What becomes of the next packet.
  ///
  /// - Parameter octets: of the IP packet, headers included.
  public mutating func pass(_ kind: Kind, octets: Int, at now: Instant) -> Passage {
    packets += 1
    let now = now.nanoseconds
    var passage = impairment.list?.passage(of: packets) ?? decide(kind, octets, at: now)
    if passage.first == nil, kind == .acknowledgement { passage = Passage(after: base(at: now)) }
    if kind != .datagram { (passage.second, passage.isHeldBack, passage.flippedBit) = (nil, false, nil) }
    return passage
  }

  /// Whether nothing overtakes: a queue keeps the order, and so may jitter.
  private var isOrdered: Bool { impairment.jitter.keepsOrder || bottleneck != nil && jitter.isNone }

  /// Whether what was sent in order is still under way at a moment, for a link without anything else.
  public func isBusy(at now: Instant, delay: Int64) -> Bool { isOrdered && lastArrival > now.nanoseconds + delay }

  /// What a packet takes where nothing is drawn.
  public func base(at now: Instant) -> Int64 { base(at: now.nanoseconds) }

  private func base(at now: Int64) -> Int64 {
    guard !impairment.delaySteps.isEmpty else { return delay }
    return impairment.delaySteps.last { $0.after.wholeNanoseconds <= now - begin }.map(\.delay.bounded) ?? delay
  }

  private mutating func decide(_ kind: Kind, _ octets: Int, at now: Int64) -> Passage {
    if kind == .datagram { datagrams += 1 }
    let down = impairment.outages.lazy.compactMap { [begin] in $0.remaining(at: now - begin) }.max()
    if down != nil, kind != .acknowledgement { return .lost(.outage) }
    var extra = down ?? 0
    if bottleneck != nil {
      guard let wait = bottleneck?.pass(octets, at: now, isLossless: kind == .acknowledgement, &generator) else { return .lost(.queueFull) }
      extra += wait
    }
    if kind != .acknowledgement, let cause = loss.draw(&generator) { return .lost(cause) }
    let flippedBit = kind == .acknowledgement ? nil : drawCorruption()
    if flippedBit != nil, kind == .segment || !impairment.corruption.passesChecksum { return .lost(.corrupted) }
    var passage = Passage(after: arrival(extra, at: now))
    passage.flippedBit = flippedBit
    guard kind == .datagram else { return passage }
    if drawHold() { (passage.first, passage.isHeldBack) = ((passage.first ?? 0) + holdTime, true) }
    if impairment.duplicate.hits(&generator) { passage.second = arrival(extra, at: now) }
    return passage
  }

  /// How long what arrives takes; in order, where the jitter keeps it.
  private mutating func arrival(_ extra: Int64, at now: Int64) -> Int64 {
    let taken = max(max(0, base(at: now) + jitter.draw(&generator)) + extra, floor == .min ? 0 : floor - now)
    guard isOrdered else { return taken }
    lastArrival = max(lastArrival, now + taken)
    return lastArrival - now
  }

  private mutating func drawHold() -> Bool {
    switch impairment.reordering.choice {
    case .share(let share): share.hits(&generator)
    case .every(let count): count > 0 && datagrams % count == 0
    }
  }

  private mutating func drawCorruption() -> UInt32? {
    impairment.corruption.share.hits(&generator) ? UInt32(truncatingIfNeeded: generator.next() >> 32) : nil
  }
}
