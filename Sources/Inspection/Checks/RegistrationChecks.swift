import Rules
import SIPMessage
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
    if registration.state == .asked, end.since(registration.first) >= patience || registration.repeated >= 10 {
      add(
        .noFinalResponse, .error, "RFC 3261 §17.1.2.2", "REGISTER of \(name) to \(registration.registrar) got no answer",
        registration.first)
    }
    return findings + bindings(registration)
  }

  /// What the registrar says of expiry and bindings (RFC 3261 §10.3, §20.23).
  private static func bindings(_ registration: RegistrationTable.Registration) -> [InspectionFinding] {
    var findings: [InspectionFinding] = []
    func add(_ breach: Rule, _ text: String, _ stamp: FrameStamp) {
      findings.append(
        InspectionFinding(
          breach, breach.severity, breach.section, text, frame: stamp.frame, callID: registration.callID, blamed: registration.registrar))
    }
    // More than a week is not meant.
    if let brief = registration.briefs.first(where: { ($0.minimum ?? 0) <= $0.asked || ($0.minimum ?? 0) > 604_800 }) {
      let said = brief.minimum.map { "Min-Expires \($0)" } ?? "no Min-Expires"
      add(.minimumExpires, "423 to REGISTER of \(registration.addressOfRecord) has \(said), \(brief.asked) s were asked for", brief.stamp)
    }
    if let misfit = registration.misfits.first {
      let own = registration.contact ?? "its Contact"
      let list = misfit.listed.isEmpty ? "no Contact" : misfit.listed.joined(separator: ", ")
      let text = misfit.isRemoval ? "still lists \(own), which was removed" : "does not list \(own): \(list)"
      add(.listedBindings, "200 to REGISTER of \(registration.addressOfRecord) \(text)", misfit.stamp)
    }
    return findings
  }

  /// A request to who registered has its Contact as Request-URI (RFC 3261 §16.5). Trunks that register once for many numbers do otherwise
  /// (RFC 6140), so that it is worth a note.
  static func strangers(_ stories: [DialogStory], _ registrations: [RegistrationTable.Registration]) -> [InspectionFinding] {
    let bound = registrations.filter { $0.lastSuccess != nil && $0.contact != nil && $0.state == .registered }
    guard !bound.isEmpty else { return [] }
    let byClient = Dictionary(grouping: bound, by: \.client)
    return stories.compactMap { story in
      guard let invite = story.attempts.first, let sent = invite.request, let target = try? SIPURI(parsing: invite.requestURI) else {
        return nil
      }
      let own = (byClient[invite.destination] ?? []).filter { one in
        one.registrar.address == invite.source.address && one.lastSuccess.map { $0.frame < sent.frame } ?? false
      }
      let contacts = own.compactMap { $0.contact.flatMap { try? NameAddress(parsing: $0).uri } }
      guard let first = contacts.first, !contacts.contains(where: { $0.user == target.user && $0.host == target.host }) else { return nil }
      return InspectionFinding(
        .registeredContact, .note, Rule.registeredContact.section,
        "INVITE to \(invite.destination) asks for <\(target)>, registered is <\(first)>", frame: sent.frame,
        callID: story.conversation.callID, blamed: invite.source)
    }
  }

  /// REGISTERs of one client have one Call-ID (RFC 3261 §10.2). A client that begins anew has another one, once.
  static func changes(_ registrations: [RegistrationTable.Registration]) -> [InspectionFinding] {
    struct Client: Hashable {
      var addressOfRecord: String
      var contact: String
      var client: TransportAddress
      var registrar: TransportAddress
    }
    var known: [Client: (last: RegistrationTable.Registration, changes: Int)] = [:]
    return registrations.compactMap { registration in
      guard let contact = registration.contact else { return nil }
      let client = Client(
        addressOfRecord: registration.addressOfRecord, contact: contact, client: registration.client, registrar: registration.registrar)
      let before = known[client]
      known[client] = (registration, (before?.changes ?? -1) + 1)
      guard let last = before?.last, last.callID != registration.callID, last.state == .registered || last.state == .challenged else {
        return nil
      }
      let age = last.lastSuccess.map { registration.first.since($0) } ?? 0
      let isLive = last.state == .challenged ? true : age < Int64(last.granted ?? 0) * 1_000_000_000
      guard isLive else { return nil }
      let isHabit =
        (before?.changes ?? 0) > 0 || last.state == .challenged && last.requests == 1 && registration.first.since(last.last) < 1_000_000_000
      return InspectionFinding(
        .registerIdentity, isHabit ? .warning : .note, Rule.registerIdentity.section,
        "REGISTER of \(registration.addressOfRecord) from \(registration.client) has another Call-ID than the one in frame "
          + "\(last.first.frame)",
        frame: registration.first.frame, callID: registration.callID, blamed: registration.client)
    }
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
