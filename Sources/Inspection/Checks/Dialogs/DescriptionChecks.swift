import Rules
import SIPMessage
import SansIO
import WireReader

/// Offers can be answered, and answers accept something (RFC 3264 §5, §6).
struct UsableDescriptions: DialogCheck {
  var rule: Rule { .offerUnusable }
  var needs: StoryTraits { .descriptions }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<UInt64> = []
    return story.conversation.transactions.flatMap { transaction -> [Remark] in
      Self.descriptions(transaction).compactMap { title, description, isOffer in
        let breach: Rule = isOffer ? .offerUnusable : .answerUnusable
        guard description.error == nil, let text = Self.mistake(description, isOffer ? nil : transaction.description),
          seen.insert(description.digest).inserted
        else { return nil }
        return Remark(breach, "\(title) from \(description.owner) \(text)", description.stamp, by: description.owner)
      }
    }
  }

  private static func mistake(_ description: ObservedDescription, _ offer: ObservedDescription?) -> String? {
    if let media = description.media.first(where: { $0.port != 0 && $0.isRTP && !$0.hasConnection }) {
      return "has no c= line with an address or a host name for m=\(media.kind)"
    }
    guard let offer, offer.media.contains(where: { $0.port != 0 }), description.media.allSatisfy({ $0.port == 0 }) else { return nil }
    return "accepts none of the streams that the offer in frame \(offer.stamp.frame) has"
  }

  private static func descriptions(_ transaction: ObservedTransaction) -> [(String, ObservedDescription, isOffer: Bool)] {
    guard transaction.method == .invite || transaction.method == .update else { return [] }
    var list: [(String, ObservedDescription, isOffer: Bool)] = []
    if let offer = transaction.description { list.append((transaction.method.token, offer, true)) }
    if let success = transaction.success, let description = success.description {
      list.append(("\(success.status)", description, transaction.description == nil))
    }
    if let answer = transaction.acknowledgedDescription, transaction.description == nil { list.append(("ACK", answer, false)) }
    return list
  }
}

/// The answers in the responses to an INVITE of one dialog are copies of the first (RFC 3261 §13.2.1), and those in copies of its ACK too.
struct SecondAnswer: DialogCheck {
  var rule: Rule { .secondAnswer }
  var needs: StoryTraits { .descriptions }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<String> = []
    return story.conversation.transactions.flatMap { invite -> [Remark] in
      guard invite.method == .invite, invite.request != nil else { return [] }
      let acks = invite.acknowledgements.compactMap { ack -> Remark? in
        guard let stamp = ack.changed, seen.insert("ACK \(invite.key.number) \(ack.toTag ?? "")").inserted else { return nil }
        return Remark(rule, "a copy of the ACK in frame \(ack.first.frame) has another description", stamp, by: ack.source)
      }
      return acks
        + Self.responses(invite).compactMap { second in
          let identity = "\(invite.key.number) \(invite.fromTag ?? "") \(second.tag)"
          guard seen.insert(identity).inserted else { return nil }
          // A caller ignores it; where somebody on the way answered first, it is another's.
          let isOwn = context.own.contains(second.source.address) && !story.conversation.transactions.forward(invite)
          let severity: Rule.Severity = second.isEarly && !isOwn ? .note : .error
          return Remark(severity, rule.section, second.text, second.stamp, of: rule, by: second.source)
        }
    }
  }

  private struct Second {
    var tag: String
    var text: String
    var stamp: FrameStamp
    var source: TransportAddress
    /// What a caller ignores, who has the answer already.
    var isEarly: Bool
  }

  private static func responses(_ invite: ObservedTransaction) -> [Second] {
    let isDelayed = invite.description == nil
    var first: [String: ObservedTransaction.Response] = [:]
    return invite.responses.compactMap { response in
      guard (101..<300).contains(response.status), response.isSuccess || !isDelayed, let description = response.description else {
        return nil
      }
      let tag = response.toTag ?? ""
      if let stamp = response.changed {
        return Second(
          tag: tag, text: "a copy of the \(response.status) in frame \(response.first.frame) has another description", stamp: stamp,
          source: response.source, isEarly: !response.isSuccess)
      }
      guard let before = first[tag] else {
        first[tag] = response
        return nil
      }
      guard let answer = before.description, answer.digest != description.digest else { return nil }
      return Second(
        tag: tag, text: "the description in the \(response.status) is not the one in the \(before.status) of frame \(before.first.frame)",
        stamp: response.first, source: response.source, isEarly: !before.isSuccess)
    }
  }
}

/// An answer follows an offer (RFC 3264 §4): an INVITE that was answered in its 2xx has no other in its ACK.
struct AnswerFollowsOffer: DialogCheck {
  var rule: Rule { .answerWithoutOffer }
  var needs: StoryTraits { .success }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.compactMap { invite in
      guard invite.method == .invite, let offer = invite.description, invite.success?.description != nil,
        let ack = invite.acknowledgements.first(where: { $0.description != nil && $0.source.address == invite.source.address }),
        let description = ack.description
      else { return nil }
      let isCopy = description.digest == offer.digest
      return Remark(
        isCopy ? .note : .warning, rule.section,
        "ACK has a description\(isCopy ? ", a copy of the offer," : "") although offer and answer were complete with the "
          + "\(invite.success?.status ?? 200)", ack.first, by: ack.source)
    }
  }
}

/// A new offer has at least as many m= lines as what was agreed before (RFC 3264 §8).
struct OfferKeepsStreams: DialogCheck {
  var rule: Rule { .offerDropsStreams }
  var needs: StoryTraits { .requests }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var seen: Set<UInt64> = []
    return story.conversation.transactions.compactMap { transaction in
      guard let offer = transaction.description, offer.error == nil, !transaction.isInitial,
        transaction.method == .invite || transaction.method == .update,
        let before = story.agreements.last(where: { $0.since.frame < offer.stamp.frame }), before.offer.error == nil
      else { return nil }
      let streams = before.offer.media.count
      guard offer.media.count < streams, seen.insert(offer.digest).inserted else { return nil }
      return Remark(
        rule,
        "the offer from \(offer.owner) has \(Words.count(offer.media.count, "m= line")), what was agreed in frame "
          + "\(before.answer.stamp.frame) has \(streams)", offer.stamp, by: offer.owner)
    }
  }
}
