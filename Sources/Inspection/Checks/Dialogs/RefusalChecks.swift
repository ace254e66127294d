import Rules
import SIPMessage
import SansIO
import WireReader

/// Requests inside a dialog that were refused.
struct RefusedRequest: DialogCheck {
  var rule: Rule { .refusedInDialog }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard !transaction.isInitial, let final = transaction.final, final.status >= 400, ![401, 407, 487].contains(final.status) else {
        return nil
      }
      var remark = remark(transaction.method, final)
      if let why = OfferRefusal.why(transaction, final, by: final.source.address, story, context) { remark.text += "; \(why)" }
      return remark
    }
  }

  private func remark(_ method: SIPMethod, _ final: ObservedTransaction.Response) -> Remark {
    switch (final.status, method) {
    case (481, .notify):
      Remark(
        .note, "RFC 6665 §4.1.3", "NOTIFY got 481: \(final.source) has no such subscription; the dialog goes on", final.first)
    case (481, _):
      Remark(
        .warning, "RFC 3261 §12.2.2", "\(method.token) got 481: \(final.source) does not (or no longer) know this dialog", final.first)
    case (491, _):
      Remark(.note, section(method), "\(method.token) got 491: both sides sent a request at once (glare)", final.first)
    default:
      Remark(
        .note, section(method),
        "\(method.token) within the dialog got \(final.status) \(final.phrase)".trimmingSpaces
          + (final.explanation.map { ": \($0)" } ?? ""),
        final.first)
    }
  }

  private func section(_ method: SIPMethod) -> String {
    switch method {
    case .invite: "RFC 3261 §14.1"
    case .update: "RFC 3311 §5.2"
    default: "RFC 3261 §12.2.2"
    }
  }
}
