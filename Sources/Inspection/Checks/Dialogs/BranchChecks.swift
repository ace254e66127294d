import Rules
import SIPMessage
import SansIO
import WireReader

/// Of a call that has several targets, one after the other or at once, each answers. One that does not costs time even where another takes
/// the call (RFC 3261 §16.6, §17.1.1.2).
struct DeadBranch: DialogCheck {
  var rule: Rule { .deadBranch }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.isInitial && $0.request != nil }
    guard invites.count > 1, story.proof == nil, invites.contains(where: { !$0.responses.isEmpty }) else { return [] }
    return invites.compactMap { invite in
      guard invite !== story.decisive, invite.responses.isEmpty, invite.acknowledgements.isEmpty, let sent = invite.request,
        // The same one, seen on both sides of a NAT.
        !invites.contains(where: { $0 !== invite && $0.key == invite.key && !$0.responses.isEmpty }),
        isGivenUp(invite, sent, invites, context)
      else { return nil }
      let copies = invite.copies > 1 ? ", sent \(Words.times(invite.copies))," : ""
      let cancelled = invite.cancel.map { ", and was cancelled in frame \($0.frame)" } ?? ""
      return Remark(
        rule.severity, rule.section, "INVITE from \(invite.source) to \(invite.destination)\(copies) got no response at all\(cancelled)",
        sent, at: invite.destination)
    }
  }

  /// Copies over UDP show that its sender has no answer either.
  private func isGivenUp(
    _ invite: ObservedTransaction, _ sent: FrameStamp, _ invites: [ObservedTransaction], _ context: CheckContext
  ) -> Bool {
    let hasWaited = context.end.since(sent) >= patience
    guard invite.transport == .udp else { return hasWaited }
    guard invite.copies > 1 else { return false }
    // It went on to the next target.
    let goesOn = invites.contains { other in
      other.source.address == invite.source.address && other.destination != invite.destination
        && other.request.map { $0.since(sent) > 1_000_000_000 } ?? false
    }
    return hasWaited || invite.copies >= 7 || goesOn && invite.copies > 2
  }
}

/// Who accepts a CANCEL ends its INVITE (RFC 3261 §9.2).
struct CancelEndsInvite: DialogCheck {
  var rule: Rule { .cancelWithoutEnd }
  var needs: StoryTraits { .cancel }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    return transactions.compactMap { cancel in
      guard cancel.method == .cancel, let sent = cancel.request, let success = cancel.success, story.proof == nil,
        context.end.since(success.first) >= patience,
        let invite = transactions.first(where: { Self.cancels(cancel, $0) }), let invited = invite.request, invited.frame < sent.frame,
        invite.final == nil, invite.acknowledgements.isEmpty
      else { return nil }
      return Remark(
        rule,
        "\(success.source) answers the CANCEL in frame \(sent.frame) with \(success.status), and the INVITE in frame \(invited.frame) "
          + "gets no final response", success.first, by: success.source)
    }
  }

  private static func cancels(_ cancel: ObservedTransaction, _ invite: ObservedTransaction) -> Bool {
    invite.method == .invite && invite.key.branch == cancel.key.branch && invite.key.number == cancel.key.number
      && invite.source.address == cancel.source.address && invite.destination.address == cancel.destination.address
  }
}
