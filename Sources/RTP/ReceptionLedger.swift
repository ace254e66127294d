/// What one interval of a stream was like.
public struct QualityWindow: Hashable, Sendable {
  /// Nanoseconds on the clock of the packets' times.
  public var start: Int64
  public var end: Int64
  /// The packets that were due in it.
  public var loss = BurstGapLoss()
  public var duplicates: Int32 = 0
  /// Packets that came after one with a higher number.
  public var reordered: Int32 = 0
  /// Interarrival jitter in milliseconds (RFC 3550 §6.4.1): its mean over the packets, and its largest value.
  public var meanJitter: Double { jitterCount > 0 ? jitterSum / Double(jitterCount) : 0 }
  public private(set) var maximumJitter = 0.0
  private var jitterSum = 0.0
  private var jitterCount: Int32 = 0

  public init(start: Int64, end: Int64) { (self.start, self.end) = (start, end) }

  mutating func measure(jitter: Double) {
    maximumJitter = max(maximumJitter, jitter)
    jitterSum += jitter
    jitterCount &+= 1
  }

  /// Whether it is worse: by what is missing, then by jitter.
  func isWorse(than other: QualityWindow) -> Bool {
    let (mine, theirs) = (loss.missingRatio, other.loss.missingRatio)
    return mine != theirs ? mine > theirs : maximumJitter > other.maximumJitter
  }
}

/// The books of one source's packets: the fate of each, in the order of the sequence numbers, over the whole stream and by interval.
///
/// A number that is jumped over counts as lost at the time when it was due, between its neighbours' arrivals, until it comes after all. It
/// is known for good when ``history`` later ones are known, and enters ``loss`` then. A silence has no numbers and so no losses.
public struct ReceptionLedger: Hashable, Sendable {
  /// The interval of the figures, where nothing else is asked for: 5 s, in nanoseconds.
  public static let standardInterval: Int64 = 5_000_000_000

  private struct Entry: Hashable, Sendable {
    var window: Int32 = -1
    var fate = PacketFate.received
  }

  private static let history = 128
  /// An hour of standard intervals.
  private static let mostWindows = 720
  /// RFC 3550 §A.1: what is further away starts over.
  private static let maximumDropout = 3_000

  public let interval: Int64
  private var entries: [Entry] = []
  private var highest: Int = -1
  private var highestTime: Int64 = 0
  private var begin: Int64 = 0
  private var total = BurstGapLoss()
  private var list: [QualityWindow] = []
  private var forgotten = 0
  private var worstForgotten: QualityWindow?
  public private(set) var duplicates = 0
  public private(set) var reordered = 0

  public init(interval: Int64 = standardInterval) { self.interval = max(interval, 1_000_000) }

  public var isEmpty: Bool { highest < 0 }

  // MARK: - Packets

  /// Takes a packet.
  ///
  /// - Parameters:
  ///   - time: of its arrival, in nanoseconds of any clock; never less than before.
  ///   - jitter: in milliseconds, as of now.
  ///   - isDiscarded: it came too late to be played.
  public mutating func take(_ sequence: UInt16, at time: Int64, jitter: Double, isDiscarded: Bool = false) {
    let fate = isDiscarded ? PacketFate.discarded : .received
    guard highest >= 0 else {
      entries = [Entry](repeating: Entry(), count: Self.history)
      begin = time
      return start(sequence, fate, at: time, jitter)
    }
    let step = Int(Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest)))
    guard step <= Self.maximumDropout, step > -Self.maximumDropout else {
      startOver()
      return start(sequence, fate, at: time, jitter)
    }
    if step > 0 {
      for missing in 1..<max(step, 1) {
        let due = highestTime + (time - highestTime) * Int64(missing) / Int64(step)
        append(.lost, at: due)
      }
      let window = append(fate, at: time)
      list[window].measure(jitter: jitter)
      highestTime = time
    } else {
      late(highest + step, fate, at: time)
    }
  }

  /// The numbering begins anew with the next packet.
  public mutating func startOver() {
    guard highest >= 0 else { return }
    flush()
    highest = -1
  }

  private mutating func start(_ sequence: UInt16, _ fate: PacketFate, at time: Int64, _ jitter: Double) {
    for index in entries.indices { entries[index].window = -1 }
    // Numbers grow from here and never fall below zero.
    highest = 65_536 + Int(sequence) - 1
    highestTime = time
    let window = append(fate, at: time)
    list[window].measure(jitter: jitter)
  }

  @discardableResult
  private mutating func append(_ fate: PacketFate, at time: Int64) -> Int {
    highest += 1
    let place = highest % Self.history
    settle(entries[place])
    let window = window(at: time)
    entries[place] = Entry(window: Int32(truncatingIfNeeded: window + forgotten), fate: fate)
    return window
  }

  private mutating func late(_ number: Int, _ fate: PacketFate, at time: Int64) {
    guard highest - number < Self.history else { return }
    let place = number % Self.history
    guard entries[place].window >= 0 else { return }
    if entries[place].fate == .lost {
      entries[place].fate = fate
      reordered += 1
      list[window(at: time)].reordered &+= 1
    } else {
      duplicates += 1
      list[window(at: time)].duplicates &+= 1
    }
  }

  /// A packet that had come, and waited, was not played in the end.
  public mutating func discard(_ sequence: UInt16) {
    guard highest >= 0 else { return }
    let number = highest + Int(Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest)))
    guard number <= highest, highest - number < Self.history else { return }
    let place = number % Self.history
    if entries[place].window >= 0, entries[place].fate == .received { entries[place].fate = .discarded }
  }

  private mutating func settle(_ entry: Entry) {
    guard entry.window >= 0 else { return }
    total.take(entry.fate)
    let index = Int(entry.window) - forgotten
    if list.indices.contains(index) { list[index].loss.take(entry.fate) }
  }

  private mutating func flush() {
    for number in max(highest - Self.history + 1, 0)...highest {
      settle(entries[number % Self.history])
      entries[number % Self.history].window = -1
    }
  }

  // MARK: - Intervals

  private mutating func window(at time: Int64) -> Int {
    let wanted = Int(max(time - begin, 0) / interval)
    // A pause of more than an hour leaves no trail of empty intervals.
    if wanted - forgotten - list.count > Self.mostWindows {
      for window in list { remember(window) }
      list = []
      forgotten = wanted
    }
    while forgotten + list.count <= wanted {
      let start = begin + Int64(forgotten + list.count) * interval
      list.append(QualityWindow(start: start, end: start + interval))
    }
    while list.count > Self.mostWindows {
      remember(list.removeFirst())
      forgotten += 1
    }
    return max(wanted - forgotten, 0)
  }

  private mutating func remember(_ window: QualityWindow) {
    if worstForgotten.map(window.isWorse) ?? true { worstForgotten = window }
  }

  // MARK: - Figures

  /// As of now, with what is still open taken as lost.
  public struct Figures: Hashable, Sendable {
    public var loss: BurstGapLoss
    public var windows: [QualityWindow]
    /// The one with the highest part missing, then the highest jitter; nil when nothing came.
    public var worst: QualityWindow?
    public var duplicates: Int
    public var reordered: Int
  }

  public var figures: Figures {
    var closed = self
    if highest >= 0 { closed.flush() }
    var worst = worstForgotten
    for window in closed.list where window.loss.expected > 0 && worst.map(window.isWorse) ?? true { worst = window }
    return Figures(loss: closed.total, windows: closed.list, worst: worst, duplicates: duplicates, reordered: reordered)
  }
}
