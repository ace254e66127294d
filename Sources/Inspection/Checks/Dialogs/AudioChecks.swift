import Rules
import SansIO
import WireReader

/// Audio agreed both ways flows both ways, from the answer to the end of what was agreed. Each agreement is judged by the packets of its
/// own time, and by the addresses of the media, whatever way the signalling took.
struct AudioBothWays: DialogCheck {
  var rule: Rule { .oneWayAudio }

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    let periods = AudioPeriods.of(story, context)
    guard !periods.isEmpty else { return [] }
    if periods.allSatisfy(\.isSilent) {
      guard let first = periods.first, !periods.contains(where: \.hasICE) else { return [] }
      return [
        Remark(
          .warning, "RFC 3264 §5.1", "no RTP of this dialog is in the capture, although both sides agreed to send and receive",
          first.period.begin)
      ]
    }
    return periods.compactMap { one in
      guard !one.isOfAnother(story), !one.hasICE || !one.isSilent else { return nil }
      let since = one.period.agreement.isInitial ? "" : " since the answer in frame \(one.period.agreement.answer.stamp.frame)"
      if Self.isOneWay(one.toAnswerer, one.toOfferer) { return Self.oneWay(one.toAnswerer, one.toOfferer, since, one.period.begin) }
      if Self.isOneWay(one.toOfferer, one.toAnswerer) { return Self.oneWay(one.toOfferer, one.toAnswerer, since, one.period.begin) }
      return nil
    }
  }

  /// What was on its way when the agreement changed makes no conversation.
  private static func isOneWay(_ speaker: AudioFlow, _ silent: AudioFlow) -> Bool { speaker.packets >= 25 && silent.packets <= 5 }

  private static func oneWay(_ speaker: AudioFlow, _ silent: AudioFlow, _ since: String, _ stamp: FrameStamp) -> Remark {
    // On one machine only ports tell sides apart.
    let hasOneAddress = speaker.from?.address == silent.from?.address
    func name(_ flow: AudioFlow) -> String { flow.from.map { hasOneAddress ? "\($0)" : "\($0.address)" } ?? "?" }
    let none = silent.packets == 0 ? "none" : "only \(Words.count(silent.packets, "packet"))"
    let place = silent.from.map { " (media at \($0))" } ?? ""
    return Remark(
      .warning, "RFC 3264 §5.1",
      "one-way audio\(since): RTP comes from \(name(speaker)), \(none) from \(name(silent))\(place), although both sides agreed to send "
        + "and receive",
      stamp)
  }
}

/// Audio begins with the answer.
struct AudioBeginsLate: DialogCheck {
  var rule: Rule { .mediaLate }
  private static let longest: Int64 = 4_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    AudioPeriods.of(story, context).flatMap { one -> [Remark] in
      guard !one.isOfAnother(story) else { return [] }
      return [one.toAnswerer, one.toOfferer].compactMap { flow in
        guard let first = flow.first, let from = flow.from, flow.packets > 5, !flow.hasSilences,
          first.since(one.period.begin) > Self.longest
        else { return nil }
        return Remark(
          .warning, "RFC 3264 §5.1",
          "RTP from \(from) begins \(Words.seconds(first.since(one.period.begin))) after the answer in frame \(one.period.begin.frame)",
          first)
      }
    }
  }
}

/// Audio goes on until it is agreed otherwise, or the dialog ends.
struct AudioStops: DialogCheck {
  var rule: Rule { .mediaStops }
  private static let longest: Int64 = 15_000_000_000
  private static let longestSilence: Int64 = 60_000_000_000

  func check(_ story: DialogStory, _ context: CheckContext) -> [Remark] {
    AudioPeriods.of(story, context).flatMap { one -> [Remark] in
      guard !one.isOfAnother(story) else { return [] }
      return [one.toAnswerer, one.toOfferer].compactMap { flow in
        guard let last = flow.last, let from = flow.from, flow.packets > 25 else { return nil }
        let silence = one.period.end.since(last)
        guard silence > (flow.hasSilences ? Self.longestSilence : Self.longest) else { return nil }
        let end = one.period.isLast ? "the dialog's end" : "the next agreement"
        return Remark(
          .warning, "RFC 3264 §5.1",
          "RTP from \(from) stops \(Words.seconds(silence)) before \(end), although both sides agreed to send and receive", last)
      }
    }
  }
}

/// The agreements of a dialog on audio both ways that hold long enough to be judged, with what flowed.
struct AudioPeriods {
  let period: MediaAgreement.Period
  let toAnswerer: AudioFlow
  let toOfferer: AudioFlow
  private static let shortest: Int64 = 2_000_000_000

  static func of(_ story: DialogStory, _ context: CheckContext) -> [AudioPeriods] {
    guard context.hasRTP, let success = story.success, !story.agreements.isEmpty else { return [] }
    let end = story.bye?.request ?? context.end
    return MediaAgreement.periods(story.agreements, answered: success.first, end: end).filter {
      $0.duration > shortest && $0.agreement.isBothWays
    }.map { period in
      AudioPeriods(
        period: period, toAnswerer: AudioFlow(period, from: .offerer, context.streams),
        toOfferer: AudioFlow(period, from: .answerer, context.streams))
    }.filter(\.hasAddress)
  }

  /// One side at least is known by an address, not by a name.
  private var hasAddress: Bool { toAnswerer.from != nil || toAnswerer.to != nil }

  var isSilent: Bool { toAnswerer.packets == 0 && toOfferer.packets == 0 }
  /// Addresses may be in use that no description names (RFC 8445 §7.3.1.3).
  var hasICE: Bool { period.agreement.offer.audio?.hasICE == true || period.agreement.answer.audio?.hasICE == true }

  /// The same media belongs to another dialog, which is judged by it.
  func isOfAnother(_ story: DialogStory) -> Bool {
    let owners = toAnswerer.owners + toOfferer.owners
    return !owners.isEmpty && !owners.contains(story.conversation.number)
  }
}
