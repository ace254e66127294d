import Rules
import SDP
import SIPMessage
import SansIO
import WireReader

/// An answer has the offer's m= lines, takes of each what was offered, and a direction that fits (RFC 3264 §6).
struct AnswerMatchesOffer: DialogCheck {
  var rule: Rule { .answerFormat }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] { story.agreements.flatMap { Self.remarks($0) } }

  private static func remarks(_ agreement: MediaAgreement) -> [Remark] {
    let (offer, answer) = (agreement.offer, agreement.answer)
    guard offer.error == nil, answer.error == nil else { return [] }
    let lines = zip(offer.media, answer.media).flatMap { line($0, $1, answer, offer.stamp.frame) }
    guard offer.media.count != answer.media.count else { return lines }
    let text = "the answer has \(answer.media.count) m= lines, the offer in frame \(offer.stamp.frame) has \(offer.media.count)"
    return [Remark(.answerStreamCount, text, answer.stamp, by: answer.owner)] + lines
  }

  private static func line(_ offer: ObservedMedia, _ answer: ObservedMedia, _ description: ObservedDescription, _ frame: Int) -> [Remark] {
    func remark(_ breach: Rule, _ text: String, _ section: String = "RFC 3264 §6") -> Remark {
      Remark(breach.severity, section, text, description.stamp, of: breach, by: description.owner)
    }
    guard offer.kind == answer.kind else {
      return [remark(.answerStreamOrder, "the answer has m=\(answer.kind) where the offer in frame \(frame) has m=\(offer.kind)")]
    }
    guard answer.port != 0 else { return [] }
    if offer.port == 0 {
      return [remark(.answerReopens, "the answer accepts m=\(answer.kind), which the offer in frame \(frame) has closed")]
    }
    var remarks: [Remark] = []
    if offer.profile != answer.profile {
      remarks.append(remark(.answerProfile, "the answer has \(answer.profile), the offer in frame \(frame) has \(offer.profile)"))
    }
    let common =
      answer.encodings.contains { one in offer.encodings.contains { same($0, one) } }
      || !Set(offer.formats).isDisjoint(with: answer.formats)
    if !common {
      let text = "the answer has no format of the offer in frame \(frame) (\(list(answer)) for \(list(offer)))"
      remarks.append(remark(.answerFormat, text, "RFC 3264 §6.1"))
    }
    let extra = answer.encodings.filter { one in !offer.encodings.contains { same($0, one) } }
    if common, let first = extra.first {
      remarks.append(remark(.answerAddsFormat, "the answer adds \(first.text), which was not offered in frame \(frame)", "RFC 3264 §6.1"))
    }
    // They should be the same (RFC 3264 §6.1); each side sends by the other's.
    if let own = answer.encodings.first(where: { one in
      one.payloadType >= 96 && offer.encodings.contains { same($0, one) }
        && !offer.encodings.contains { same($0, one) && $0.payloadType == one.payloadType }
    }) {
      let text = "the answer gives \(own.text) the payload type \(own.payloadType), another one than the offer in frame \(frame)"
      remarks.append(remark(.answerNumber, text, "RFC 3264 §6.1"))
    }
    if answer.direction.sends && !offer.direction.receives || answer.direction.receives && !offer.direction.sends {
      let text = "the answer says \(answer.direction.rawValue) to \(offer.direction.rawValue) in frame \(frame)"
      remarks.append(remark(.answerDirection, text, "RFC 3264 §6.1"))
    }
    return remarks
  }

  private static func same(_ left: Encoding, _ right: Encoding) -> Bool {
    left.name.lowercased() == right.name.lowercased() && left.clockRate == right.clockRate
  }

  private static func list(_ media: ObservedMedia) -> String { media.encodings.map(\.name).joined(separator: ", ") }
}

/// A 2xx and its ACK between them have offer and answer (RFC 3261 §13.2.1).
struct MissingAnswer: DialogCheck {
  var rule: Rule { .answerMissing }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    story.conversation.transactions.flatMap { transaction -> [Remark] in
      guard transaction.method == .invite, transaction.request != nil, let success = transaction.success else { return [] }
      let described = transaction.responses.contains { $0.description != nil && $0.status < 300 }
      if transaction.description != nil, !described {
        return [Remark(rule, "\(success.status) to an INVITE with an offer has no answer", success.first, by: success.source)]
      }
      guard transaction.description == nil, let ack = transaction.acknowledgement else { return [] }
      if !described {
        let text = "\(success.status) to an INVITE without an offer has no offer"
        return [Remark(.offerMissing, text, success.first, by: success.source)]
      }
      guard transaction.acknowledgedDescription == nil else { return [] }
      let text = "ACK has no answer to the offer in the \(success.status) of frame \(success.first.frame)"
      return [Remark(rule, text, ack, by: transaction.source)]
    }
  }
}

/// Media asked to an address that only the sender's own network can reach.
struct PrivateMediaAddress: DialogCheck {
  var rule: Rule { .privateAddress }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    var remarks: [Remark] = []
    for description in story.agreements.flatMap({ [$0.offer, $0.answer] }) {
      // With ICE the address is one of several (RFC 8839 §4.2.1), and the checks find one that works.
      guard let audio = description.audio, let address = audio.address?.address, address.isPrivate, !audio.hasICE,
        !description.owner.address.isPrivate
      else { continue }
      let isCertain = isNobodys(address, description.owner.address, context)
      remarks.append(
        Remark(
          isCertain ? .error : .warning, "RFC 8866 §5.7",
          "\(description.owner.address) asks for media at the private address \(address): RTP to it is lost unless a NAT helper rewrites "
            + "it",
          description.stamp, by: description.owner))
    }
    return remarks
  }

  /// At the tap of who wrote it, an address that is neither its own nor one that somebody else described to it.
  private func isNobodys(_ address: IPAddress, _ owner: IPAddress, _ context: CheckContext) -> Bool {
    guard context.own.contains(owner), !context.own.contains(address) else { return false }
    return !context.stories.values.contains { story in
      story.agreements.contains { agreement in
        [agreement.offer, agreement.answer].contains {
          !context.own.contains($0.owner.address) && $0.audio?.address?.address == address
        }
      }
    }
  }
}

/// Without telephone-event DTMF can only be sent in-band or by INFO (RFC 4733).
struct TelephoneEventAgreed: DialogCheck {
  var rule: Rule { .noTelephoneEvent }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let agreement = story.agreements.first(where: { $0.isInitial }), agreement.codec != nil, !agreement.hasTelephoneEvent else {
      return []
    }
    let offered = agreement.offer.audio?.encodings.contains { $0.isTelephoneEvent } == true
    let text = offered ? "the answer leaves telephone-event out" : "the offer has no telephone-event"
    return [Remark(.note, "RFC 4733 §2.5.1.1", "\(text): DTMF can only be sent in-band or by INFO", agreement.answer.stamp)]
  }
}
