import Mark
import SansIO

/// What marks tell, as a journal has it.
extension MarkFinding {
  var journalName: String {
    switch self {
    case .began: "mark-began"
    case .ended: "mark-ended"
    case .gap: "mark-gap"
    case .delay: "mark-delay"
    case .warp: "mark-jumped"
    case .second: "mark-second"
    case .clipping: "mark-clipped"
    case .wrongRate: "mark-wrong-rate"
    case .echo: "mark-echo"
    }
  }

  func writeFields(to json: inout JSONWriter) {
    switch self {
    case .began(let speaker, let at), .ended(let speaker, let at): write(speaker, at, to: &json)
    case .gap(let speaker, let from, let to):
      write(speaker, from, to: &json)
      json.member("until", to.nanoseconds)
    case .delay(let speaker, let late, let at), .echo(let speaker, let late, let at):
      write(speaker, at, to: &json)
      json.member("delayNanoseconds", late)
    case .warp(let speaker, let by, let at):
      write(speaker, at, to: &json)
      json.member("byNanoseconds", by)
    case .second(let sound, let confidence, let from):
      json.member("from", from.nanoseconds)
      json.member("sound", Self.word(sound))
      if case .mark(let speaker) = sound { json.member("speaker", Int(speaker.number)) }
      json.member("confidence", confidence)
    case .clipping(let speaker, let harmonic, let at):
      write(speaker, at, to: &json)
      json.member("harmonicDecibels", harmonic)
    case .wrongRate(let speaker, let speed, let at):
      write(speaker, at, to: &json)
      json.member("speed", "\(speed.numerator)/\(speed.denominator)")
    }
  }

  private func write(_ speaker: MarkSpeaker, _ at: Instant, to json: inout JSONWriter) {
    json.member("speaker", Int(speaker.number))
    json.member("from", at.nanoseconds)
  }

  private static func word(_ sound: HeardSound) -> String {
    switch sound {
    case .mark: "mark"
    case .silence: "silence"
    case .somethingElse: "something-else"
    case .notMeasured: "not-measured"
    }
  }
}
