import Rules
import SIPMessage
import SansIO
import WireReader

/// A session whose 2xx has Session-Expires is refreshed before it expires, by re-INVITE or UPDATE (RFC 4028 §7.4, §10). Each 2xx of a
/// refresh agrees anew, and one without Session-Expires ends the timer (§7.2).
struct SessionRefreshed: DialogCheck {
  var rule: Rule { .sessionNotRefreshed }
  var needs: StoryTraits { .success }
  private static let second: Int64 = 1_000_000_000

  /// A 2xx to INVITE or UPDATE, where the caller or the callee got it.
  private struct Agreement {
    var timer: SessionTimer?
    var request: ObservedTransaction
    var success: ObservedTransaction.Response
    /// Where the 2xx comes from, and goes.
    var server: TransportAddress
    var client: TransportAddress

    /// nil where the timer names nobody.
    var refresher: TransportAddress? { timer?.refresher.map { $0 == .uac ? client : server } }
  }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let initial = story.success,
      story.conversation.transactions.contains(where: { $0.responses.contains { $0.sessionTimer != nil } })
    else { return [] }
    let agreements = Self.agreements(story, initial.toTag)
    return agreements.indices.compactMap { index in
      let next = index + 1 < agreements.count ? agreements[index + 1] : nil
      return remark(agreements[index], next, story, context)
    }
  }

  private func remark(_ agreement: Agreement, _ next: Agreement?, _ story: DialogStory, _ context: CheckContext) -> Remark? {
    guard let timer = agreement.timer, timer.interval > 0 else { return nil }
    let begin = agreement.success.first
    let interval = Int64(timer.interval) * Self.second
    let end = story.bye?.request
    // A refresh that was on its way in time is one, whenever its answer came.
    if let next, (next.request.request ?? next.success.first).since(begin) <= interval + Self.second { return nil }
    let (who, blamed) = words(agreement, timer)
    let session = "the session of \(timer.interval) s that the \(agreement.success.status) in frame \(begin.frame) agreed on"
    let tried = tries(agreement, story, until: next?.request.request ?? end ?? context.end)
    let owed = "\(who) owed a re-INVITE or UPDATE \(Words.seconds(interval / 2)) after it\(tried ?? " and sent none")"
    if let end, end.since(begin) <= interval + Self.second {
      // min(32 s, a third) before the session expires, whoever does not refresh hangs up (§10).
      let early = interval - min(32 * Self.second, interval / 3)
      guard end.since(begin) >= early - Self.second, let hung = story.bye, blamed == nil || hung.source.address != blamed?.address else {
        return nil
      }
      let isExact = [early, interval].contains { abs(end.since(begin) - $0) <= Self.second }
      let text = "BYE from \(hung.source) in frame \(end.frame) comes \(Words.seconds(end.since(begin))) into \(session): \(owed)"
      return Remark(isExact ? rule.severity : .note, rule.section, text, begin, by: blamed)
    }
    let until = next?.request.request ?? end ?? context.end
    guard until.since(begin) > interval + Self.second else { return nil }
    let rest =
      next != nil
      ? "was refreshed \(Words.seconds(until.since(begin) - interval)) after it had expired"
      : end != nil
        ? "expired, and the call was up for \(Words.seconds(until.since(begin)))"
        : "expired, and nobody ended the call until the capture's end"
    return Remark(rule.severity, rule.section, "\(session) \(rest): \(owed)", begin, by: blamed)
  }

  private func words(_ agreement: Agreement, _ timer: SessionTimer) -> (who: String, blamed: TransportAddress?) {
    guard let refresher = timer.refresher, let address = agreement.refresher else { return ("its refresher, who is not named,", nil) }
    return ("\(address) (refresher=\(refresher.rawValue))", address)
  }

  /// Refreshes that were asked for, and came to nothing.
  private func tries(_ agreement: Agreement, _ story: DialogStory, until: FrameStamp) -> String? {
    let failed = story.conversation.transactions.first { transaction in
      guard let sent = transaction.request, transaction.method == .invite || transaction.method == .update, !transaction.isInitial else {
        return false
      }
      return sent.frame > agreement.success.first.frame && sent.frame < until.frame && transaction.success == nil
    }
    return failed.map { transaction in
      "; the \(transaction.method.token) in frame \(transaction.request?.frame ?? 0) got "
        + (transaction.final.map { "\($0.status)" } ?? "no final response")
    }
  }

  /// In the order of their 2xx, each once however many hops show it: as the client gets it, who may be told more than the server said.
  private static func agreements(_ story: DialogStory, _ tag: String?) -> [Agreement] {
    var groups: [String: [(ObservedTransaction, ObservedTransaction.Response)]] = [:]
    for transaction in story.conversation.transactions where transaction.method == .invite || transaction.method == .update {
      guard transaction.request != nil, let success = transaction.responses.first(where: \.isSuccess),
        [transaction.fromTag, success.toTag].contains(tag)
      else { continue }
      let identity = "\(transaction.method.token) \(transaction.fromTag ?? "") \(transaction.key.number)"
      groups[identity, default: []].append((transaction, success))
    }
    return groups.values.compactMap { hops -> Agreement? in
      guard let first = hops.min(by: { ($0.0.request?.frame ?? 0) < ($1.0.request?.frame ?? 0) }),
        let origin = hops.min(by: { $0.1.first.frame < $1.1.first.frame })
      else { return nil }
      return Agreement(
        timer: first.1.sessionTimer, request: first.0, success: first.1, server: origin.1.source, client: first.0.source)
    }.sorted { $0.success.first.frame < $1.success.first.frame }
  }
}
