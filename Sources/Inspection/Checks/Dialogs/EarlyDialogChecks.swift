import Rules
import SIPMessage
import SansIO
import WireReader

/// A callee ends no early dialog by BYE (RFC 3261 §15).
struct ByeInEarlyDialog: DialogCheck {
  var rule: Rule { .byeInEarlyDialog }
  var needs: StoryTraits { .requests }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    return transactions.compactMap { bye -> Remark? in
      guard bye.method == .bye, let sent = bye.request else { return nil }
      let invites = transactions.filter { $0.method == .invite && $0.isInitial && $0.request != nil && $0.fromTag == bye.toTag }
      let isEarly = invites.contains { $0.responses.contains { $0.toTag == bye.fromTag && $0.first.frame < sent.frame } }
      let isAnswered = invites.contains { $0.responses.contains { $0.isSuccess && $0.toTag == bye.fromTag && $0.first.frame < sent.frame } }
      // A 2xx that is not in the capture is proven otherwise.
      guard isEarly, !isAnswered, story.proof == nil, !context.hasHoles else { return nil }
      return Remark(rule, "BYE from \(bye.source), the callee, comes before a final response to the INVITE", sent, by: bye.source)
    }
  }
}

/// While an INVITE is in progress in a dialog there is no other one (RFC 3261 §14.1, §14.2). Two that cross each other are glare.
struct InviteOverlaps: DialogCheck {
  var rule: Rule { .inviteOverlaps }
  var needs: StoryTraits { .requests }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.request != nil }
    return invites.compactMap { invite in
      guard !invite.isInitial, let sent = invite.request else { return nil }
      let open = invites.first { Self.isOpen($0, at: sent, for: invite) }
      guard let open, let began = open.request else { return nil }
      return Remark(
        rule,
        "INVITE with CSeq \(invite.key.number) from \(invite.source) comes while the INVITE in frame \(began.frame) has no final response",
        sent, by: invite.source)
    }
  }

  private static func isOpen(_ other: ObservedTransaction, at sent: FrameStamp, for invite: ObservedTransaction) -> Bool {
    guard let began = other.request, let last = other.lastRequest, began.frame < sent.frame,
      other.final.map({ $0.first.frame > sent.frame }) ?? (sent.since(last) < patience || !other.responses.isEmpty),
      other.final != nil || other.cancel == nil,
      // The ACK shows that there was a final response, which a capture of one direction has not.
      !other.acknowledgements.contains(where: { $0.first.frame < sent.frame })
    else { return false }
    let isSameSide =
      other.fromTag == invite.fromTag && other.source.address == invite.source.address && other.key.number != invite.key.number
      && (other.isInitial || other.toTag == invite.toTag)
    // The callee has the caller's INVITE: its tag says so.
    let isCallee =
      other.isInitial && other.fromTag == invite.toTag && other.destination.address == invite.source.address
      && other.responses.contains { $0.toTag == invite.fromTag && $0.first.frame < sent.frame }
    return isSameSide || isCallee
  }
}

/// Require in a dialog names what the other side has said that it supports (RFC 3261 §8.2.2.3): its 420 says that it has not.
struct RequiredExtension: DialogCheck {
  var rule: Rule { .requireInDialog }
  var needs: StoryTraits { .requests }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { transaction in
      guard !transaction.isInitial, let sent = transaction.request, let final = transaction.final, final.status == 420 else { return nil }
      let what = final.explanation.map { ": \($0)" } ?? ""
      return Remark(
        rule,
        "\(transaction.method.token) from \(transaction.source) requires an extension that \(final.source) does not have, and got 420"
          + what, sent, by: transaction.source)
    }
  }
}

/// One user agent has one To tag (RFC 3261 §8.2.6.2, §12.1.1). Forks have several, and each callee's is in its own provisional responses: a
/// 2xx with a tag of its own, after those of one callee at the same Contact, is of a user agent that changed it.
struct ToTagStays: DialogCheck {
  var rule: Rule { .tagChanges }
  var needs: StoryTraits { .success }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { invite in
      guard invite.method == .invite, invite.isInitial, invite.request != nil, let success = invite.success, let tag = success.toTag,
        let contact = success.contact, success.recordRoutes.isEmpty, !invite.responses.contains(where: { $0.status == 199 })
      else { return nil }
      let early = invite.responses.filter { (101..<200).contains($0.status) && $0.first.frame < success.first.frame }
      guard let first = early.first, let other = first.toTag, other != tag, first.contact == contact,
        early.allSatisfy({ $0.toTag == other }), invite.responses.allSatisfy({ !$0.isSuccess || $0.toTag == tag })
      else { return nil }
      return Remark(
        rule,
        "\(success.status) from \(success.source) has another To tag than the \(first.status) in frame \(first.first.frame), and the same "
          + "Contact <\(contact)>", success.first, by: success.source)
    }
  }
}

/// A 2xx to INVITE has the Record-Route of its request, in its order (RFC 3261 §12.1.1). The hop of who answers shows both.
struct RecordRouteEchoed: DialogCheck {
  var rule: Rule { .recordRoute }
  var needs: StoryTraits { .success }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<String> = []
    let invites = story.conversation.transactions.filter { $0.method == .invite && $0.isInitial && $0.request != nil }
    let all = invites.flatMap { invite in invite.responses.filter(\.isSuccess).map { (invite, $0) } }
    return all.sorted { $0.1.first.frame < $1.1.first.frame }.compactMap { invite, success in
      guard seen.insert("\(invite.key.number) \(success.toTag ?? "")").inserted, let asked = invite.path.recordRoutes, !asked.isEmpty,
        let sent = invite.request, !Self.ends(success.recordRoutes, with: asked)
      else { return nil }
      // A proxy may write its own field anew (§16.7, item 8).
      let isReordered = success.recordRoutes.count == asked.count && Set(success.recordRoutes.map(Self.text)) == Set(asked.map(Self.text))
      guard success.recordRoutes.count < asked.count || isReordered else { return nil }
      let has =
        success.recordRoutes.isEmpty ? "no Record-Route" : "Record-Route \(success.recordRoutes.map(Self.text).joined(separator: ", "))"
      return Remark(
        rule,
        "\(success.status) to INVITE from \(success.source) has \(has), the INVITE in frame \(sent.frame) has "
          + asked.map(Self.text).joined(separator: ", "), success.first, by: success.source)
    }
  }

  private static func ends(_ list: [NameAddress], with tail: [NameAddress]) -> Bool {
    list.count >= tail.count && zip(list.suffix(tail.count), tail).allSatisfy { $0.uri.isEquivalent(to: $1.uri) }
  }

  private static func text(_ route: NameAddress) -> String { "<\(route.uri)>" }
}

/// A 2xx to INVITE establishes a dialog (RFC 3261 §12.1.2).
struct SuccessMakesDialog: MessageCheck {
  var rule: Rule { .successWithoutDialog }

  func check(_ message: ObservedMessage, _ request: ObservedTransaction?) -> [Remark] {
    guard message.cseq.method == .invite, let status = message.status, (200..<300).contains(status) else { return [] }
    guard message.from != nil, message.to != nil else {
      return [Remark(rule, "\(message.title) to INVITE has no From or To that can be read", message.stamp, by: message.source)]
    }
    do throws(SIPHeaderError) {
      if message.message.has(.recordRoute) { _ = try message.message.recordRoutes() }
      if message.message.has(.contact) { _ = try message.message.contacts() }
      return []
    } catch { return [Remark(rule, "\(message.title) to INVITE: \(error)", message.stamp, by: message.source)] }
  }
}
