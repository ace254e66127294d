import Codecs
import Mark

/// What is listened for beside tones.
public struct AudioListening: Sendable {
  /// Who is heard, by the marks.
  public var hearsMarks: Bool
  /// Tones are named. Where nobody listens for anything packets are counted, and not decoded.
  public var hearsTones = true
  /// Takes all that is heard.
  public var tape: AudioTape?

  public init(hearsMarks: Bool = false, tape: AudioTape? = nil) { (self.hearsMarks, self.tape) = (hearsMarks, tape) }

  public static let none = AudioListening()
  /// Packets are counted alone.
  public static let counted: AudioListening = {
    var listening = AudioListening()
    listening.hearsTones = false
    return listening
  }()
  public static let marks = AudioListening(hearsMarks: true)
}

/// Reports who is heard by the marks in the audio.
struct MarkListener: AudioSink {
  private var detector = MarkDetector()
  private var findings: [MarkFinding] = []

  mutating func take(_ frame: AudioFrame, _ events: inout [MediaEvent]) {
    detector.take(frame, &findings)
    report(&events)
  }

  var isMarked: Bool { detector.isHearing }

  mutating func speaks(_ own: MarkSpeaker) { detector.listenForEcho(of: own) }

  mutating func finish(_ events: inout [MediaEvent]) {
    detector.finish(&findings)
    report(&events)
  }

  private mutating func report(_ events: inout [MediaEvent]) {
    guard !findings.isEmpty else { return }
    for finding in findings { events.append(.mark(finding)) }
    findings.removeAll(keepingCapacity: true)
  }
}
