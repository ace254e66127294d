import Codecs
import Mark
import SansIO

/// What a stream says.
public enum SpokenAudio: Hashable, Sendable {
  case silence
  case tone(Tone)
  /// Who speaks, and when each sample was spoken.
  case mark(MarkSpeaker)
  /// Once, then silence.
  case prompt(Prompt)
}

/// Audio from a file.
public struct Prompt: Hashable, Sendable {
  /// As the file was named.
  public var name: String
  public var audio: WaveFile

  public init(name: String, audio: WaveFile) { (self.name, self.audio) = (name, audio) }

  /// Milliseconds.
  public var length: Int { audio.samples.count * 1_000 / max(1, audio.sampleRate) }
}

extension SpokenAudio {
  func source(sampleRate: Int) -> any AudioSource {
    switch self {
    case .silence: SilentSource()
    case .tone(let tone): ToneSource(tone, sampleRate: sampleRate)
    case .mark(let speaker): MarkSource(voice: MarkVoice(speaker))
    case .prompt(let prompt): PromptSource(prompt, sampleRate: sampleRate)
    }
  }
}

/// Speaks a mark: a sample is spoken when it reaches the microphone, and a packet leaves when its last one has.
struct MarkSource: AudioSource {
  let voice: MarkVoice

  mutating func fill(_ frame: inout AudioFrame) {
    let length = Int64(frame.samples.count) * 1_000_000_000 / Int64(max(1, frame.sampleRate))
    voice.fill(&frame, from: frame.time.adding(nanoseconds: -length))
  }

  mutating func skip(_ frame: AudioFrame) {}
}

/// Plays a file at the rate of a codec.
struct PromptSource: AudioSource {
  private let samples: [Int16]
  private var next = 0

  init(_ prompt: Prompt, sampleRate: Int) {
    guard prompt.audio.sampleRate != sampleRate else {
      samples = prompt.audio.samples
      return
    }
    var resampler = Resampler(from: prompt.audio.sampleRate, to: sampleRate)
    var converted: [Int16] = []
    resampler.append(prompt.audio.samples, to: &converted)
    samples = converted
  }

  mutating func fill(_ frame: inout AudioFrame) {
    let count = min(frame.samples.count, samples.count - next)
    for index in 0..<count { frame.samples[index] = samples[next + index] }
    for index in max(0, count)..<frame.samples.count { frame.samples[index] = 0 }
    next += count
  }

  mutating func skip(_ frame: AudioFrame) { next = min(samples.count, next + frame.samples.count) }
}
