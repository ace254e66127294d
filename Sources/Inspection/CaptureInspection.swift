import Capture
import SIPMessage
import SansIO
import WireReader

/// Judges what a reader sees of a capture, as it goes.
struct CaptureInspection {
  let reader: PassiveReader
  private(set) var findings: FindingCollector

  init(_ reader: PassiveReader) {
    self.reader = reader
    findings = FindingCollector(filter: reader.dialogs.filter)
  }

  mutating func take(_ packet: CapturedPacket) { for observed in reader.take(packet) { judge(observed) } }

  /// Takes a packet as a host's tap saw it.
  mutating func take(_ packet: PacketRecord, epoch: Epoch = .virtual) {
    for observed in reader.take(packet, epoch: epoch) { judge(observed) }
  }

  /// Takes a line of a host's TLS key log.
  mutating func takeSecrets(_ line: KeyLogLine) { for observed in reader.takeSecrets(line) { judge(observed) } }

  /// The capture ends, by itself or by a mistake in the file.
  mutating func finish(problem: String?) { for observed in reader.finish(problem: problem) { judge(observed) } }

  private mutating func judge(_ observed: Observed) {
    switch observed {
    case .message(let message, _, let repetition): if repetition == 0 { findings.add(CheckRegistry.examine(message)) }
    case .incomplete(let message, let mistakes, let origin, let isBroken):
      for mistake in mistakes { add("mandatory-headers", "RFC 3261 §8.1.1", "\(message): \(mistake)", origin.stamp, isBroken) }
    case .unreadable(let error, let line, let origin, let isBroken):
      add("unreadable", "RFC 3261 §7", "a message that begins '\(line)' cannot be read: \(error)", origin.stamp, isBroken)
    case .unframed(let message, let origin):
      findings.add(
        InspectionFinding(
          "content-length", .error, "RFC 3261 §18.3", "\(message) has no Content-Length on a stream: its end is unknown",
          frame: origin.stamp.frame, callID: try? message.callID()))
    case .notSIP(let text, let stamp, _):
      findings.add(
        InspectionFinding("not-sip", .note, "RFC 3261 §7", "text on port 5060 that is not SIP: '\(text)'", frame: stamp.frame))
    case .gap(let gap):
      findings.add(
        InspectionFinding(
          "tcp-gap", .note, "RFC 9293 §3.4",
          "\(Words.count(gap.value, "byte")) from \(gap.source) to \(gap.destination) are not in the capture: what they "
            + "carried is not read",
          frame: gap.stamp.frame))
    case .tlsAlert(let alert):
      // A capture may have the TLS of anything else too.
      let isSIP = [alert.source.port, alert.destination.port].contains { (5_060...5_090).contains($0) }
      findings.add(
        InspectionFinding(
          "tls-alert", isSIP ? .error : .note, "RFC 8446 §6.2",
          "\(alert.source) ends TLS with \(alert.destination) by the alert \(alert.value)", frame: alert.stamp.frame))
    }
  }

  private mutating func add(_ check: String, _ rule: String, _ text: String, _ stamp: FrameStamp, _ isBroken: Bool) {
    findings.add(
      InspectionFinding(
        check, isBroken ? .note : .error, rule, text + (isBroken ? " (deliberately broken)" : ""), frame: stamp.frame))
  }
}
