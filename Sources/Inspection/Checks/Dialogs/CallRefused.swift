import Rules
import SIPMessage
import SansIO
import WireReader

/// A call that was refused, with its why (RFC 3261 §21).
struct CallRefused: DialogCheck {
  var rule: Rule { .callRefused }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard case .refused(let status, let phrase, let explanation, let frame) = story.outcome, status >= 400, status != 487 else { return [] }
    let origin = Self.origin(story)
    let source = origin.map { " by \($0.source.address)" } ?? ""
    let what = "INVITE was refused with \(status) \(phrase)".trimmingSpaces + source
    let why = (origin?.explanation ?? explanation).map { ": \($0)" } ?? ""
    let offer = Self.offer(story, origin, context).map { "; \($0)" } ?? ""
    return [Remark(Self.isAnswerOfAPerson(status) ? .note : .warning, Self.section(status), what + why + offer, origin?.first ?? frame)]
  }

  private static func offer(_ story: DialogStory, _ origin: ObservedTransaction.Response?, _ context: CheckContext) -> String? {
    guard let invite = story.decisive, let origin else { return nil }
    return OfferRefusal.why(invite, origin, by: origin.source.address, story, context)
  }

  /// Who refused: hops before it pass its response on, with its To tag.
  private static func origin(_ story: DialogStory) -> ObservedTransaction.Response? {
    guard let invite = story.decisive, let final = invite.final else { return nil }
    let copies = story.conversation.transactions.lazy.filter {
      $0.method == .invite && $0.key.number == invite.key.number && $0.fromTag == invite.fromTag
    }.flatMap(\.responses).filter { $0.status == final.status && $0.toTag == final.toTag }
    return copies.min { $0.first.frame < $1.first.frame } ?? final
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
