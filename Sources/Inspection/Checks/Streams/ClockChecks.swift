import Rules
import SansIO
import WireReader

extension RTPStream {
  /// "RTP 192.0.2.1:4000 to 192.0.2.2:5000".
  var way: String { "RTP \(key.source) to \(key.destination)" }
}

extension CheckContext {
  /// Whether something was agreed anew within three seconds, since a stream had begun: who sends may be another then.
  func isChange(_ stream: RTPStream, near stamp: FrameStamp, since begin: FrameStamp) -> Bool {
    stream.conversations.contains { number in
      stories[number]?.agreements.contains { agreement in
        [agreement.offer.stamp, agreement.since].contains { $0.frame > begin.frame && abs($0.since(stamp)) <= 3_000_000_000 }
      } ?? false
    }
  }
}

/// A timestamp that leaps, ahead or back, while the packets come as before (RFC 3550 §5.1).
struct TimestampJump: StreamCheck {
  var rule: Rule { .timestampJump }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let jump = stream.clock.jumps.first, !stream.isProbe else { return [] }
    let seconds = Words.seconds(Int64(abs(jump.ticks)) * 1_000_000_000 / Int64(jump.clockRate))
    let way = jump.ticks < 0 ? "goes back by" : "leaps ahead by"
    let again = stream.clock.jumps.count > 1 ? ", the first of \(stream.clock.jumps.count) jumps" : ""
    // With a marker or a new agreement it is another source behind a bridge, which receivers are ready for. At the tap of who sends there
    // is no bridge, and a new agreement alone changes no clock.
    let isChange = !context.own.contains(stream.key.source.address) && context.isChange(stream, near: jump.stamp, since: stream.first)
    let isExpected = jump.hasMarker || isChange
    return [
      Remark(
        isExpected ? .note : .warning, "RFC 3550 §5.1",
        "the timestamp of \(stream.way) \(way) \(seconds) in frame \(jump.stamp.frame), \(Words.seconds(jump.arrival)) after the packet "
          + "before\(again)",
        jump.stamp, by: stream.key.source)
    ]
  }
}

/// A timestamp counts what the payload holds (RFC 3550 §5.1).
struct TimestampStep: StreamCheck {
  var rule: Rule { .timestampStep }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    let clock = stream.clock
    if let remark = empty(stream) { return [remark] }
    guard clock.pairs >= 20, !stream.isProbe else { return [] }
    if let first = clock.still.first, clock.still.count * 4 > clock.pairs {
      return [
        Remark(
          .error, "RFC 3550 §5.1",
          "the timestamp of \(stream.way) does not move: \(clock.still.count) of \(Words.count(clock.pairs, "packet")) have that of "
            + "the one before",
          first)
      ]
    }
    guard let first = clock.wrong.first, let step = clock.wrongStep, clock.wrong.count * 2 > clock.pairs else { return [] }
    return [
      Remark(
        .error, "RFC 3550 §5.1",
        "the timestamp of \(stream.way) grows by \(step.ticks) where the payload holds \(step.length) samples, in \(clock.wrong.count) of "
          + Words.count(clock.pairs, "packet"),
        first)
    ]
  }
}

extension TimestampStep {
  /// Packets of audio that hold none, at the pace of audio: seldom ones keep a NAT open (RFC 6263 §4).
  private func empty(_ stream: RTPStream) -> Remark? {
    guard let use = stream.payloads.first(where: { $0.empty.count >= 20 && $0.empty.count * 2 > $0.packets }), let first = use.empty.first,
      stream.last.since(stream.first) < Int64(stream.statistics.packets) * 200_000_000, !stream.isProbe
    else { return nil }
    return Remark(
      rule, "\(use.empty.count) of \(Words.count(use.packets, "packet")) of \(stream.way) have no payload, while its timestamp goes on",
      first, by: stream.key.source)
  }
}

