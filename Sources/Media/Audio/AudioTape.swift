import Codecs
import SansIO

/// What the streams of one host heard, for files.
///
/// It belongs to its host's loop while the host runs, and to whoever reads it afterwards; never to both.
// Unchecked: one loop writes it, and it is read when that loop has ended.
public final class AudioTape: @unchecked Sendable {
  /// One stream, from its first frame on.
  public struct Track: Sendable {
    public var stream: UInt32
    public var start: Instant
    public var audio: WaveFile
    /// When the next sample is due.
    var end: Int64
  }

  /// Ten minutes of a stream; what comes later is not kept.
  private static let longest: Int64 = 600_000_000_000

  public private(set) var tracks: [Track] = []

  public init() {}

  /// Takes a frame of a stream; where one is missing there is silence.
  func take(_ frame: AudioFrame, of stream: UInt32) {
    let length = Int64(frame.samples.count) * 1_000_000_000 / Int64(max(1, frame.sampleRate))
    // A codec of another rate begins a track of its own: a file has one rate.
    guard let index = tracks.lastIndex(where: { $0.stream == stream }), tracks[index].audio.sampleRate == frame.sampleRate else {
      let audio = WaveFile(samples: frame.samples, sampleRate: frame.sampleRate)
      return tracks.append(Track(stream: stream, start: frame.time, audio: audio, end: frame.time.nanoseconds + length))
    }
    guard frame.time.nanoseconds - tracks[index].start.nanoseconds < Self.longest else { return }
    let hole = frame.time.nanoseconds - tracks[index].end
    if hole > 5_000_000 {
      let missing = Int(hole * Int64(frame.sampleRate) / 1_000_000_000)
      tracks[index].audio.samples.append(contentsOf: repeatElement(0, count: missing))
      tracks[index].end += hole
    }
    tracks[index].audio.samples.append(contentsOf: frame.samples)
    tracks[index].end += length
  }
}

/// Hands what a stream hears to a tape.
struct TapeListener: AudioSink {
  let tape: AudioTape
  let stream: UInt32

  mutating func take(_ frame: AudioFrame, _ events: inout [MediaEvent]) { tape.take(frame, of: stream) }
}
