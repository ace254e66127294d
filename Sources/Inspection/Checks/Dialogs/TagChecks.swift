import Rules
import SIPMessage
import SansIO
import WireReader

/// A request within a dialog has the tags of the dialog (RFC 3261 §12.2.1.1): by them the other side finds it (§12.2.2). Only dialogs whose
/// INVITE and 2xx were seen on the way that the request takes are compared.
struct DialogTags: DialogCheck {
  var rule: Rule { .dialogTags }
  let needs = StoryTraits.success

  /// A dialog as one of its sides has it.
  private struct Side {
    var own: String
    var remote: String
    var address: IPAddress
    var peer: IPAddress
    var since: Int
  }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let transactions = story.conversation.transactions
    let sides = Self.sides(transactions)
    guard !sides.isEmpty else { return [] }
    return transactions.compactMap { transaction in
      guard let sent = transaction.request, transaction.method == .bye || !transaction.isInitial, transaction.method != .cancel,
        let from = transaction.fromTag
      else { return nil }
      let possible = sides.filter {
        $0.address == transaction.source.address && $0.peer == transaction.destination.address && $0.since < sent.frame
      }
      guard let first = possible.first, !possible.contains(where: { $0.own == from && $0.remote == transaction.toTag }) else { return nil }
      let title = "\(transaction.method.token) from \(transaction.source)"
      guard let to = transaction.toTag else {
        guard possible.contains(where: { $0.own == from }) else { return nil }
        return Remark(rule, "\(title) has no To tag, although it ends the dialog of frame \(first.since)", sent, by: transaction.source)
      }
      if let side = possible.first(where: { $0.remote == to }) {
        let text = "\(title) has the From tag \(from); its tag in the dialog of frame \(side.since) is \(side.own)"
        return Remark(rule, text, sent, by: transaction.source)
      }
      // An early dialog, or a branch whose 2xx was not seen.
      let isKnown = transactions.contains { $0.isInitial && $0.method == .invite && $0.responses.contains { $0.toTag == to } }
      guard !isKnown, !context.hasHoles, let side = possible.first(where: { $0.own == from }) else { return nil }
      let text = "\(title) has the To tag \(to); that of the dialog of frame \(side.since) is \(side.remote)"
      return Remark(rule, text, sent, by: transaction.source)
    }
  }

  private static func sides(_ transactions: [ObservedTransaction]) -> [Side] {
    transactions.flatMap { invite -> [Side] in
      let (caller, callee) = (invite.source.address, invite.destination.address)
      guard invite.method == .invite, invite.isInitial, invite.request != nil, let tag = invite.fromTag, caller != callee else { return [] }
      return invite.responses.flatMap { success -> [Side] in
        guard success.isSuccess, let other = success.toTag else { return [] }
        return [
          Side(own: tag, remote: other, address: caller, peer: callee, since: success.first.frame),
          Side(own: other, remote: tag, address: callee, peer: caller, since: success.first.frame),
        ]
      }
    }
  }
}