/// A sender's packets leave one by one, each when it is due, as its own tap shows: on the way they may be held up.
struct PacketBursts: StreamCheck {
  var rule: Rule { .clockPace }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    let clock = stream.clock
    guard context.own.contains(stream.key.source.address), !context.own.contains(stream.key.destination.address), clock.pairs >= 50,
      !stream.isProbe, clock.rushed.count * 4 >= clock.pairs * 3, let first = clock.rushed.first
    else { return [] }
    return [
      Remark(
        rule, "\(stream.way) leaves in bursts: \(clock.rushed.count) of \(Words.count(clock.pairs, "packet")) right behind the one before",
        first, by: stream.key.source)
    ]
  }
}

/// Audio comes as fast as it is heard.
struct ClockPace: StreamCheck {
  var rule: Rule { .clockPace }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    let clock = stream.clock
    guard clock.pairs >= 50, !clock.isBroken, clock.played >= 1_000_000_000, clock.arrived >= 500_000_000,
      abs(clock.arrived - clock.played) * 4 > clock.played,
      // Where packets overtake each other, those that did not are no fair sample.
      stream.meanJitter < 30, stream.order.late * 50 <= stream.statistics.packets
    else { return [] }
    return [
      Remark(
        .warning, "RFC 3550 §5.1",
        "\(stream.way) brings \(Words.seconds(clock.played)) of audio in \(Words.seconds(clock.arrived)), pauses left out", stream.first)
    ]
  }
}

/// A new numbering belongs to a new SSRC (RFC 3550 §5.1, §8.1).
struct SequenceRestart: StreamCheck {
  var rule: Rule { .sequenceRestart }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let restart = stream.course.restarts.first, !stream.isProbe else { return [] }
    let more = stream.course.restarts.count > 1 ? ", \(Words.times(stream.course.restarts.count)) in all" : ""
    return [
      Remark(
        isBridged(stream, restart.stamp, context) ? .note : .warning, "RFC 3550 §5.1",
        "the sequence numbers of \(stream.way) start over under the same SSRC in frame \(restart.stamp.frame): \(restart.to) follows "
          + "\(restart.from)\(more); nothing is lost by it",
        restart.stamp, by: stream.key.source)
    ]
  }

  /// Behind a bridge another source may go on under the SSRC; at the tap of who sends there is none.
  private func isBridged(_ stream: RTPStream, _ stamp: FrameStamp, _ context: CheckContext) -> Bool {
    !context.own.contains(stream.key.source.address) && context.isChange(stream, near: stamp, since: stream.first)
  }
}

/// The marker says where speech begins after silence (RFC 3551 §4.1): on every packet it says nothing.
struct MarkerUse: StreamCheck {
  var rule: Rule { .marker }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    let clock = stream.clock
    if let silent = clock.unmarked.first, clock.markers.count == 0, !stream.isProbe {
      return [
        Remark(
          rule, "\(stream.way) has no marker bit where speech begins again after silence, \(Words.times(clock.unmarked.count))", silent,
          by: stream.key.source)
      ]
    }
    guard let first = clock.markers.first, clock.packets >= 20, clock.markers.count * 10 >= clock.packets * 9, !stream.isProbe else {
      return []
    }
    return [
      Remark(
        .warning, "RFC 3551 §4.1",
        "\(stream.way) has the marker bit in \(clock.markers.count) of \(Words.count(clock.packets, "packet")): it marks the first of each "
          + "talkspurt",
        first)
    ]
  }
}

