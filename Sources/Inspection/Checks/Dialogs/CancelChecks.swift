import Rules
import SIPMessage
import SansIO
import WireReader

/// A CANCEL has the branch, the CSeq number, the Request-URI and the tags of its INVITE (RFC 3261 §9.1): by the branch it is found (§9.2).
struct CancelMatchesInvite: DialogCheck {
  var rule: Rule { .cancelBranch }
  var needs: StoryTraits { .cancel }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    let invites = transactions.filter { $0.method == .invite && $0.request != nil }
    return transactions.flatMap { cancel -> [Remark] in
      guard cancel.method == .cancel, let sent = cancel.request, cancel.key.branch.hasPrefix(Via.magicCookie) else { return [] }
      let hop = invites.filter { invite in
        invite.source.address == cancel.source.address && invite.destination.address == cancel.destination.address
          && invite.request.map { $0.frame < sent.frame } ?? false
      }
      if let invite = hop.last(where: { $0.key.branch == cancel.key.branch }) { return Self.compare(cancel, invite, sent) }
      let open = hop.last { $0.final.map { $0.first.frame > sent.frame } ?? true }
      guard let open, let invited = open.request else { return [] }
      return [
        Remark(rule, "CANCEL\(Self.end(cancel)): its branch is not that of the INVITE in frame \(invited.frame)", sent, by: cancel.source)
      ]
    }
  }

  private static func compare(_ cancel: ObservedTransaction, _ invite: ObservedTransaction, _ sent: FrameStamp) -> [Remark] {
    var remarks: [Remark] = []
    let frame = invite.request?.frame ?? 0
    if cancel.key.number != invite.key.number {
      remarks.append(
        Remark(
          .cancelSequence,
          "CANCEL\(end(cancel)): its CSeq number is \(cancel.key.number), that of the INVITE in frame \(frame) is \(invite.key.number)",
          sent,
          by: cancel.source))
    }
    let differences = [
      cancel.requestURI == invite.requestURI ? nil : "Request-URI", cancel.fromTag == invite.fromTag ? nil : "From tag",
      cancel.toTag == invite.toTag ? nil : "To tag",
    ].compactMap(\.self)
    if !differences.isEmpty {
      remarks.append(
        Remark(
          .cancelTarget,
          "CANCEL\(end(cancel)): its \(differences.joined(separator: " and ")) differs from that of the INVITE in frame "
            + "\(frame)", sent, by: cancel.source))
    }
    return remarks
  }

  private static func end(_ cancel: ObservedTransaction) -> String {
    cancel.final.map { $0.status >= 300 ? " got \($0.status)" : "" } ?? ""
  }
}

/// An ACK has the number of its INVITE (RFC 3261 §13.2.2.4, §17.1.1.3).
struct AcknowledgementNumber: DialogCheck {
  var rule: Rule { .acknowledgementSequence }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard !story.beginsInTheMiddle, !context.hasHoles else { return [] }
    return story.conversation.strayAcknowledgements.compactMap { ack in
      let known = story.conversation.transactions.last { invite in
        invite.method == .invite && invite.source.address == ack.source.address && invite.fromTag == ack.fromTag
          && invite.final.map { $0.first.frame < ack.stamp.frame } ?? false
      }
      guard let known, let invited = known.request else { return nil }
      return Remark(
        rule, "ACK has the CSeq number \(ack.number), the INVITE in frame \(invited.frame) has \(known.key.number)", ack.stamp,
        by: ack.source)
    }
  }
}

/// The ACK of a refusal has its INVITE's branch (RFC 3261 §17.1.1.3), that of a 2xx is a request of its own (§13.2.2.4).
struct AcknowledgementBranch: DialogCheck {
  var rule: Rule { .acknowledgementBranch }
  var needs: StoryTraits { .acknowledgements }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.request != nil }
    var seen: Set<FrameStamp> = []
    return invites.flatMap { invite -> [Remark] in
      guard invite.key.branch.hasPrefix(Via.magicCookie), let final = invite.final, let invited = invite.request else { return [] }
      let acks = invites.filter { $0.key.number == invite.key.number && $0.fromTag == invite.fromTag }.flatMap(\.acknowledgements)
      return acks.compactMap { ack in
        guard ack.path.isOriginal, ack.source.address == invite.source.address, ack.first.frame > final.first.frame else { return nil }
        if final.isSuccess {
          guard ack.hasInvitesBranch, ack.toTag == final.toTag, seen.insert(ack.first).inserted else { return nil }
          let text = "the ACK of the \(final.status) has the branch of the INVITE in frame \(invited.frame)"
          return Remark(.warning, "RFC 3261 §13.2.2.4", text, ack.first, by: ack.source)
        }
        guard !ack.hasInvitesBranch, ack.toTag == final.toTag, ack.destination.address == invite.destination.address,
          seen.insert(ack.first).inserted
        else { return nil }
        let text =
          "the ACK of the \(final.status) has another branch than the INVITE in frame \(invited.frame), so that it acknowledges nothing"
        return Remark(rule, text, ack.first, by: ack.source)
      }
    }
  }
}
