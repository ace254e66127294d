import SansIO

/// How packets fare on the way from one host to another.
public struct Link: Hashable, Sendable {
  /// Time from the sender to the receiver.
  public var delay: Duration
  /// Up to so much more, evenly drawn for each packet; packets can overtake each other.
  public var jitter: Duration
  /// Chance that a datagram or TCP segment is lost. Pure acknowledgements are not: what they carry is repeated by the next one.
  public var loss: Ratio
  /// Chance that a datagram arrives twice.
  public var duplicate: Ratio
  /// Chance that a datagram is held back by ``reorderDelay``, so that later ones overtake it.
  public var reorder: Ratio
  public var reorderDelay: Duration

  public static let perfect = Link()

  public init(
    delay: Duration = .milliseconds(1), jitter: Duration = .zero, loss: Ratio = .never, duplicate: Ratio = .never,
    reorder: Ratio = .never, reorderDelay: Duration = .milliseconds(30)
  ) {
    self.delay = delay
    self.jitter = jitter
    self.loss = loss
    self.duplicate = duplicate
    self.reorder = reorder
    self.reorderDelay = reorderDelay
  }
}

/// A link in use: its values in nanoseconds and the randomness that is its own.
struct LinkState {
  private let delay: Int64
  private let jitter: Int64
  private let loss: Ratio
  private let duplicate: Ratio
  private let reorder: Ratio
  private let reorderDelay: Int64
  private var generator: SeededGenerator
  private let isSteady: Bool

  init(_ link: Link, generator: SeededGenerator) {
    delay = max(0, link.delay.wholeNanoseconds)
    jitter = max(0, link.jitter.wholeNanoseconds)
    loss = link.loss
    duplicate = link.duplicate
    reorder = link.reorder
    reorderDelay = max(0, link.reorderDelay.wholeNanoseconds)
    self.generator = generator
    isSteady = jitter == 0 && loss == .never && duplicate == .never && reorder == .never
  }

  /// What happens to one datagram: after how many nanoseconds it arrives, and its copy; nil = never.
  @inline(__always)
  mutating func passDatagram() -> (first: Int64?, second: Int64?) {
    if isSteady { return (delay, nil) }
    if loss.hits(&generator) { return (nil, nil) }
    let first = drawDelay() + (reorder.hits(&generator) ? reorderDelay : 0)
    return (first, duplicate.hits(&generator) ? drawDelay() : nil)
  }

  /// The same for a TCP segment, which the network does not double: its receiver would not tell.
  mutating func passSegment() -> Int64? {
    if isSteady { return delay }
    return loss.hits(&generator) ? nil : drawDelay()
  }

  mutating func drawDelay() -> Int64 { jitter == 0 ? delay : delay + Int64.random(in: 0...jitter, using: &generator) }
}
