import Media
import SansIO

/// What the members of a run heard: a tape for each, made before the run and read after it.
// Unchecked: tapes are made while the cast is, and read when the run has ended.
public final class AudioRecordings: @unchecked Sendable {
  private var tapes: [(member: String, tape: AudioTape)] = []

  public init() {}

  /// The tape of a member, made when it is first asked for: while the cast is.
  public func tape(of member: String) -> AudioTape {
    if let known = tapes.first(where: { $0.member == member }) { return known.tape }
    tapes.append((member, AudioTape()))
    return tapes[tapes.count - 1].tape
  }

  /// A WAV file for each leg of each member, by its name: `pbx.leg1.wav`.
  public var files: [(name: String, content: [UInt8])] {
    tapes.flatMap { member, tape in
      tape.tracks.enumerated().map { ("\(member).leg\($0.offset + 1).wav", $0.element.audio.serialized) }
    }
  }
}
