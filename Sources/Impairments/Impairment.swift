import SansIO

/// What one direction of a link does to packets. A value: an ``ImpairedLink`` is the link in use.
///
/// In this order, where there is nothing in ``list`` for the packet: an outage takes it, or the full queue of the bottleneck, or the loss
/// model, or corruption. What is left takes the delay, the time in the queue and the jitter, may be held back, and may come twice.
public struct Impairment: Hashable, Sendable {
  /// One way.
  public var delay: Duration
  /// Other delays later, in their order.
  public var delaySteps: [DelayStep]
  public var jitter: Jitter
  /// Of datagrams and TCP segments. Pure acknowledgements are not lost: what they carry is repeated by the next one.
  public var loss: LossModel
  /// Chance that a datagram arrives twice.
  public var duplicate: Ratio
  public var reordering: Reordering
  /// nil = there is no bottleneck.
  public var bandwidth: Bandwidth?
  public var outages: [Outage]
  public var corruption: Corruption
  /// What becomes of packets that are listed, whatever the models say.
  public var list: PacketList?

  public static let perfect = Impairment()

  public init(
    delay: Duration = .milliseconds(1), jitter: Jitter = .none, loss: LossModel = .none, duplicate: Ratio = .never,
    reordering: Reordering = .none
  ) {
    self.delay = delay
    self.jitter = jitter
    self.loss = loss
    self.duplicate = duplicate
    self.reordering = reordering
    (delaySteps, bandwidth, outages, corruption, list) = ([], nil, [], .none, nil)
  }

  /// Whether every packet simply takes the delay.
  public var isSteady: Bool {
    delaySteps.isEmpty && jitter.isNone && loss.isNone && duplicate == .never && !reordering.isSomething && bandwidth == nil
      && outages.isEmpty && corruption.share == .never && list == nil
  }
}

extension Duration {
  /// What models count in: nothing of a link takes longer than a day.
  var bounded: Int64 { min(max(0, wholeNanoseconds), 86_400_000_000_000) }
}

/// From a moment on the delay is another one: a route has changed.
public struct DelayStep: Hashable, Sendable {
  /// From when the link got this impairment.
  public var after: Duration
  public var delay: Duration

  public init(after: Duration, delay: Duration) { (self.after, self.delay) = (after, delay) }
}

/// Some datagrams are held back, so that later ones overtake them.
public struct Reordering: Hashable, Sendable {
  public enum Choice: Hashable, Sendable {
    /// Each with this chance.
    case share(Ratio)
    /// The n-th, the 2n-th and so on: a gap of n − 1 between them.
    case every(Int)
  }

  public var choice: Choice
  /// For how long, beyond what they take anyway.
  public var delay: Duration

  public static let none = Reordering(.share(.never))

  public init(_ choice: Choice, by delay: Duration = .milliseconds(30)) { (self.choice, self.delay) = (choice, delay) }

  var isSomething: Bool { choice != .share(.never) }
}

/// The link is down: everything that is sent then is lost. What is under way arrives.
public struct Outage: Hashable, Sendable {
  /// When it begins, from when the link got this impairment.
  public var from: Duration
  public var length: Duration
  /// From the beginning of one to that of the next; nil = it is the only one.
  public var every: Duration?

  public init(from: Duration = .zero, for length: Duration, every: Duration? = nil) {
    (self.from, self.length, self.every) = (from, length, every)
  }

  /// How long it goes on at a moment, counted from when the impairment began; nil = the link is up.
  func remaining(at elapsed: Int64) -> Int64? {
    let (from, length) = (from.wholeNanoseconds, length.wholeNanoseconds)
    guard elapsed >= from else { return nil }
    var phase = elapsed - from
    if let every = every?.wholeNanoseconds, every > 0 { phase %= every }
    return phase < length ? length - phase : nil
  }
}

/// A bit of some packets is flipped on the way.
///
/// UDP's and TCP's checksums find every single flipped bit, so that such a packet is lost; only boxes that compute the checksum anew after
/// they have damaged a packet let it through.
public struct Corruption: Hashable, Sendable {
  public var share: Ratio
  /// The payload of a datagram arrives with the flipped bit. TCP segments are lost all the same.
  public var passesChecksum: Bool

  public static let none = Corruption(.never)

  public init(_ share: Ratio, passesChecksum: Bool = false) { (self.share, self.passesChecksum) = (share, passesChecksum) }
}
