import Rules
import SansIO
import WireReader

/// The payload types of a stream are those its receiver had described at the time (RFC 3264 §5.1, §6.1).
struct PayloadNegotiated: StreamCheck {
  var rule: Rule { .rtpPayloadType }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    stream.payloads.compactMap { use in
      guard use.unasked > 2, let first = use.firstUnasked, let receiver = use.unaskedReceiver, !isRefused(receiver, context) else {
        return nil
      }
      let own = use.unaskedSender?.media.encodings.first { $0.payloadType == use.type }
      let theirs = own.flatMap { mine in receiver.media.encodings.first { $0.name.lowercased() == mine.name.lowercased() } }
      var text = "\(stream.key.source) sends payload type \(use.type), which \(stream.key.destination) did not describe"
      if let own, let theirs {
        text =
          "\(stream.key.source) sends \(own.name) as \(use.type), its own number; \(stream.key.destination) asked for \(theirs.payloadType)"
      }
      return Remark(severity(use, stream), "RFC 3264 §5.1", text, first)
    }
  }

  /// Comfort noise may come without having been asked for (RFC 3389 §4 discourages it); probes and a maker's own events break no call.
  private func severity(_ use: PayloadUse, _ stream: RTPStream) -> InspectionFinding.Severity {
    use.type == 13 || use.isNamedSignallingEvent || stream.isProbe ? .note : .error
  }

  /// What a refused offer says never held (RFC 3261 §14.1).
  private func isRefused(_ use: MediaTable.Use, _ context: CheckContext) -> Bool {
    context.stories[use.conversation]?.conversation.transactions.contains { transaction in
      transaction.description?.stamp == use.description && transaction.success == nil && transaction.final != nil
    } ?? false
  }
}

/// Media comes from where its sender takes media (symmetric RTP, RFC 4961), and goes where it was asked to.
struct MediaPlace: StreamCheck {
  var rule: Rule { .mediaAddress }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let receiver = stream.receiver, !receiver.media.hasICE, stream.sender == nil, let conversation = stream.conversation,
      let story = context.stories[conversation], let agreement = story.agreements.last
    else { return [] }
    let places = [agreement.offer.audio?.address, agreement.answer.audio?.address].compactMap(\.self)
    guard places.count == 2, let other = places.first(where: { $0 != stream.key.destination }), places.contains(stream.key.destination),
      !other.address.isUnspecified
    else { return [] }
    return [
      Remark(
        .note, "RFC 4961 §4",
        "RTP to \(stream.key.destination) comes from \(stream.key.source), while its sender receives media at \(other): "
          + "asymmetric RTP, or a NAT on the path",
        stream.first)
    ]
  }
}

/// Media goes to the port that was asked for (RFC 3264 §5.1): another port of the same host is nobody's.
struct MediaPort: StreamCheck {
  var rule: Rule { .mediaPort }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.sender != nil, stream.receiver == nil, stream.statistics.packets >= 50, !stream.isProbe,
      // Who sends from there may well be answered there (RFC 4961).
      context.streams.from(stream.key.destination).isEmpty
    else { return [] }
    for agreement in stream.conversations.compactMap({ context.stories[$0] }).flatMap(\.agreements) {
      guard let offer = agreement.offer.audio, let answer = agreement.answer.audio, !offer.hasICE, !answer.hasICE else { continue }
      for (own, other) in [(offer, answer), (answer, offer)] where own.addresses.contains(stream.key.source) {
        guard let asked = other.address, other.port != 0, asked.address == stream.key.destination.address else { continue }
        return [
          Remark(
            .warning, "RFC 3264 §5.1",
            "\(stream.key.source) sends RTP to \(stream.key.destination), where nobody asked for it: the description in frame "
              + "\((own == offer ? agreement.answer : agreement.offer).stamp.frame) says \(asked)",
            stream.first)
        ]
      }
    }
    return []
  }
}

/// No media after BYE (RFC 3261 §15.1.1), once every dialog of the stream has ended.
struct MediaAfterEnd: StreamCheck {
  var rule: Rule { .mediaAfterBye }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    var end: (done: FrameStamp, bye: Int)?
    for number in stream.conversations {
      guard let bye = context.stories[number]?.bye, let done = bye.final?.last ?? bye.lastRequest else { return [] }
      if end.map({ done.frame > $0.done.frame }) ?? true { end = (done, bye.request?.frame ?? 0) }
    }
    guard let end, stream.last.since(end.done) > 1_000_000_000 else { return [] }
    return [
      Remark(
        .warning, "RFC 3261 §15.1.1",
        "\(stream.key.source) sends RTP until \(Words.seconds(stream.last.since(end.done))) after the BYE in frame \(end.bye)", stream.last)
    ]
  }
}

/// Loss, jitter and pauses that are heard.
struct StreamQuality: StreamCheck {
  var rule: Rule { .streamQuality }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.statistics.packets >= 50, !stream.isProbe else { return [] }
    let way = "RTP \(stream.key.source) to \(stream.key.destination)"
    var remarks: [Remark] = []
    let percent = Double(stream.lost) * 100 / Double(max(stream.expected, 1))
    if percent >= 1, !stream.skipsNumbers {
      remarks.append(
        Remark(
          percent >= 5 ? .error : .warning, "ITU-T G.107",
          "\(way) lost \(stream.lost) of \(Words.count(stream.expected, "packet")) (\(Words.decimal(percent, 1)) %)", stream.first))
    }
    // A clock that is wrong itself measures nothing.
    if stream.meanJitter >= 30, !stream.clock.isBroken {
      remarks.append(
        Remark(.warning, "RFC 3550 §6.4.1", "\(way) has a mean jitter of \(Words.decimal(stream.meanJitter, 1)) ms", stream.first))
    }
    if stream.order.duplicates * 100 > stream.statistics.packets {
      remarks.append(
        Remark(
          .note, "RFC 3550 §A.1", "\(way) has \(Words.count(stream.order.duplicates, "packet")) twice: sent twice, or doubled on its way",
          stream.first))
    }
    return remarks
  }
}

/// PCMU holds mu-law and PCMA A-law (RFC 3551 §4.5.14), even where both ends agree on the other: whoever else joins hears noise.
struct AudioLaw: StreamCheck {
  var rule: Rule { .audioLaw }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let audio = stream.audio, let law = audio.fittingLaw, let first = audio.loud.first, !stream.isProbe else { return [] }
    return [
      Remark(
        // A mirror port may have only a part of what makes it certain.
        context.own.isEmpty ? .warning : .error, rule.section,
        "\(stream.way) is to hold \(audio.law.rawValue), and its sound is smooth as \(law.rawValue) alone", first, by: stream.key.source)
    ]
  }
}
