import Codecs
import RTP

/// Hears digits in decoded audio; only there where somebody asked for it.
struct DigitListener: AudioSink {
  private var detector = DTMFDetector(sampleRate: 8_000)

  mutating func take(_ frame: AudioFrame, _ events: inout [MediaEvent]) {
    if frame.sampleRate != detector.sampleRate {
      detector.finish { Self.report($0, &events) }
      detector = DTMFDetector(sampleRate: frame.sampleRate)
    }
    detector.receive(frame.samples) { Self.report($0, &events) }
  }

  /// Nothing more comes: what sounds is over.
  mutating func finish(_ events: inout [MediaEvent]) { detector.finish { Self.report($0, &events) } }

  private static func report(_ found: DTMFDetector.Found, _ events: inout [MediaEvent]) {
    if let digit = Digit(code: found.code) { events.append(.digit(HeardDigit(digit, .inBand, milliseconds: found.milliseconds))) }
  }
}
