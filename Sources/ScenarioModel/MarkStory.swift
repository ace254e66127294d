import Mark
import SansIO

/// A mark as a scenario names it, and the speaker it stands for.
public struct SpokenMark: Sendable, Hashable {
  public var name: String
  public var speaker: MarkSpeaker
}

/// What a leg's ear made of the marks in what it heard.
public struct MarkStory: Sendable {
  /// One speaker, from a beginning to an end; breaks of less than a second are gaps in it.
  public struct Hearing: Sendable {
    public var speaker: MarkSpeaker
    public var from: Instant
    /// nil = it goes on.
    public var to: Instant?
    /// Until when it is known.
    public var last: Instant
    public var gaps: [(from: Instant, to: Instant)] = []
  }

  /// How late a mark was heard.
  public struct Delay: Sendable {
    public var speaker: MarkSpeaker
    public var nanoseconds: Int64
    public var at: Instant
  }

  public private(set) var hearings: [Hearing] = []
  public private(set) var delays: [Delay] = []
  /// What each second was.
  public private(set) var seconds: [HeardSound] = []
  public private(set) var clippings: [(speaker: MarkSpeaker, at: Instant)] = []
  public private(set) var speeds: [(speaker: MarkSpeaker, speed: Speed, at: Instant)] = []
  public private(set) var echoes: [Delay] = []
  /// More than 0: so many nanoseconds were put in; less: left out.
  public private(set) var warps: [(speaker: MarkSpeaker, by: Int64, at: Instant)] = []

  mutating func take(_ finding: MarkFinding) {
    switch finding {
    case .began(let speaker, let at): hearings.append(Hearing(speaker: speaker, from: at, last: at))
    case .ended(let speaker, let at): change(speaker) { ($0.to, $0.last) = (at, at) }
    case .gap(let speaker, let from, let to): change(speaker) { $0.gaps.append((from, to)) }
    case .delay(let speaker, let late, let at):
      delays.append(Delay(speaker: speaker, nanoseconds: late, at: at))
      change(speaker) { $0.last = max($0.last, at) }
    case .warp(let speaker, let by, let at): warps.append((speaker, by, at))
    case .second(let sound, confidence: _, from: _): seconds.append(sound)
    case .clipping(let speaker, harmonic: _, let at): clippings.append((speaker, at))
    case .wrongRate(let speaker, let speed, let at): speeds.append((speaker, speed, at))
    case .echo(let speaker, let late, let at): echoes.append(Delay(speaker: speaker, nanoseconds: late, at: at))
    }
  }

  private mutating func change(_ speaker: MarkSpeaker, _ body: (inout Hearing) -> Void) {
    guard let index = hearings.lastIndex(where: { $0.speaker == speaker }) else { return }
    body(&hearings[index])
  }

  /// The longest time in which a speaker was heard.
  func longest(_ speaker: MarkSpeaker) -> Hearing? {
    hearings.filter { $0.speaker == speaker }.max { $0.from.duration(to: $0.last) < $1.from.duration(to: $1.last) }
  }

  /// Whether anything at all was listened to.
  var isEmpty: Bool { hearings.isEmpty && seconds.isEmpty }

  // MARK: - What is new

  /// How much there was at a moment.
  struct Extent: Sendable {
    var (hearings, delays, seconds, clippings, speeds, echoes, warps) = (0, 0, 0, 0, 0, 0, 0)
  }

  var extent: Extent {
    var extent = Extent()
    (extent.hearings, extent.delays, extent.seconds) = (hearings.count, delays.count, seconds.count)
    (extent.clippings, extent.speeds, extent.echoes, extent.warps) = (clippings.count, speeds.count, echoes.count, warps.count)
    return extent
  }

  mutating func forget(_ old: Extent) {
    hearings.removeFirst(old.hearings)
    delays.removeFirst(old.delays)
    seconds.removeFirst(old.seconds)
    clippings.removeFirst(old.clippings)
    speeds.removeFirst(old.speeds)
    echoes.removeFirst(old.echoes)
    warps.removeFirst(old.warps)
  }
}
