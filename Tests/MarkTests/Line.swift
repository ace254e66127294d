import Codecs
import SansIO

@testable import Mark

/// Draws that are the same on every machine.
struct Draws {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// Below `limit`.
  mutating func next(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
}

/// One codec on the way from mouth to ear, perhaps one of two.
struct Hop: Sendable {
  var codec: Codec
  var name: String

  static let mu = Hop(codec: .g711(.mu), name: "PCMU")
  static let a = Hop(codec: .g711(.a), name: "PCMA")
  static let g722 = Hop(codec: .g722, name: "G722")
  static let opus = opus(24_000, usesDTX: false, usesFEC: false)
  static let thinOpus = opus(12_000, usesDTX: true, usesFEC: false)
  static let guardedOpus = opus(16_000, usesDTX: true, usesFEC: true)

  static func opus(_ bitrate: Int32, usesDTX: Bool, usesFEC: Bool) -> Hop {
    var parameters = OpusParameters()
    (parameters.averageBitrate, parameters.usesDTX, parameters.usesFEC) = (bitrate, usesDTX, usesFEC)
    return Hop(codec: .opus(parameters), name: "opus at \(bitrate / 1_000) kbit/s\(usesDTX ? " with DTX" : "")\(usesFEC ? " and FEC" : "")")
  }
}

/// A way from a mouth to an ear: packets of 20 ms in one codec or two, of which some are lost on the first one's way.
struct Line {
  /// Milliseconds from leaving to coming.
  static let network = 50
  static let start = Instant(nanoseconds: 1_000_000_000)

  var hops: [Hop]
  /// In percent, at random.
  var loss = 0
  var seed: UInt64 = 1
  /// Of what is spoken, in percent.
  var level = 100
  /// Who speaks at a millisecond.
  var talk: (Int) -> Int? = { _ in 3 }
  /// What becomes of the samples of a packet before they are encoded.
  var edit: (_ packet: Int, [Int16]) -> [Int16] = { $1 }
  /// Packets that were lost.
  private(set) var lost: Set<Int> = []

  init(_ hops: [Hop], loss: Int = 0) { (self.hops, self.loss) = (hops, loss) }

  var name: String { hops.map(\.name).joined(separator: " to ") }

  /// What an ear at the end finds in so many seconds.
  mutating func listen(_ seconds: Int, own: MarkSpeaker? = nil) -> [MarkFinding] {
    var draws = Draws(seed)
    var detector = MarkDetector(own: own)
    var findings: [MarkFinding] = []
    var legs = hops.map { Leg($0.codec) }
    var resampler = hops.count == 2 ? Resampler(from: hops[0].codec.sampleRate, to: hops[1].codec.sampleRate) : nil
    for packet in 0..<seconds * 50 {
      let mouth = Self.start.adding(nanoseconds: Int64(packet) * 20_000_000)
      let isLost = draws.next(100) < loss
      if isLost { lost.insert(packet) }
      var audio = legs[0].pass(spoken(packet, mouth), isLost: isLost)
      if legs.count == 2 {
        var samples: [Int16] = []
        resampler?.append(audio.samples, to: &samples)
        audio = AudioFrame(samples: samples, sampleRate: hops[1].codec.sampleRate)
        audio.resize(hops[1].codec.samples(milliseconds: 20))
        audio = legs[1].pass(audio, isLost: false)
      }
      audio.time = mouth.adding(nanoseconds: Int64(20 + Self.network) * 1_000_000)
      detector.take(audio, &findings)
    }
    detector.finish(&findings)
    return findings
  }

  private struct Leg {
    var encoder: AudioEncoder
    var decoder: AudioDecoder
    var frame: AudioFrame

    init(_ codec: Codec) { (encoder, decoder, frame) = (codec.encoder, codec.decoder, AudioFrame(sampleRate: codec.sampleRate)) }

    mutating func pass(_ audio: AudioFrame, isLost: Bool) -> AudioFrame {
      var payload: [UInt8] = []
      if encoder.encode(audio, into: &payload), !isLost {
        _ = decoder.decode(Bytes(payload), into: &frame)
      } else {
        decoder.conceal(milliseconds: 20, into: &frame)
      }
      return frame
    }
  }

  private func spoken(_ packet: Int, _ mouth: Instant) -> AudioFrame {
    let codec = hops[0].codec
    var frame = AudioFrame(sampleRate: codec.sampleRate)
    frame.resize(codec.samples(milliseconds: 20))
    if let number = talk(packet * 20), let speaker = MarkSpeaker(number) {
      MarkVoice(speaker, amplitude: Int16(80 * level)).fill(&frame, from: mouth)
    }
    frame.samples = edit(packet, frame.samples)
    return frame
  }

  /// Milliseconds since the mouth began, for an instant at the ear.
  static func milliseconds(_ instant: Instant) -> Int { Int((instant.nanoseconds - start.nanoseconds) / 1_000_000) - 20 - network }
}

extension [MarkFinding] {
  var sounds: [HeardSound] { compactMap { if case .second(let sound, _, _) = $0 { sound } else { nil } } }
  var begins: [(speaker: Int, at: Int)] {
    compactMap { if case .began(let speaker, let at) = $0 { (Int(speaker.number), Line.milliseconds(at)) } else { nil } }
  }
  var ends: [(speaker: Int, at: Int)] {
    compactMap { if case .ended(let speaker, let at) = $0 { (Int(speaker.number), Line.milliseconds(at)) } else { nil } }
  }
  var gaps: [(from: Int, to: Int)] {
    compactMap { if case .gap(_, let from, let to) = $0 { (Line.milliseconds(from), Line.milliseconds(to)) } else { nil } }
  }
  /// In microseconds, beyond packet time and network.
  var delayErrors: [Int] {
    compactMap { if case .delay(_, let late, _) = $0 { Int(late / 1_000) - (20 + Line.network) * 1_000 } else { nil } }
  }
  var warps: [Int] { compactMap { if case .warp(_, let by, _) = $0 { Int(by / 1_000_000) } else { nil } } }
  var speeds: [Speed] { compactMap { if case .wrongRate(_, let speed, _) = $0 { speed } else { nil } } }
  var clippings: Int { reduce(0) { if case .clipping = $1 { $0 + 1 } else { $0 } } }
  var echoes: [Int] { compactMap { if case .echo(_, let late, _) = $0 { Int(late / 1_000_000) } else { nil } } }
}
