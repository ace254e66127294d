import CallControl
import Codecs
import Foundation
import Kallglot
import Mark
import Media
import SansIO
import VirtualNetwork

/// What it costs to know who is heard.
enum MarkBench {
  static func run() throws -> [Row] {
    [
      Row(name: "mark spoken and heard at 8 kHz: seconds of a stream a second", value: streams(rate: 8_000), unit: "", bar: 3_000),
      Row(name: "  the same at 48 kHz", value: streams(rate: 48_000), unit: ""),
      Row(
        name: "1,000 concurrent 30-s calls of G.711 with 1 % loss, marks checked both ways: times real time", value: calls(.marks),
        unit: "", bar: 1.5, note: "aim 5"),
      Row(name: "  the same with tones, and no marks", value: calls(.none), unit: "", note: "RTP accounting and the ear for tones"),
      Row(name: "  the same with RTP accounting alone", value: calls(.counted), unit: "", bar: 4, note: "aim 10"),
    ]
  }

  /// A voice and an ear without network and codec.
  private static func streams(rate: Int) -> Double {
    let voice = MarkVoice(MarkSpeaker(wrapping: 3))
    var detector = MarkDetector()
    var findings: [MarkFinding] = []
    var frame = AudioFrame(samples: Array(repeating: 0, count: rate / 50), sampleRate: rate)
    let length = 600
    let began = ContinuousClock.now
    for packet in 0..<length * 50 {
      let mouth = Instant(nanoseconds: Int64(packet) * 20_000_000)
      voice.fill(&frame, from: mouth)
      frame.time = mouth.adding(nanoseconds: 70_000_000)
      detector.take(frame, &findings)
      findings.removeAll(keepingCapacity: true)
    }
    precondition(frame.samples.contains { $0 != 0 })
    return Double(length) / seconds(since: began)
  }

  /// Calls that all begin within a second, and speak for half a minute.
  private static func calls(_ listening: AudioListening) -> Double {
    let count = 1_000
    let rig = CallRig(sinks: [], sendsMedia: true, cap: 2 * count, listening: listening, loss: Ratio(1, of: 100))
    let speaks = listening.hearsMarks
    var heard = 0
    rig.simulation.onEvent = { host, event in
      let party = (event as? CallAgentEvent) ?? (event as? EndpointEvent).flatMap { if case .party(let event) = $0 { event } else { nil } }
      switch party {
      case .established(let leg, _):
        let audio: (Int) -> SpokenAudio = { speaks ? .mark(MarkSpeaker(wrapping: $0)) : .tone(Tone(frequency: 440)) }
        if host == rig.callerID { rig.perform(.speak(leg, audio(1), for: nil)) } else { rig.answer(.speak(leg, audio(2), for: nil)) }
      case .markFound(_, .second(.mark, _, _)): heard += 1
      default: break
      }
    }
    for call in 0..<count {
      rig.call()
      rig.simulation.run(until: Instant(nanoseconds: Int64(call) * 1_000_000))
    }
    let began = ContinuousClock.now
    let start = rig.simulation.now
    rig.simulation.run(until: start.advanced(by: .seconds(30)))
    let elapsed = seconds(since: began)
    rig.simulation.onEvent = nil
    precondition(!speaks || heard > 2 * count * 25, "only \(heard) seconds of marks were heard")
    return 30 / elapsed
  }

  private static func seconds(since began: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - began).components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
