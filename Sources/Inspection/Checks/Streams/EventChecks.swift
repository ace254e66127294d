import Rules
import SansIO
import WireReader

/// The packets of telephone-event, each rule once a stream (RFC 4733 §2.5.1).
struct EventPackets: StreamCheck {
  var rule: Rule { .dtmfMarker }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard !stream.isProbe else { return [] }
    return EventCourse.Breach.allCases.compactMap { breach in
      guard let seen = stream.eventCourse.breaches[breach], let first = seen.first else { return nil }
      let times = seen.count == 1 ? "" : ", \(Words.times(seen.count))"
      let (rule, text, severity) = Self.words(breach)
      return Remark(severity ?? rule.severity, rule.section, "\(stream.way) \(text)\(times)", first, of: rule, by: stream.key.source)
    }
  }

  private static func words(_ breach: EventCourse.Breach) -> (Rule, String, Rule.Severity?) {
    switch breach {
    case .noMarker: (.dtmfMarker, "begins a telephone-event without the marker", nil)
    case .laterMarker: (.dtmfMarker, "has the marker on a later packet of a telephone-event", .warning)
    case .movingTimestamp: (.dtmfTimestamp, "changes the timestamp within a telephone-event", nil)
    case .duration: (.dtmfDuration, "has a telephone-event whose duration does not grow", nil)
    case .noEnd: (.dtmfEnd, "has a telephone-event without any end packet", nil)
    case .fewEnds: (.dtmfEnd, "sends the end of a telephone-event less than three times", .warning)
    case .pace: (.dtmfClock, "has a telephone-event whose duration does not keep time by the clock of its rtpmap", nil)
    case .length: (.dtmfPayload, "has a telephone-event packet that is not made of blocks of 4 octets", nil)
    case .notListed: (.dtmfEvents, "sends an event that its receiver does not list", nil)
    case .timeline: (.dtmfTimeline, "stops the timestamps of the audio while a telephone-event is sent", nil)
    }
  }
}

/// Events share the timestamps of the audio beside them, and so its clock (RFC 4733 §2.1, RFC 7587 §4.1).
struct EventClocks: StreamCheck {
  var rule: Rule { .dtmfClock }

  func check(_ stream: RTPStream, _ context: CheckContext) -> [Remark] {
    guard let event = stream.payloads.first(where: { $0.encoding?.isTelephoneEvent == true }), let own = event.encoding?.clockRate,
      let audio = stream.payloads.filter({ $0.encoding.map { !$0.isTelephoneEvent && $0.name.uppercased() != "CN" } ?? false })
        .max(by: { $0.packets < $1.packets })?.encoding, audio.clockRate != own, !stream.isProbe
    else { return [] }
    return [
      Remark(
        rule, "\(stream.way) has telephone-event with the clock \(own) beside \(audio.name) with \(audio.clockRate)", event.first,
        by: stream.key.source)
    ]
  }
}
