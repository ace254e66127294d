import SansIO

/// A stretch of audio: what sources give, codecs take and sinks get.
///
/// Its samples are reused from one frame to the next, so that no packet allocates any: whoever keeps them copies the frame.
public struct AudioFrame: Hashable, Sendable {
  /// 16 bits, linear, one channel.
  public var samples: [Int16]
  /// Samples a second.
  public var sampleRate: Int
  /// When its first sample is due, or came.
  public var time: Instant

  public init(samples: [Int16] = [], sampleRate: Int, time: Instant = .zero) {
    self.samples = samples
    self.sampleRate = sampleRate
    self.time = time
  }

  /// Makes room for this many samples; those that are new are silent.
  public mutating func resize(_ count: Int) { Codecs.resize(&samples, count) }
}