/// Packets hold as much audio as their receiver asked for (RFC 8866 §6.4), and not more than it takes (§6.5).
struct PacketTime: StreamCheck {
  var rule: Rule { .packetTime }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    var said: Set<Int> = []
    // By the clock of what is sent, which need not be what the receiver lists first; where several take turns, ticks say nothing.
    let clocks = Set(stream.payloads.filter(\.isTimed).map(\.clockRate))
    guard clocks.count == 1, let clockRate = clocks.first, clockRate >= 1_000 else { return [] }
    return stream.periods.flatMap { period -> [Remark] in
      guard period.receiver?.media != nil, period.packets >= 20 else { return [] }
      return period.times.list.compactMap { time in
        guard time.packets * 10 >= period.packets, time.packets >= 10 else { return nil }
        let milliseconds = time.ticks * 1_000 / clockRate
        guard let remark = Self.remark(milliseconds, time.packets, period, stream, time.first) else { return nil }
        return said.insert(milliseconds).inserted ? remark : nil
      }
    }
  }

  private static func remark(
    _ milliseconds: Int, _ packets: Int, _ period: RTPStream.Period, _ stream: RTPStream, _ stamp: FrameStamp
  ) -> Remark? {
    guard let receiver = period.receiver?.media else { return nil }
    let text = "\(stream.way) has \(milliseconds) ms of audio in each of \(Words.count(packets, "packet"))"
    if let most = receiver.maximumPacketTime, milliseconds > most {
      return Remark(.warning, "RFC 8866 §6.5", "\(text); \(stream.key.destination) takes at most \(most) ms (a=maxptime)", stamp)
    }
    guard let wanted = receiver.packetTime, wanted != milliseconds else { return nil }
    // A wish of one side alone is a recommendation.
    let isAgreed = period.sender?.media.packetTime == wanted
    return Remark(
      isAgreed ? .warning : .note, "RFC 8866 §6.4",
      "\(text); \(isAgreed ? "both sides said" : "\(stream.key.destination) asked for") \(wanted) ms (a=ptime)", stamp)
  }
}

/// A source keeps its SSRC (RFC 3550 §8.1), unless something was agreed anew or it said goodbye.
struct SourceChange: StreamCheck {
  var rule: Rule { .sourceChange }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard !stream.isProbe, stream.isSignalled else { return [] }
    let before = context.streams.from(stream.key.source).last {
      $0 !== stream && $0.key.destination == stream.key.destination && $0.last.frame < stream.first.frame && !$0.isProbe
    }
    guard let before, before.key.ssrc != stream.key.ssrc, stream.first.since(before.last) < 5_000_000_000,
      !Set(before.conversations).isDisjoint(with: stream.conversations),
      context.control[before.key]?.saidGoodbye != true
    else { return [] }
    // Who counts on is the same source under another name; any other may be one that the call was handed to.
    let isSame = (1...50).contains(stream.course.firstSequence &- before.course.lastSequence)
    let isChange = context.isChange(stream, near: stream.first, since: before.first)
    guard isSame || !isChange else { return [] }
    return [
      Remark(
        isSame ? .warning : .note, "RFC 3550 §8.1",
        "\(stream.way) has another SSRC from frame \(stream.first.frame) on, \(InspectionReport.ssrc(stream)) instead of "
          + "\(InspectionReport.ssrc(before)), \(isChange ? "and counts on" : "without a new agreement")",
        stream.first, by: stream.key.source)
    ]
  }
}

/// Numbers that were skipped while their sender might not send are lost nowhere (RFC 3264 §5.1, §8.4).
enum HeldNumbers {
  /// A side may stop before the other has agreed to it, and begins when it pleases.
  private static let tolerance: Int64 = 1_000_000_000

  static func explain(_ stream: RTPStream, _ context: CheckContext) {
    guard !stream.course.gaps.isEmpty else { return }
    let times = stream.conversations.compactMap { context.stories[$0] }.flatMap { held($0, stream, context) }
    guard !times.isEmpty else { return }
    stream.explain { gap in
      times.contains { gap.before.since($0.begin) >= -tolerance && $0.end.since(gap.after) >= -tolerance }
    }
  }

  /// From the offer that takes the permission to the answer that gives it back.
  private static func held(_ story: DialogStory, _ stream: RTPStream, _ context: CheckContext) -> [(begin: FrameStamp, end: FrameStamp)] {
    guard let success = story.success else { return [] }
    return MediaAgreement.periods(story.agreements, answered: success.first, end: story.bye?.request ?? context.end).compactMap { period in
      let sides: [MediaAgreement.Period.Side] = [.offerer, .answerer]
      guard
        let side = sides.first(where: { period.audio(of: $0)?.addresses.contains(stream.key.source) == true })
          ?? sides.first(where: { period.audio(of: $0)?.addresses.contains(stream.key.destination) == true }).map({
            $0 == .offerer ? .answerer : .offerer
          }),
        !period.maySend(side)
      else { return nil }
      return (period.agreement.offer.stamp, period.end)
    }
  }
}
