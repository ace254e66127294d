import SDP
import SansIO
import WireReader

extension InspectionReport {
  /// The report as lines for people.
  public func text(_ style: Style = Style()) -> [String] {
    var lines = heading(style.width)
    let shown = stories.filter { matches($0.conversation.callID, style) }
    if shown.count <= Self.mostDrawn {
      for (position, story) in shown.enumerated() { lines += dialog(story, position + 1, style) }
    } else {
      lines += dialogTable(shown)
    }
    lines += registrationLines(style)
    if style.filter == nil { lines += pingLines() }
    lines += otherLines(style) + streamLines(streams.filter { matches($0, style) })
    if style.filter == nil { lines += tlsLines() }
    lines += findingLines(style)
    return lines.map(Words.printable)
  }

  private func matches(_ callID: String, _ style: Style) -> Bool { style.filter.map { callID.contains($0) } ?? true }
  private func matches(_ stream: RTPStream, _ style: Style) -> Bool {
    style.filter == nil || stream.conversations.contains { conversations[$0].map { matches($0.callID, style) } == true }
  }

  // MARK: - Heading

  private func heading(_ width: Int) -> [String] {
    let links = facts.linkTypes.map(\.description).joined(separator: ", ")
    let begin = facts.first.map { ", from \(Words.wallTime($0.time))" } ?? ""
    var lines = [
      "\(facts.path): \(Words.count(facts.frames, "frame")) in \(Words.seconds(facts.duration))\(begin)\(links.isEmpty ? "" : ", \(links)")"
    ]
    if let problem = facts.problem { lines.append("  The file is damaged or cut: \(problem). What comes before it was read.") }
    lines.append("  SIP: \(messageWords)")
    let middle = outcomes.rows.reduce(0) { $0 + ($1.isFromTheMiddle ? $1.count : 0) }
    lines.append(
      "  \(Words.count(outcomes.total, "dialog"))\(middle > 0 ? " (\(CountText.grouped(middle)) from the middle)" : ""), "
        + "\(Words.count(registrations.count + registrationsForgotten, "registration")), "
        + "\(Words.count(streams.count, "RTP stream")), \(Words.count(control.packets, "RTCP packet"))")
    if outcomes.total > 1 { lines += TextWrap.wrap(outcomeWords, first: "  ", rest: "    ", width) }
    if forgotten > 0 {
      let what = forgotten == 1 ? "The oldest Call-ID was" : "The \(CountText.grouped(forgotten)) oldest Call-IDs were"
      lines.append("  \(what) forgotten to save memory: counted, but not shown")
    }
    if facts.copiedFrames > 0 { lines.append("  \(Words.count(facts.copiedFrames, "datagram")) captured twice, counted once") }
    let unread = unreadWords
    if !unread.isEmpty { lines.append("  Not read: \(unread.joined(separator: "; "))") }
    return lines
  }

  /// `"104 answered, 1,148 refused with 403 Forbidden"`, the most frequent first.
  private var outcomeWords: String {
    var counts: [(words: String, count: Int)] = []
    for row in outcomes.rows {
      if let known = counts.firstIndex(where: { $0.words == row.words }) {
        counts[known].count += row.count
      } else {
        counts.append((row.words, row.count))
      }
    }
    let sorted = counts.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
    return sorted.map { "\(CountText.grouped($0.element.count)) \($0.element.words)" }.joined(separator: ", ")
  }

  private var messageWords: String {
    guard counts.total > 0 || counts.unreadable > 0 else { return "none" }
    let requests = counts.requests.map { "\($0.method) \($0.count)" }
    let responses = counts.sortedResponses.map { "\($0.status) \($0.count)" }
    guard counts.total > 0 else { return "no message could be read, \(CountText.grouped(counts.unreadable)) unreadable" }
    var words = "\(Words.count(counts.total, "message")): \((requests + responses).joined(separator: ", "))"
    if counts.repeated > 0 { words += "; \(counts.repeated) of them repeated" }
    if counts.unreadable > 0 { words += "; \(counts.unreadable) unreadable" }
    return words
  }

  private var unreadWords: [String] {
    var words = facts.unread.map { "\(CountText.grouped($0.count)) \($0.reason)" }
    if facts.cutFrames > 0 { words.append("\(Words.count(facts.cutFrames, "frame")) cut by the capture's snap length") }
    if facts.fragmentsIncomplete > 0 { words.append("\(Words.count(facts.fragmentsIncomplete, "IP packet")) with missing fragments") }
    if facts.udpOther > 0 { words.append("\(Words.count(facts.udpOther, "UDP datagram")) of other kinds") }
    if connections.otherBytes > 0 { words.append("\(Words.count(connections.otherBytes, "byte")) of other TCP") }
    if connections.lost > 0 { words.append("\(Words.count(connections.lost, "byte")) missing in TCP streams") }
    let closed = secured.reduce(0) { $0 + $1.closedBytes }
    if closed > 0 { words.append("TLS: \(Words.count(closed, "byte")) not decrypted") }
    if control.unreadable > 0 { words.append("\(control.unreadable) RTCP packets (encrypted or damaged)") }
    if dtlsPackets > 0 { words.append("\(dtlsPackets) DTLS packets") }
    if stunPackets > 0 { words.append("\(stunPackets) STUN packets") }
    return words
  }

