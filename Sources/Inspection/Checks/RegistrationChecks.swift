import SansIO
import WireReader

/// What is wrong with registrations and keep-alives.
enum RegistrationChecks {
  static func examine(_ registration: RegistrationTable.Registration, _ end: FrameStamp) -> [InspectionFinding] {
    var findings: [InspectionFinding] = []
    func add(_ check: String, _ severity: InspectionFinding.Severity, _ rule: String, _ text: String, _ stamp: FrameStamp) {
      findings.append(InspectionFinding(check, severity, rule, text, frame: stamp.frame, callID: registration.callID))
    }
    let name = registration.addressOfRecord
    if registration.longestRow >= 3, let first = registration.firstOfRow {
      add(
        "challenge-loop", .error, "RFC 3261 §22.2",
        "REGISTER of \(name) was challenged \(Words.times(registration.longestRow)) in a row: wrong username, password or realm", first)
    }
    if let refusal = registration.refusals.first {
      let severity: InspectionFinding.Severity = refusal.status == 423 ? .note : .warning
      let text = "REGISTER of \(name) refused with \(refusal.status) \(refusal.phrase)".trimmingSpaces
      add("registration-refused", severity, "RFC 3261 §10.3", text, refusal.stamp)
    }
    if let late = registration.lateRefreshes.first {
      add(
        "late-refresh", .warning, "RFC 3261 §10.2.4", "\(name) refreshes \(Words.seconds(late.late)) after its binding had expired",
        late.stamp)
    }
    if registration.state == .asked, end.since(registration.first) >= patience {
      add(
        "no-final-response", .error, "RFC 3261 §17.1.2.2", "REGISTER of \(name) to \(registration.registrar) got no answer",
        registration.first)
    }
    return findings
  }

  static func examine(_ ping: PingTable.Ping, _ end: FrameStamp) -> [InspectionFinding] {
    guard let first = ping.firstUnanswered, end.since(first) >= patience else { return [] }
    return [
      InspectionFinding(
        "options-unanswered", .warning, "RFC 3261 §17.1.2.2",
        "\(Words.count(ping.unanswered, "OPTIONS request")) from \(ping.source.address) to \(ping.destination) got no answer",
        frame: first.frame)
    ]
  }
}
