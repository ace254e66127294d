import Rules
import SansIO
import WireReader

/// What is wrong with registrations and keep-alives.
enum RegistrationChecks {
  static func examine(_ registration: RegistrationTable.Registration, _ end: FrameStamp) -> [InspectionFinding] {
    var findings: [InspectionFinding] = []
    func add(_ breach: Rule, _ severity: InspectionFinding.Severity, _ rule: String, _ text: String, _ stamp: FrameStamp) {
      findings.append(InspectionFinding(breach, severity, rule, text, frame: stamp.frame, callID: registration.callID))
    }
    let name = registration.addressOfRecord
    findings += challenges(registration, end)
    if let refusal = registration.refusals.first {
      let severity: InspectionFinding.Severity = refusal.status == 423 ? .note : .warning
      let text = "REGISTER of \(name) refused with \(refusal.status) \(refusal.phrase)".trimmingSpaces
      add(.registrationRefused, severity, "RFC 3261 §10.3", text, refusal.stamp)
    }
    if let late = registration.lateRefreshes.first {
      add(
        .lateRefresh, .warning, "RFC 3261 §10.2.4", "\(name) refreshes \(Words.seconds(late.late)) after its binding had expired",
        late.stamp)
    }
    if registration.state == .asked, end.since(registration.first) >= patience {
      add(
        .noFinalResponse, .error, "RFC 3261 §17.1.2.2", "REGISTER of \(name) to \(registration.registrar) got no answer",
        registration.first)
    }
    return findings
  }

  /// Why credentials were asked for again.
  private static func challenges(_ registration: RegistrationTable.Registration, _ end: FrameStamp) -> [InspectionFinding] {
    [refused(registration), neverSent(registration, end), oldNonce(registration), expired(registration)].compactMap { $0 }
  }

  /// Only credentials for the nonce just given say that the password is wrong.
  private static func refused(_ registration: RegistrationTable.Registration) -> InspectionFinding? {
    let history = registration.credentials
    guard let first = history.refused.first else { return nil }
    let times = history.refused.times
    let often = times > 1 ? " \(Words.times(times))" : ""
    var text =
      "REGISTER of \(registration.addressOfRecord) with credentials for the nonce just given was challenged again\(often)"
    if let accepted = history.accepted {
      guard times > 1 else { return nil }
      text += ", although credentials of this client were accepted in frame \(accepted.frame)"
    } else {
      text += ": wrong username, password or realm"
    }
    return InspectionFinding(
      .challengeLoop, times > 1 && history.accepted == nil ? .error : .warning, "RFC 3261 §22.2", text, frame: first.frame,
      callID: registration.callID)
  }

  private static func neverSent(_ registration: RegistrationTable.Registration, _ end: FrameStamp) -> InspectionFinding? {
    let history = registration.credentials
    guard registration.state == .challenged, !history.wereSent, let first = history.challenged else { return nil }
    let again = history.withoutAny.times
    guard again > 1 || end.since(first) >= patience else { return nil }
    return InspectionFinding(
      .credentialsNeverSent, again > 1 ? .warning : .note, "RFC 3261 §22.2",
      "REGISTER of \(registration.addressOfRecord) was challenged \(Words.times(registration.challenges)), "
        + "and \(registration.client) never sent credentials", frame: first.frame, callID: registration.callID)
  }

  private static func oldNonce(_ registration: RegistrationTable.Registration) -> InspectionFinding? {
    let old = registration.credentials.oldNonces
    guard old.times > 2, let first = old.first else { return nil }
    return InspectionFinding(
      .oldNonce, .warning, "RFC 3261 §22.2",
      "REGISTER of \(registration.addressOfRecord) was challenged \(Words.times(old.times)) in a row, "
        + "because \(registration.client) repeats credentials for an old nonce", frame: first.frame, callID: registration.callID)
  }

  private static func expired(_ registration: RegistrationTable.Registration) -> InspectionFinding? {
    let history = registration.credentials
    guard let first = history.expiries.first, let last = history.expiries.last else { return nil }
    // Where credentials were taken afterwards, it cost a round trip.
    let isOver = history.accepted.map { $0.frame > last.stamp.frame } ?? false
    let often = history.expiries.count > 1 ? "; \(Words.times(history.expiries.count))" : ""
    return InspectionFinding(
      .nonceExpired, isOver ? .note : .warning, "RFC 7616 §3.3",
      "REGISTER of \(registration.addressOfRecord): \(NonceExpired.text(first, server: registration.registrar))\(often)",
      frame: first.stamp.frame, callID: registration.callID)
  }

  static func examine(_ ping: PingTable.Ping, _ end: FrameStamp) -> [InspectionFinding] {
    guard let first = ping.firstUnanswered, end.since(first) >= patience else { return [] }
    return [
      InspectionFinding(
        .optionsUnanswered, .warning, "RFC 3261 §17.1.2.2",
        "\(Words.count(ping.unanswered, "OPTIONS request")) from \(ping.source.address) to \(ping.destination) got no answer",
        frame: first.frame)
    ]
  }
}
