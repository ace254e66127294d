import SIPMessage
import SansIO
import WireReader

/// A call that was refused, with its why (RFC 3261 §21).
struct CallRefused: DialogCheck {
  let name = "call-refused"

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard case .refused(let status, let phrase, let explanation, let frame) = story.outcome, status >= 400, status != 487 else { return [] }
    let source = story.decisive?.final.map { " by \($0.source.address)" } ?? ""
    let what = "INVITE was refused with \(status) \(phrase)".trimmingSpaces + source
    let why = explanation.map { ": \($0)" } ?? ""
    return [Remark(Self.isAnswerOfAPerson(status) ? .note : .warning, Self.section(status), what + why, frame)]
  }

  /// Busy, not there, declined: the call went as it should.
  private static func isAnswerOfAPerson(_ status: Int) -> Bool { [480, 486, 600, 603].contains(status) }

  private static func section(_ status: Int) -> String {
    switch status {
    case 500..<600: "RFC 3261 §21.5"
    case 600...: "RFC 3261 §21.6"
    default: "RFC 3261 §21.4"
    }
  }
}
