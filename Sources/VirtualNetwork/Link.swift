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
  /// What every packet takes, where nothing is drawn; nil = it is drawn.
  let steadyDelay: Int64?

  /// - Parameter generator: made only where something is drawn.
  init(_ link: Link, generator: @autoclosure () -> SeededGenerator) {
    delay = max(0, link.delay.wholeNanoseconds)
    jitter = max(0, link.jitter.wholeNanoseconds)
    loss = link.loss
    duplicate = link.duplicate
    reorder = link.reorder
    reorderDelay = max(0, link.reorderDelay.wholeNanoseconds)
    let isSteady = jitter == 0 && loss == .never && duplicate == .never && reorder == .never
    steadyDelay = isSteady ? delay : nil
    self.generator = isSteady ? Self.unused : generator()
  }

  private static let unused = SeededGenerator(seed: 0)

  /// What happens to one datagram: after how many nanoseconds it arrives, and its copy; nil = never.
  mutating func passDatagram() -> (first: Int64?, second: Int64?) {
    if let steadyDelay { return (steadyDelay, nil) }
    if loss.hits(&generator) { return (nil, nil) }
    let first = drawDelay() + (reorder.hits(&generator) ? reorderDelay : 0)
    return (first, duplicate.hits(&generator) ? drawDelay() : nil)
  }

  /// The same for a TCP segment, which the network does not double: its receiver would not tell.
  mutating func passSegment() -> Int64? {
    if let steadyDelay { return steadyDelay }
    return loss.hits(&generator) ? nil : drawDelay()
  }

  mutating func drawDelay() -> Int64 { jitter == 0 ? delay : delay + Int64.random(in: 0...jitter, using: &generator) }
}