  // MARK: - Dialogs

  /// Dialogs that are shown in full; of more there is a line each.
  private static let mostDrawn = 50
  private static let mostListed = 1_000

  private func dialogTable(_ shown: [DialogStory]) -> [String] {
    var lines = ["", "Dialogs (--filter CALL-ID shows one in full)", "    seconds frame    outcome, from, to, Call-ID"]
    for story in shown.prefix(Self.mostListed) {
      let conversation = story.conversation
      lines.append(
        "  \(Words.right(time(conversation.first), 9)) #\(Words.left(String(conversation.first.frame), 7)) "
          + "\(Words.outcome(story.outcome, story)), "
          + "\(conversation.fromURI) to \(conversation.toURI), \(conversation.callID)")
    }
    if shown.count > Self.mostListed { lines.append(Self.more(shown.count - Self.mostListed)) }
    return lines
  }

  private func dialog(_ story: DialogStory, _ number: Int, _ style: Style) -> [String] {
    let conversation = story.conversation
    let transports = conversation.transports.map { $0.rawValue.uppercased() }.joined(separator: ", ")
    var lines = ["", "Dialog \(number)  \(conversation.callID)  \(transports)"]
    lines.append("  \(conversation.fromURI) calls \(conversation.toURI)")
    lines.append("  \(Words.outcome(story.outcome, story))")
    if let facts = setUpWords(story) { lines.append("  \(facts)") }
    if let media = mediaWords(story) { lines.append("  \(media)") }
    lines += digitLines(conversation).map { "  \($0)" }
    guard style.hasLadders else { return lines }
    return lines + [""] + Ladder(self, conversation, width: style.width).lines
  }

