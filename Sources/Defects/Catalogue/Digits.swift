import RTP
import SansIO

/// Digits as telephone-event (RFC 4733).
extension DefectCatalogue {
  static let digits: [Defect] = [
    Defect(
      "digit-without-marker", "The first packet of a telephone-event has no marker.", source: "sippy_cup #99", at: [.endpoint, .persona],
      breaks: ["dtmf-marker", "RFC 4733 §2.5.1"], events { packet, _, _, _ in packet.marker = false }),
    Defect(
      "digit-timestamp-moves", "Each packet of a telephone-event has the timestamp of its own time.", source: "pjproject #363",
      at: [.endpoint, .persona], breaks: ["dtmf-timestamp", "RFC 4733 §2.5.1", "RFC 4733 §2.5.2"],
      events { packet, event, _, _ in packet.timestamp &+= UInt32(event.duration) }),
    Defect(
      "digit-ends-once", "One of the three end packets has the end bit.", source: "RFC 4733 §2.5.1.4; livekit/sip #742 class",
      at: [.endpoint, .persona], breaks: ["dtmf-end", "RFC 4733 §2.5.1"],
      events { packet, event, _, memory in
        if event.isEnd, !memory.isFirst("end \(packet.ssrc) \(packet.timestamp)") { event.isEnd = false }
      }),
    Defect(
      "digit-never-ends", "No packet of a telephone-event has the end bit.", source: "rtpengine #1929", at: [.endpoint, .persona],
      breaks: ["dtmf-end", "RFC 4733 §2.5.1"], events { _, event, _, _ in event.isEnd = false }),
    Defect(
      "digit-duration-restarts", "The duration of a telephone-event begins anew after each two packets.", source: "pjproject #361 class",
      at: [.endpoint, .persona], breaks: ["dtmf-duration", "RFC 4733 §2.5.1", "RFC 4733 §2.5.2"],
      events { _, event, _, _ in event.duration = event.duration % 320 + 1 }),
    Defect(
      "digit-counts-by-other-clock", "The duration of a telephone-event grows by the clock of Opus beside G.711.", source: "asterisk #847",
      at: [.endpoint, .persona], breaks: ["dtmf-clock", "RFC 4733 §2.1", "RFC 4733 §2.5.2"],
      events { _, event, _, _ in event.duration = UInt16(clamping: Int(event.duration) * 6) }),
    Defect(
      "digit-stops-the-clock", "The timestamps of the audio stand still while a telephone-event is sent.", source: "sipsorcery #669",
      at: [.endpoint, .persona], breaks: ["dtmf-timeline", "RFC 4733 §2.1", "clock-pace", "timestamp-jump"],
      .speaks { packet, _, memory in
        let passed = memory[number: "passed \(packet.ssrc)"] ?? 0
        if TelephoneEvent(of: packet) != nil { memory[number: "passed \(packet.ssrc)"] = passed + 160 }
        packet.timestamp &-= UInt32(truncatingIfNeeded: TelephoneEvent(of: packet) == nil ? passed : 0)
      }),
    Defect(
      "digit-of-wrong-length", "A payload of telephone-event has three octets.", source: "RFC 4733 §2.3", at: [.endpoint, .persona],
      breaks: ["dtmf-payload", "RFC 4733 §2.3", "RFC 4733 §2.5.2"],
      .speaks { packet, _, _ in if TelephoneEvent(of: packet) != nil { packet.payload = packet.payload[0..<3] } }),
    Defect(
      "digit-sent-twice", "Each digit is sent a second time, as if it had been pressed twice.", source: "livekit/sip #126",
      at: [.endpoint, .persona], breaks: ["RFC 4733 §2.5.2", "ssrc-change"],
      .speaks { packet, passage, memory in
        guard TelephoneEvent(of: packet) != nil else { return }
        var copy = packet
        copy.ssrc &+= 1
        copy.sequenceNumber = UInt16(truncatingIfNeeded: memory.count("copies \(packet.ssrc)"))
        copy.timestamp &+= 3_200
        passage.add(copy.serialized(), after: .milliseconds(400))
      }),
  ]

  private static func events(
    _ change: @escaping @Sendable (inout RTPPacket, inout TelephoneEvent, inout Passage, inout Memory) -> Void
  ) -> Defect.Change {
    .speaks { packet, passage, memory in
      guard var event = TelephoneEvent(of: packet) else { return }
      change(&packet, &event, &passage, &memory)
      var payload: [UInt8] = []
      event.append(to: &payload)
      packet.payload = Bytes(payload)
    }
  }
}

extension TelephoneEvent {
  /// nil for what is no digit: a dynamic payload type with four octets is one.
  fileprivate init?(of packet: RTPPacket) {
    guard packet.payloadType >= 96, packet.payload.count == Self.size, let event = try? TelephoneEvent(packet.payload) else { return nil }
    self = event
  }
}
