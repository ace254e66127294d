import Rules
import SIPMessage
import SansIO
import WireReader

/// Who has an INVITE of its own in progress refuses one of the other side with 491 (RFC 3261 §14.2). In what order they passed each other
/// is known at the tap of who refuses alone.
struct GlareRefused: DialogCheck {
  var rule: Rule { .glareNotRefused }
  let needs = StoryTraits.requests
  /// What nobody says before he has looked at what is in progress; others may be refused for their form, or for who sends them.
  private static let judgements: Set<Int> = [480, 486, 488, 600, 603, 606]

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard !context.own.isEmpty else { return [] }
    let invites = story.conversation.transactions.filter { $0.method == .invite && !$0.isInitial && $0.request != nil }
    return invites.compactMap { invite in
      guard context.own.contains(invite.destination.address), let sent = invite.request, let final = invite.final,
        final.isSuccess || Self.judgements.contains(final.status), !invites.forward(invite),
        let crossed = invites.first(where: { Self.crosses($0, invite, sent) })?.request
      else { return nil }
      return Remark(
        rule,
        "INVITE from \(invite.source) in frame \(sent.frame) crosses the one in frame \(crossed.frame), and gets \(final.status) instead "
          + "of 491", final.first, by: final.source)
    }
  }

  /// The other is of who is asked, and was open when he was.
  private static func crosses(_ other: ObservedTransaction, _ invite: ObservedTransaction, _ sent: FrameStamp) -> Bool {
    guard let began = other.request, let last = other.lastRequest, other.fromTag == invite.toTag, other.toTag == invite.fromTag,
      other.source.address == invite.destination.address, began.frame < sent.frame
    else { return false }
    return other.final.map { $0.first.frame > sent.frame } ?? (sent.since(last) < patience)
  }
}

/// After 491 both sides wait, each its own time (RFC 3261 §14.1): who does not wait, or waits as long as the other, meets it again. Only
/// the same offer is another attempt; what it took on its way is known at its sender's tap alone.
struct GlareWait: DialogCheck {
  var rule: Rule { .glareWait }
  let needs = StoryTraits.requests
  private static let tolerance: Int64 = 100_000_000
  /// What comes so late is a change of its own.
  private static let longest: Int64 = 15_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.request != nil }
    guard let owner = invites.first(where: \.isInitial)?.fromTag else { return [] }
    return invites.compactMap { refused in
      guard !refused.isInitial, let final = refused.final, final.status == 491,
        let again = invites.first(where: { Self.isOfSameSide($0, refused) && $0.request.map { $0.frame > final.first.frame } == true }),
        let sent = again.request, again.description?.origin?.content == refused.description?.origin?.content
      else { return nil }
      let waited = sent.since(final.first)
      let isOwn = context.own.contains(again.source.address) && again.path.isOriginal
      let isOwner = refused.fromTag == owner
      let isEarly = isOwner && waited < 2_100_000_000 - Self.tolerance
      // One of the other side in between has to be over first.
      let isFree = !invites.contains { other in
        other.fromTag != again.fromTag && other.request.map { $0.frame > final.first.frame && $0.frame < sent.frame } == true
      }
      let isLate = isOwn && isFree && waited > (isOwner ? 4_000_000_000 : 2_000_000_000) + Self.tolerance && waited < Self.longest
      guard isEarly || isLate else { return nil }
      let role = isOwner ? "which made the Call-ID" : "which did not make the Call-ID"
      return Remark(
        isOwn ? .warning : .note, rule.section,
        "INVITE from \(again.source), \(role), comes again \(Words.seconds(waited)) after the 491 in frame \(final.first.frame)", sent,
        by: again.source)
    }
  }

  private static func isOfSameSide(_ one: ObservedTransaction, _ other: ObservedTransaction) -> Bool {
    one.fromTag == other.fromTag && one.toTag == other.toTag && one.source.address == other.source.address
      && one.key.number > other.key.number
  }
}