  private func setUpWords(_ story: DialogStory) -> String? {
    var parts: [String] = []
    if let delay = story.postDialDelay { parts.append("\(story.rings ? "ringing" : "progress") after \(Words.seconds(delay))") }
    if let delay = story.answerDelay { parts.append("answered after \(Words.seconds(delay))") }
    if story.attempts.count > 1 { parts.append("\(story.attempts.count) attempts") }
    if story.forks.count > 1 { parts.append("forked to \(story.forks.count)") }
    if !story.reinvites.isEmpty { parts.append(Words.count(story.reinvites.count, "re-INVITE")) }
    if story.holds > 0 { parts.append("held \(Words.times(story.holds)), resumed \(Words.times(story.resumes))") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  private func mediaWords(_ story: DialogStory) -> String? {
    guard let last = story.agreements.last else { return nil }
    guard let codec = last.codec else { return "audio: refused or not agreed" }
    var words = "audio: \(Words.encoding(codec.text))"
    if last.hasTelephoneEvent { words += ", telephone-event" }
    if last.isSecure { words += ", SRTP" }
    if let offer = last.offer.audio?.address, let answer = last.answer.audio?.address { words += ", \(offer) and \(answer)" }
    return words
  }

  // MARK: - Registrations and the rest

  private func registrationLines(_ style: Style) -> [String] {
    let shown = registrations.filter { matches($0.callID, style) }
    guard !shown.isEmpty else { return [] }
    guard shown.count <= Self.mostDrawn else { return registrationTable(shown) }
    var lines = ["", "Registrations"]
    for registration in shown {
      lines.append(
        "  \(registration.addressOfRecord) from \(registration.client) at \(registration.registrar) over "
          + registration.transport.rawValue.uppercased()
      )
      lines.append("    \(Self.words(registration))")
      if let contact = registration.contact { lines.append("    Contact \(contact)") }
      guard style.hasLadders, let conversation = conversations[registration.conversation], conversation.kind == .registration else {
        continue
      }
      lines += [""] + Ladder(self, registration, in: conversation, width: style.width).lines
    }
    return lines
  }

  private func registrationTable(_ shown: [RegistrationTable.Registration]) -> [String] {
    var lines = [
      "", "Registrations (--filter CALL-ID shows one in full)", "    seconds frame    result, address of record, client, Call-ID",
    ]
    for registration in shown.prefix(Self.mostListed) {
      lines.append(
        "  \(Words.right(time(registration.first), 9)) #\(Words.left(String(registration.first.frame), 7)) "
          + "\(Self.words(registration)), \(registration.addressOfRecord) from \(registration.client), \(registration.callID)")
    }
    if shown.count > Self.mostListed { lines.append(Self.more(shown.count - Self.mostListed)) }
    return lines
  }

  private static func more(_ count: Int) -> String { "  and \(CountText.grouped(count)) more; --json has them all" }

  static func words(_ registration: RegistrationTable.Registration) -> String {
    var parts: [String] = []
    switch registration.state {
    case .asked: parts.append("not answered")
    case .challenged:
      parts.append(registration.credentials.wereSent ? "challenged, and never accepted" : "challenged, credentials never sent")
    case .registered: parts.append("registered for \(registration.granted.map { "\($0) s" } ?? "an unknown time")\(asked(registration))")
    case .removed: parts.append("removed")
    case .refused(let status, let phrase): parts.append("refused with \(status) \(phrase)".trimmingSpaces)
    }
    parts.append(Words.count(registration.requests, "REGISTER"))
    if registration.refreshes > 0 { parts.append("refreshed \(Words.times(registration.refreshes))") }
    if registration.challenges > 0 {
      parts.append("\(Words.count(registration.challenges, "challenge")) (\(registration.algorithms.joined(separator: ", ")))")
    }
    if registration.repeated > 0 { parts.append("\(registration.repeated) repeated") }
    return parts.joined(separator: ", ")
  }

  private static func asked(_ registration: RegistrationTable.Registration) -> String {
    guard let asked = registration.asked, asked != registration.granted, asked > 0 else { return "" }
    return " (asked for \(asked) s)"
  }

  private func pingLines() -> [String] {
    guard !pings.isEmpty else { return [] }
    return ["", "OPTIONS"]
      + pings.map { ping in
        let answers = ping.answers.map { "\($0.status) \(Words.times($0.count))" }.joined(separator: ", ")
        let times = ping.answered > 0 ? " in \(Words.seconds(ping.shortest)) to \(Words.seconds(ping.longest))" : ""
        let open = ping.sent - ping.answered
        return "  \(ping.source) asks \(ping.destination) over \(ping.transport.rawValue.uppercased()): \(ping.sent) sent"
          + (answers.isEmpty ? "" : ", \(answers)\(times)") + (open > 0 ? ", \(open) not answered" : "")
          + (ping.repeated > 0 ? ", \(ping.repeated) repeated" : "")
      }
  }

  private func otherLines(_ style: Style) -> [String] {
    // OPTIONS have a table of their own; who asks for a Call-ID wants to see it.
    let wanted = style.filter == nil ? [] : conversations.values.filter { $0.kind == .options }.sorted { $0.number < $1.number }
    let shown = (others + wanted).filter { matches($0.callID, style) }
    guard !shown.isEmpty else { return [] }
    return ["", "Other requests"]
      + shown.prefix(50).map { conversation in
        let what = conversation.transactions.prefix(8).map { "\($0.method.token) \($0.final.map { "\($0.status)" } ?? "not answered")" }
        return "  \(conversation.fromURI) to \(conversation.toURI): \(what.joined(separator: ", "))  \(conversation.callID)"
      } + (shown.count > 50 ? ["  and \(shown.count - 50) more"] : [])
  }

  private func tlsLines() -> [String] {
    guard !secured.isEmpty else { return [] }
    return ["", "TLS"]
      + secured.prefix(50).map { tls in
        var parts = ["\(tls.client) to \(tls.server): \(tls.versionName)"]
        if let suite = tls.cipherSuite { parts.append(TLSCipherSuite.name(suite)) }
        if let name = tls.serverName { parts.append("for \(name)") }
        if tls.openedBytes > 0 { parts.append("\(Words.count(tls.openedBytes, "byte")) decrypted") }
        if tls.closedBytes > 0 { parts.append("\(Words.count(tls.closedBytes, "byte")) not read (\(tls.obstacle ?? "no decryption"))") }
        for alert in tls.alerts where !alert.hasSuffix("close_notify") { parts.append("alert of the \(alert)") }
        return "  " + parts.joined(separator: ", ")
      } + (secured.count > 50 ? ["  and \(secured.count - 50) more connections"] : [])
  }
}

extension OutcomeCounts.Row {
  var isFromTheMiddle: Bool { kind == "begins-in-the-middle" }

  /// `"refused with 403 Forbidden"`.
  var words: String {
    let code = status.map { " \($0)" } ?? ""
    return switch kind {
    case "hung-up", "up", "answer-not-captured": "answered"
    case "refused": "refused with\(code) \(phrase)".trimmingSpaces
    case "redirected": "redirected with\(code)"
    case "challenged": "challenged with\(code) and given up"
    case "no-final-response": "without a final response"
    case "begins-in-the-middle": "from the middle"
    default: kind.replacing("-", with: " ")
    }
  }
}
