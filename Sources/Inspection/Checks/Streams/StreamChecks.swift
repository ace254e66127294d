import SansIO
import WireReader

/// The payload types of a stream are those its receiver described (RFC 3264 §5.1, §6.1).
struct PayloadNegotiated: StreamCheck {
  let name = "payload-type"

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let receiver = stream.receiver, !isRefused(receiver, context) else { return [] }
    return stream.payloads.compactMap { use in
      guard !use.isNegotiated, use.packets > 2 else { return nil }
      // Comfort noise may come without having been asked for (RFC 3389 §4 discourages it).
      let severity: InspectionFinding.Severity = use.type == 13 ? .note : .error
      let own = stream.sender?.media.encodings.first { $0.payloadType == use.type }
      let theirs = own.flatMap { mine in receiver.media.encodings.first { $0.name.lowercased() == mine.name.lowercased() } }
      var text = "\(stream.key.source) sends payload type \(use.type), which \(stream.key.destination) did not describe"
      if let own, let theirs {
        text =
          "\(stream.key.source) sends \(own.name) as \(use.type), its own number; \(stream.key.destination) asked for \(theirs.payloadType)"
      }
      return Remark(severity, "RFC 3264 §5.1", text, use.first)
    }
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
  let name = "media-address"

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard stream.receiver != nil, stream.sender == nil, let conversation = stream.conversation,
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

/// No media after BYE (RFC 3261 §15.1.1).
struct MediaAfterEnd: StreamCheck {
  let name = "media-after-bye"

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let conversation = stream.conversation, let story = context.stories[conversation], let bye = story.bye,
      let done = bye.final?.last ?? bye.lastRequest, stream.last.since(done) > 1_000_000_000
    else { return [] }
    return [
      Remark(
        .warning, "RFC 3261 §15.1.1",
        "\(stream.key.source) sends RTP until \(Words.seconds(stream.last.since(done))) after the BYE in frame \(bye.request?.frame ?? 0)",
        stream.last)
    ]
  }
}

/// Loss, jitter and pauses that are heard.
struct StreamQuality: StreamCheck {
  let name = "stream-quality"

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    let statistics = stream.statistics
    guard statistics.packets >= 50 else { return [] }
    let way = "RTP \(stream.key.source) to \(stream.key.destination)"
    var remarks: [Remark] = []
    let percent = Double(statistics.lost) * 100 / Double(max(statistics.expected, 1))
    if percent >= 1 {
      remarks.append(
        Remark(
          percent >= 5 ? .error : .warning, "ITU-T G.107",
          "\(way) lost \(statistics.lost) of \(Words.count(statistics.expected, "packet")) (\(Words.decimal(percent, 1)) %)", stream.first))
    }
    if statistics.meanJitter >= 30 {
      remarks.append(
        Remark(.warning, "RFC 3550 §6.4.1", "\(way) has a mean jitter of \(Words.decimal(statistics.meanJitter, 1)) ms", stream.first))
    }
    if stream.order.duplicates * 100 > statistics.packets {
      remarks.append(
        Remark(
          .note, "RFC 3550 §A.1", "\(way) has \(Words.count(stream.order.duplicates, "packet")) twice: sent twice, or captured twice",
          stream.first))
    }
    return remarks
  }
}

/// What the receiver reports by RTCP and the capture does not see: packets lost behind the point of capture.
struct ReportedLoss: StreamCheck {
  let name = "reported-loss"

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let reports = context.control[stream.key.ssrc], let lost = reports.cumulativeLost, stream.statistics.packets >= 50 else {
      return []
    }
    let beyond = Int(lost) - max(stream.statistics.lost, 0)
    guard beyond * 100 >= stream.statistics.packets else { return [] }
    return [
      Remark(
        .warning, "RFC 3550 §6.4.1",
        "\(stream.key.destination) reports \(Words.count(Int(lost), "packet")) lost from \(stream.key.source), the capture lacks "
          + "\(stream.statistics.lost): they are lost beyond the capture point",
        reports.last)
    ]
  }
}
