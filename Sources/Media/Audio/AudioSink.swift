import Codecs
import Mark

/// Where a stream's audio goes once it is decoded.
protocol AudioSink: Sendable {
  /// Takes a frame; what it notices in it becomes events of the stream.
  mutating func take(_ frame: AudioFrame, _ events: inout [MediaEvent])
  /// The stream itself speaks with this mark.
  mutating func speaks(_ own: MarkSpeaker)
  /// Nothing follows.
  mutating func finish(_ events: inout [MediaEvent])
  /// What is heard at this moment is a mark.
  var isMarked: Bool { get }
}

extension AudioSink {
  mutating func speaks(_ own: MarkSpeaker) {}
  mutating func finish(_ events: inout [MediaEvent]) {}
  var isMarked: Bool { false }
}

extension ToneDetector: AudioSink {
  mutating func take(_ frame: AudioFrame, _ events: inout [MediaEvent]) {
    if frame.sampleRate != sampleRate {
      if frequency != nil { events.append(.toneEnded) }
      self = ToneDetector(sampleRate: frame.sampleRate)
    }
    receive(frame.samples) { change in
      switch change {
      case .began(let frequency): events.append(.toneHeard(frequency))
      case .ended: events.append(.toneEnded)
      }
    }
  }
}
