import Rules
import SIPMessage
import SansIO
import WireReader

/// A provisional response that is sent reliably is acknowledged by PRACK (RFC 3262 §4), and repeated until that comes (§3). PRACK may go
/// another way than the capture shows: then what it acknowledges is not repeated.
struct ReliableProgress: DialogCheck {
  var rule: Rule { .progressNotAcknowledged }
  /// As long as a caller may take to answer.
  private static let shortest: Int64 = 4_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    var seen: Set<String> = []
    return transactions.flatMap { invite -> [Remark] in
      guard invite.method == .invite, invite.request != nil else { return [] }
      return invite.responses.compactMap { progress in
        guard let number = progress.reliable,
          seen.insert("\(invite.key.number) \(invite.fromTag ?? "") \(progress.toTag ?? "") \(number)").inserted
        else { return nil }
        if !invite.takesReliability, invite.path.isOriginal || progress.contactIsItsSource { return unasked(progress, invite) }
        let isAcknowledged = transactions.contains { Self.acknowledges($0, invite, progress, number) }
        return isAcknowledged ? nil : remark(progress, number, invite, context)
      }
    }
  }

  private static func acknowledges(
    _ prack: ObservedTransaction, _ invite: ObservedTransaction, _ progress: ObservedTransaction.Response, _ number: UInt32
  ) -> Bool {
    guard prack.method == .prack, prack.request != nil, prack.toTag == progress.toTag else { return false }
    // One that cannot be read may be for it.
    return prack.acknowledges.map { $0.response == number && $0.number == invite.key.number } ?? true
  }

  private func remark(
    _ progress: ObservedTransaction.Response, _ number: UInt32, _ invite: ObservedTransaction, _ context: CheckContext
  ) -> Remark? {
    let final = invite.final.map { ", until \($0.status) in frame \($0.first.frame)" } ?? ""
    let copies = progress.copies > 1 ? ", sent \(Words.times(progress.copies))," : ""
    let text =
      "\(progress.status) to INVITE with RSeq \(number) from \(progress.source)\(copies) has no PRACK in this capture\(final)"
    let waited = (invite.final?.first ?? context.end).since(progress.first)
    if progress.copies > 2 {
      // PRACK may still come, as long as its sender has not repeated it for long.
      let isCertain = invite.final != nil || progress.copies > 4 || waited >= patience
      let blamed = invite.path.isOriginal ? invite.source : nil
      return Remark(isCertain ? rule.severity : .note, rule.section, text, progress.first, of: rule, by: blamed)
    }
    // Not repeated: its sender has a PRACK, or a fault of its own. Where PRACK has to pass here, it did not come.
    guard waited >= Self.shortest, invite.cancel == nil, invite.path.isOriginal, progress.contactIsItsSource else { return nil }
    return Remark(.warning, rule.section, text, progress.first, by: invite.source)
  }

  private func unasked(_ progress: ObservedTransaction.Response, _ invite: ObservedTransaction) -> Remark {
    Remark(
      .reliabilityUnasked,
      "\(progress.status) to INVITE from \(progress.source) requires 100rel, which the INVITE in frame \(invite.request?.frame ?? 0) does "
        + "not support", progress.first, by: progress.source)
  }
}

extension ObservedTransaction.Response {
  /// Requests to its Contact go where it came from.
  var contactIsItsSource: Bool {
    guard let contact, let uri = try? SIPURI(parsing: contact) else { return false }
    return uri.host.address == source.address
  }
}
