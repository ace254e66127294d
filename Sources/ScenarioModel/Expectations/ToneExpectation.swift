import SansIO

/// `hears: pbx, tone: 440 Hz`
struct ToneExpectation: Expectation {
  static let key = "hears"
  static let summary = "A member has heard this tone on its newest leg."
  static let fields = ["tone"]

  private let member: String
  private let tone: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try scope.member(try fields.required(Self.key))
    tone = try ToneText.read(try fields.required("tone"))
  }

  var text: String { "\(member) hears \(tone) Hz" }
  var rule: String { "RFC 3264 §6: the audio that was agreed arrives" }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.newest(member) else { return .open("\(member) has no leg", nil) }
    // 2 % and at least 5 Hz: what 40 ms of G.711 can tell.
    if story.heard.contains(where: { abs($0 - tone) <= max(5, tone / 50) }) { return .met }
    let heard = story.heard.isEmpty ? "no tone" : story.heard.map { "\($0) Hz" }.joined(separator: ", ")
    let packets = story.report.map { " in \($0.packetsReceived) packets" } ?? ""
    return .open("\(member) heard \(heard)\(packets)", story.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    ("\(member) heard it among \(script.newest(member)?.heard.map { "\($0) Hz" }.joined(separator: ", ") ?? "")", script.newest(member)?.evidence)
  }
}
