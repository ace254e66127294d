import Rules
import SansIO
import WireReader

/// Who may not send on a stream sends no RTP (RFC 3264 §5.1). What was under way when the permission ended is nobody's mistake.
struct MediaWhileHeld: DialogCheck {
  var rule: Rule { .rtpWhileHeld }
  var needs: StoryTraits { .success }
  /// What left before its sender knew.
  private static let grace: Int64 = 1_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let success = story.success else { return [] }
    let end = story.bye?.request ?? context.end
    var seen: Set<RTPStream.Key> = []
    // Who got a new offer may do by it what its answer, still on its way, will say.
    let offers = story.conversation.transactions.compactMap { $0.description ?? $0.success?.description }.map(\.stamp.frame).sorted()
    return MediaAgreement.periods(story.agreements, answered: success.first, end: end).flatMap { period -> [Remark] in
      [MediaAgreement.Period.Side.offerer, .answerer].flatMap { side -> [Remark] in
        guard !period.maySend(side), let own = period.audio(of: side), own.port != 0, !own.hasICE else { return [] }
        return context.streams.from(own.addresses, to: []).compactMap { stream in
          guard let part = Self.part(of: stream, period, until: offers.first { $0 > period.agreement.answer.stamp.frame } ?? .max),
            seen.insert(stream.key).inserted
          else { return nil }
          let frame = period.agreement.answer.stamp.frame
          return Remark(
            rule,
            "\(stream.way) goes on with \(Words.count(part.packets, "packet")) although the agreement of frame \(frame) does not let "
              + "\(stream.key.source) send", part.first, by: stream.key.source)
        }
      }
    }
  }

  /// Packets of a time in which both sides know the agreement.
  private static func part(of stream: RTPStream, _ period: MediaAgreement.Period, until end: Int) -> RTPStream.Period? {
    guard let known = period.agreement.known else { return nil }
    let since = known.frame > period.begin.frame ? known : period.begin
    return stream.periods.first { part in
      let begin = part.first.frame > since.frame ? part.first : since
      return part.last.frame > since.frame && part.first.frame < min(period.end.frame, end)
        && part.first.frame > period.agreement.offer.stamp.frame
        && part.last.since(begin) > grace && part.late > 2
    }
  }
}

/// RTP goes to the new address once a re-INVITE has moved it (RFC 3264 §8.3.1).
struct MediaFollowsAgreement: DialogCheck {
  var rule: Rule { .formerAddress }
  var needs: StoryTraits { .success }
  private static let grace: Int64 = 2_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    guard let success = story.success else { return [] }
    let end = story.bye?.request ?? context.end
    let periods = MediaAgreement.periods(story.agreements, answered: success.first, end: end)
    return zip(periods, periods.dropFirst()).flatMap { before, now -> [Remark] in
      Self.moves(from: before, to: now).flatMap { move -> [Remark] in
        context.streams.to(move.old).compactMap { stream in
          guard stream.conversations == [story.conversation.number], stream.first.frame < now.end.frame,
            let part = stream.periods.last(where: { $0.first.frame < now.end.frame }), part.last.since(now.begin) > Self.grace,
            part.late > 3
          else { return nil }
          return Remark(
            rule,
            "\(stream.key.source) goes on sending RTP to \(move.old), which became \(move.new) with frame "
              + "\(now.agreement.since.frame)", now.agreement.since, by: stream.key.source)
        }
      }
    }
  }

  /// The addresses of who described media in both, known by the host that its descriptions come from.
  private static func moves(
    from before: MediaAgreement.Period, to now: MediaAgreement.Period
  ) -> [(old: TransportAddress, new: TransportAddress)] {
    let (former, latter) = ([before.agreement.offer, before.agreement.answer], [now.agreement.offer, now.agreement.answer])
    guard former[0].owner.address != former[1].owner.address else { return [] }
    return latter.compactMap { description in
      guard let old = former.first(where: { $0.owner.address == description.owner.address })?.audio, let new = description.audio,
        let from = old.address, let to = new.address, from != to, old.port != 0, new.port != 0, !new.isHold, !new.hasICE,
        !from.address.isUnspecified
      else { return nil }
      return (from, to)
    }
  }
}
