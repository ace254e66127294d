import SansIO

/// Looks for marks in a signal of 8 kHz, in hops since its first sample.
struct MarkEar: Sendable {
  enum Notice: Hashable, Sendable {
    case began(MarkSpeaker, hop: Int)
    case ended(MarkSpeaker, hop: Int)
    case changed(MarkSpeaker, MarkTrack.Change)
  }

  /// A speaker who was not heard for so many hops has ended: a second.
  private static let longestGap = 167
  /// So far may a clock jump and still go on, in hops: a second and a half.
  private static let longestJump = 250

  private(set) var bank = ToneBank()
  private(set) var history = HopHistory()
  private(set) var track: MarkTrack?
  /// The first hop that may belong to a new speaker.
  private var free = 0

  var hops: Int { history.count }

  /// Takes samples from `start` until a block is full.
  ///
  /// - Returns: where it stopped, and whether a hop was finished.
  mutating func take(_ samples: UnsafeBufferPointer<Int16>, from start: Int, _ notices: inout [Notice]) -> (next: Int, isHop: Bool) {
    let (count, isFull) = bank.take(samples, from: start)
    guard isFull else { return (start + count, false) }
    history.append(from: &bank)
    let hop = history.count - 2
    guard hop >= 0 else { return (start + count, true) }
    follow(hop, &notices)
    if let found = MarkSearch.find(history, at: hop, besides: track?.hypothesis, notBefore: free) { turn(to: found, at: hop, &notices) }
    return (start + count, true)
  }

  private mutating func follow(_ hop: Int, _ notices: inout [Notice]) {
    // Judged where it is, and not looked at before: to ask for it copies it.
    let speaker = track?.hypothesis.speaker
    track?.judge(hop, &history) { change in if let speaker { notices.append(.changed(speaker, change)) } }
    if let lastHit = track?.lastHit, hop - lastHit > Self.longestGap { end(&notices) }
  }

  private mutating func end(_ notices: inout [Notice]) {
    guard let followed = track else { return }
    track = nil
    free = followed.lastHit + 1
    notices.append(.ended(followed.hypothesis.speaker, hop: followed.lastHit + 1))
  }

  /// Ends what is followed.
  mutating func finish(_ notices: inout [Notice]) { end(&notices) }

  private mutating func turn(to found: (Hypothesis, start: Int), at hop: Int, _ notices: inout [Notice]) {
    if var followed = track.take() {
      let known = followed.hypothesis
      if known.speaker == found.0.speaker, abs(known.distance(to: found.0)) <= Self.longestJump {
        followed.move(to: found.0, at: hop, &history) { notices.append(.changed(known.speaker, $0)) }
        track = followed
        return
      }
      track = followed
      end(&notices)
    }
    begin(found, at: hop, &notices)
  }

  /// What was heard before it was known whose it is, is judged once more.
  private mutating func begin(_ found: (Hypothesis, start: Int), at hop: Int, _ notices: inout [Notice]) {
    let speaker = found.0.speaker
    notices.append(.began(speaker, hop: found.start - 3))
    var followed = MarkTrack(found.0, at: found.start)
    history.own(found.start, speaker)
    for past in found.start + 1..<hop + 1 {
      followed.judge(past, &history) { change in
        if case .symbol = change { return }
        notices.append(.changed(speaker, change))
      }
    }
    track = followed
  }
}
