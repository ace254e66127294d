import Mark
import SansIO

/// What a member heard, in the words of those who look for the fault: dead air, one-way audio, wrong leg, wrong rate, clipping, echo.
struct HearingText {
  let member: String
  let story: LegStory
  let script: Script

  private var marks: MarkStory { story.marks }

  /// All that was noticed.
  var heard: String {
    var parts = names(marks.hearings.map(\.speaker)).map { "the mark of \($0)" }
    parts += marks.speeds.map { "\(name($0.speaker))'s mark \(Self.words($0.speed)): wrong rate" }
    if let clipped = marks.clippings.first { parts.append("\(name(clipped.speaker))'s mark clipped from \(clipped.at) s on") }
    if let echo = marks.echoes.first { parts.append("its own mark, \(echo.nanoseconds / 1_000_000) ms late: echo") }
    parts += marks.warps.prefix(3).map {
      "\(name($0.speaker))'s mark with \(abs($0.by) / 1_000_000) ms \($0.by > 0 ? "put in" : "left out") at \($0.at) s"
    }
    if parts.isEmpty { parts.append(nothing) }
    return "\(member) heard \(parts.joined(separator: ", "))"
  }

  /// Why a mark was not heard.
  func instead(of mark: SpokenMark) -> String {
    if let wrong = marks.speeds.last(where: { $0.speaker == mark.speaker }) {
      return "wrong rate: \(member) heard \(mark.name)'s mark \(Self.words(wrong.speed))"
    }
    let others = marks.hearings.map(\.speaker).filter { $0 != mark.speaker }
    if let last = others.last {
      if marks.echoes.last?.speaker == last { return "echo: \(member) heard its own mark, and not that of \(mark.name)" }
      return "wrong leg: \(member) heard the mark of \(name(last)), and not that of \(mark.name)"
    }
    return "\(isOtherWayHeard ? "one-way audio" : "dead air"): \(member) heard \(nothing)"
  }

  func gap(of mark: SpokenMark, _ from: Instant, _ to: Instant) -> String {
    "\(member) did not hear \(mark.name)'s mark from \(from) s to \(to) s, for \((to.nanoseconds - from.nanoseconds) / 1_000_000) ms"
  }

  func tooShort(_ mark: SpokenMark, _ hearing: MarkStory.Hearing) -> String {
    let end = hearing.to.map { ", which ended at \($0) s" } ?? ""
    return "\(member) heard \(mark.name)'s mark from \(hearing.from) s for \(hearing.from.duration(to: hearing.last))\(end)"
  }

  /// The call's other side hears something.
  private var isOtherWayHeard: Bool {
    guard let peer = script.peer(of: story) else { return false }
    return !peer.marks.hearings.isEmpty || !peer.tones.isEmpty
  }

  private var nothing: String {
    guard let last = marks.seconds.last else {
      return story.tones.isEmpty ? "nothing: not measured" : "no mark, but \(story.heard.map { "\($0) Hz" }.joined(separator: ", "))"
    }
    switch last {
    case .silence: return "silence in the packets that came"
    case .somethingElse: return "a sound that bears no mark"
    case .mark, .notMeasured: return "too little: not measured"
    }
  }

  private func name(_ speaker: MarkSpeaker) -> String { script.marks.first { $0.speaker == speaker }?.name ?? "an unknown speaker" }

  private func names(_ speakers: [MarkSpeaker]) -> [String] {
    var seen: [String] = []
    for speaker in speakers { if !seen.contains(name(speaker)) { seen.append(name(speaker)) } }
    return seen
  }

  private static func words(_ speed: Speed) -> String {
    guard speed.denominator == 1 else { return "too slow by a factor of \(speed.denominator)" }
    return "too fast by a factor of \(speed.numerator)"
  }
}
