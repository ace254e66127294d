import Mark
import SansIO

/// `hears: pbx, tone: 440 Hz`, `hears: kallglot, leg: two, mark: caller, for: 5 s, gaps: none`, `hears: pbx, sound: echo`
struct HearingExpectation: Expectation {
  static let summary = """
    A member has heard this tone, this speaker's mark or such a sound on its newest leg that is not over, or on its side of a named call.
    """
  static let examples = [
    "{ hears: pbx, tone: 440 Hz, within: 1 s }", "{ hears: kallglot, leg: leg, tone: 440 Hz }",
    "{ hears: kallglot, mark: caller, for: 5 s, gaps: none, within: 10 s }", "{ hears: pbx, sound: silence, within: 3 s }",
  ]

  /// What is heard beside tones and marks.
  enum Sound: String, CaseIterable, Sendable {
    /// A second in which nothing was to be heard, though packets came.
    case silence
    /// A second of sound without a mark.
    case stranger
    /// A mark that is cut at the top.
    case clipping
    /// A mark that is heard faster or slower than it was spoken.
    case wrongRate = "wrong-rate"
    /// The own mark.
    case echo
    /// A mark of which something was left out, or put in.
    case jump
  }

  private enum Subject: Sendable {
    case tone(Int)
    case mark(SpokenMark)
    case sound(Sound)
  }

  private static let hears = Key.required("hears", .party, "Who hears.")
  private static let tone = Key.optional("tone", .frequency, "The frequency, within 2 %.", inherits: true)
  private static let mark = Key.optional("mark", .spokenMark, "The mark of a speaker, as a `speak` step names it.")
  private static let sound = Key.optional(
    "sound", ValueType<Sound>.word,
    """
    `silence`: packets with nothing to hear in them for a second; `stranger`: a second of sound without a mark; `clipping`, `wrong-rate`, \
    `jump`: a mark that is cut at the top, too fast or too slow, or of which something is left out or put in; `echo`: the own mark.
    """)
  private static let leg = Key.optional("leg", .leg, "On which call.")
  private static let duration = Key.optional("for", .duration, "How long at least, in one piece but for gaps below a second.")
    .with(.key("mark"))
  private static let gaps = Key.optional(
    "gaps", .longestGap, "How long it may be away at most: a duration, or `none` for less than 80 ms.", inherits: false
  ).with(.key("mark"))
  static let fields: [any DescribedField] = [hears, tone, mark, sound, leg, duration, gaps]
  private static let subjects = ["tone", "mark", "sound"]

  private let member: String
  private let subject: Subject
  private let leg: String?
  private let duration: Duration?
  private let gaps: LongestGap?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, leg) = (try fields[Self.hears], try fields[Self.leg])
    (duration, gaps) = (try fields[Self.duration], try fields[Self.gaps])
    let present = Self.subjects.filter(fields.has)
    if present.count > 1 {
      throw fields.place.problem("only one of tone, mark, sound is allowed here, found \(present.joined(separator: " and "))")
    }
    if let mark = try fields[Self.mark] {
      subject = .mark(mark)
    } else if let sound = try fields[Self.sound] {
      scope.notes.listensForMarks = true
      subject = .sound(sound)
    } else {
      guard let tone = try fields[Self.tone] else { throw fields.place.problem("expected one of the keys tone, mark, sound") }
      subject = .tone(tone)
    }
  }

  var text: String {
    let what =
      switch subject {
      case .tone(let frequency): "\(frequency) Hz"
      case .mark(let mark): "the mark of \(mark.name)"
      case .sound(let sound): Self.words(sound)
      }
    let away = gaps.map { $0.limit == .zero ? " without gaps" : " with gaps up to \($0.limit)" } ?? ""
    return "\(member) hears \(what)\(leg.map { " on \($0)" } ?? "")\(duration.map { " for \($0)" } ?? "")\(away)"
  }

  var rule: String { "RFC 3264 §6: the audio that was agreed arrives" }
  var knownTo: String? { member }
  var inquiry: Inquiry { .hearing(member, call: leg) }

  private static func words(_ sound: Sound) -> String {
    switch sound {
    case .silence: "silence"
    case .stranger: "a sound without a mark"
    case .clipping: "a clipped mark"
    case .wrongRate: "a mark at a wrong rate"
    case .echo: "its own mark"
    case .jump: "a mark that jumps"
    }
  }

  func judge(_ script: Script) -> Judgement {
    guard let story = story(script) else {
      return .open("\(member) has no leg\(leg.map { " of \($0)" } ?? "")", script.lastEvidence[member])
    }
    let evidence = story.mediaEvidence ?? story.evidence
    switch subject {
    case .tone(let tone):
      // 2 % and at least 5 Hz: what 40 ms of G.711 can tell.
      if story.heard.contains(where: { abs($0 - tone) <= max(5, tone / 50) }) { return .met }
      return .open(Self.observed(story, at: member), evidence)
    case .mark(let mark): return judge(mark, story, script, evidence)
    case .sound(let sound):
      if Self.has(story.marks, sound) { return .met }
      return .open(HearingText(member: member, story: story, script: script).heard, evidence)
    }
  }

  private func judge(_ mark: SpokenMark, _ story: LegStory, _ script: Script, _ evidence: FrameCitation?) -> Judgement {
    let text = HearingText(member: member, story: story, script: script)
    guard let hearing = story.marks.longest(mark.speaker) else { return .open(text.instead(of: mark), evidence) }
    if let gaps, let gap = hearing.gaps.first(where: { $0.from.duration(to: $0.to) > gaps.limit }) {
      return .impossible(text.gap(of: mark, gap.from, gap.to), evidence)
    }
    // As exact as beginnings and ends are heard.
    guard let duration, hearing.from.duration(to: hearing.last) < duration - .milliseconds(60) else { return .met }
    return .open(text.tooShort(mark, hearing), evidence)
  }

  private static func has(_ marks: MarkStory, _ sound: Sound) -> Bool {
    switch sound {
    case .silence: marks.seconds.contains(.silence)
    case .stranger: marks.seconds.contains(.somethingElse)
    case .clipping: !marks.clippings.isEmpty
    case .wrongRate: !marks.speeds.isEmpty
    case .echo: !marks.echoes.isEmpty
    case .jump: !marks.warps.isEmpty
    }
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = story(script)
    let evidence = story?.mediaEvidence ?? story?.evidence
    guard case .tone = subject else {
      return (story.map { HearingText(member: member, story: $0, script: script).heard } ?? "\(member) heard nothing", evidence)
    }
    return ("\(member) heard \(story?.heard.map { "\($0) Hz" }.joined(separator: ", ") ?? "")", evidence)
  }

  private func story(_ script: Script) -> LegStory? { leg.map { script.story($0, at: member) } ?? script.live(member) }

  private static func observed(_ story: LegStory, at member: String) -> String {
    let heard = story.heard.isEmpty ? "no tone" : story.heard.map { "\($0) Hz" }.joined(separator: ", ")
    let packets = story.packetsReceived.map { " in \(CountText.of($0, "packet"))" } ?? ""
    return "\(member) heard \(heard)\(packets)"
  }
}

/// How long a mark may be away.
struct LongestGap: Sendable, Hashable {
  var limit: Duration
}

extension ValueType where Value == LongestGap {
  static var longestGap: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      try place.text() == "none" ? LongestGap(limit: .zero) : LongestGap(limit: try place.duration())
    }
  }
}
