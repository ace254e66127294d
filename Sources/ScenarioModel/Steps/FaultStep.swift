import SansIO

/// `fault: { drop: the 1st 200 INVITE, from: kallglot }`
struct FaultStep: Step {
  static let keyword = "fault"
  static let summary = "Something happens to a message that will be sent: drop, delay (with by:) or reset (of its connection)."

  private let plan: FaultPlan

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(["drop", "delay", "reset", "by", "from"])
    let actions = ["drop", "delay", "reset"].filter { fields[$0] != nil }
    guard actions.count == 1, let action = actions.first else { throw place.problem("a fault is one of drop, delay, reset") }
    let message = try fields.required(action)
    let (occurrences, subject) = try message.value("a message such as 'the 2nd 200 INVITE', 'the first 3 BYE' or 'every INVITE'", MessageText.parse)
    let effect: FaultPlan.Action
    switch action {
    case "drop": effect = .drop
    case "reset": effect = .reset
    default: effect = .delay(try fields.required("by").duration())
    }
    plan = FaultPlan(
      text: "\(action) \(try message.text())", sender: try fields["from"].map { (place) throws(SourceProblem) in try scope.member(place) }, subject: subject,
      occurrences: occurrences, action: effect)
  }

  var text: String { plan.text }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.fault(plan))
    return .done
  }
}

/// `the 2nd 200 INVITE`, `the first 3 INVITE`, `every ACK`, `the BYE`.
enum MessageText {
  static func parse(_ text: String) -> (ClosedRange<Int>, Label.Subject)? {
    var words = text.split(separator: " ").map(String.init)
    if words.first == "the" { words.removeFirst() }
    var occurrences = 1...1
    if words.first == "every" {
      occurrences = 1...Int.max
      words.removeFirst()
    } else if words.first == "first", words.count > 1, let count = Int(words[1]), count > 0 {
      occurrences = 1...count
      words.removeFirst(2)
    } else if let first = words.first, let number = ordinal(first) {
      occurrences = number...number
      words.removeFirst()
    }
    return subject(words).map { (occurrences, $0) }
  }

  private static func ordinal(_ word: String) -> Int? {
    guard ["st", "nd", "rd", "th"].contains(where: word.hasSuffix), let number = Int(word.dropLast(2)), number > 0 else { return nil }
    return number
  }

  private static func subject(_ words: [String]) -> Label.Subject? {
    switch words.count {
    case 1 where words[0] == "RTCP": return .rtcp
    case 1 where words[0] == "RTP": return .rtp(payloadType: 0)
    case 1:
      let method = Label.Method(token: words[0])
      return method == .other ? nil : .request(method)
    case 2:
      let method = Label.Method(token: words[1])
      guard let status = UInt16(words[0]), (100...699).contains(status), method != .other else { return nil }
      return .response(status: status, method)
    default: return nil
    }
  }
}
