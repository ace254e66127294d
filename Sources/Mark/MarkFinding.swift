import SansIO

/// What an ear makes of a stretch of a signal.
public enum HeardSound: Hashable, Sendable {
  case mark(MarkSpeaker)
  case silence
  /// There is something to hear, and no mark in it.
  case somethingElse
  /// Too little of it: nothing can be said.
  case notMeasured
}

/// What a ``MarkDetector`` found. Instants are those at which it was heard, which is before it was found.
public enum MarkFinding: Hashable, Sendable {
  /// A speaker is heard from here on.
  case began(MarkSpeaker, at: Instant)
  /// It is heard no more.
  case ended(MarkSpeaker, at: Instant)
  /// It was away for less than a second.
  case gap(MarkSpeaker, from: Instant, to: Instant)
  /// How late it is heard: from a sample's being spoken to its being heard, in nanoseconds.
  case delay(MarkSpeaker, Int64, at: Instant)
  /// Its clock jumped: so much was put in (more than 0) or left out (less), in nanoseconds.
  case warp(MarkSpeaker, by: Int64, at: Instant)
  /// A second of what was heard; `confidence`: the part of its symbols that are the speaker's, in percent.
  case second(HeardSound, confidence: Int, from: Instant)
  /// It is cut at the top: the third harmonic is so many decibels below the tone.
  case clipping(MarkSpeaker, harmonic: Int, at: Instant)
  /// It is heard faster (more than 1) or slower than it was spoken.
  case wrongRate(MarkSpeaker, Speed, at: Instant)
  /// The hearer's own mark comes back, so late in nanoseconds.
  case echo(MarkSpeaker, Int64, at: Instant)
}

/// How much faster than spoken a signal is heard, as a fraction.
public struct Speed: Hashable, Sendable {
  public var numerator: Int
  public var denominator: Int

  public init(_ numerator: Int, _ denominator: Int) { (self.numerator, self.denominator) = (numerator, denominator) }
}
