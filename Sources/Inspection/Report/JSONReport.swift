import SDP
import SansIO
import WireReader

extension InspectionReport {
  /// Version of the JSON schema. It grows when a field changes its meaning or goes; new fields leave it as it is.
  public static let jsonVersion = 1

  /// One document for all files of a command line.
  ///
  /// Frames are numbers as Wireshark counts them; times are seconds since the file's first frame; durations are seconds; delta and jitter
  /// are milliseconds. A finding of several dialogs is one with a `count`: its `frame` and `callID` are those of the first, `frames` and
  /// `callIDs` the first eight. One that
  /// follows from another has a `cause`, that finding's check and frame, and stands behind it.
  public static func json(_ reports: [InspectionReport], _ style: Style = Style()) -> String {
    let document = JSONValue.object([("version", .integer(jsonVersion)), ("files", .array(reports.map { $0.json(style) }))])
    var json = JSONWriter()
    document.write(to: &json, lines: 3)
    json.endLine()
    return json.text
  }

  private func json(_ style: Style) -> JSONValue {
    func isShown(_ callID: String?) -> Bool { style.filter.map { callID?.contains($0) == true } ?? true }
    let verdict = verdict(style)
    func isShown(_ stream: RTPStream) -> Bool {
      style.filter == nil || stream.conversations.contains { isShown(conversations[$0]?.callID) }
    }
    return .object([
      ("file", .string(facts.path)), ("frames", .integer(facts.frames)), ("capturedTwice", .integer(facts.copiedFrames)),
      ("duration", seconds(facts.duration)),
      ("begin", JSONValue(facts.first.map { Words.wallTime($0.time) })),
      ("linkTypes", .array(facts.linkTypes.map { .string($0.description) })),
      ("problem", JSONValue(facts.problem)),
      ("verdict", .object([("kind", .string(verdict.name)), ("sentence", JSONValue(verdict.sentence))])),
      ("callIDs", .integer(callIDs)), ("outcomes", .array(outcomes.rows.map(outcomeCountJSON))), ("forgottenCallIDs", .integer(forgotten)),
      ("messages", messagesJSON), ("unread", unreadJSON),
      ("dialogs", .array(stories.filter { isShown($0.conversation.callID) }.map(dialogJSON))),
      ("registrations", .array(registrations.filter { isShown($0.callID) }.map(registrationJSON))),
      ("options", .array(style.filter == nil ? pings.map(pingJSON) : [])),
      ("streams", .array(streams.filter(isShown).map(streamJSON))),
      ("tls", .array(secured.map(tlsJSON))),
      ("findings", .array(shownFindings(style).map(findingJSON))), ("findingsLeftOut", .integer(findingsLeftOut)),
    ])
  }

  private func seconds(_ nanoseconds: Int64?) -> JSONValue { nanoseconds.map { .number(Double($0) / 1e9) } ?? .null }
  func stampJSON(_ stamp: FrameStamp?) -> JSONValue {
    guard let stamp else { return .null }
    return .object([("frame", .integer(stamp.frame)), ("time", seconds(stamp.time &- (facts.first?.time ?? stamp.time)))])
  }
  private func callID(of stream: RTPStream) -> String? { stream.conversation.flatMap { conversations[$0]?.callID } }

  private func outcomeCountJSON(_ row: OutcomeCounts.Row) -> JSONValue {
    .object([
      ("kind", .string(row.kind)), ("status", JSONValue(row.status)), ("phrase", .string(row.phrase)), ("count", .integer(row.count)),
    ])
  }

  private var messagesJSON: JSONValue {
    .object([
      ("total", .integer(counts.total)), ("repeated", .integer(counts.repeated)), ("unreadable", .integer(counts.unreadable)),
      ("requests", .object(counts.requests.map { ($0.method, .integer($0.count)) })),
      ("responses", .object(counts.sortedResponses.map { ("\($0.status)", .integer($0.count)) })),
    ])
  }

  private var unreadJSON: JSONValue {
    .object([
      ("frames", .object(facts.unread.map { ($0.reason.description, .integer($0.count)) })), ("cutFrames", .integer(facts.cutFrames)),
      ("incompleteFragments", .integer(facts.fragmentsIncomplete)), ("otherDatagrams", .integer(facts.udpOther)),
      ("otherStreamBytes", .integer(connections.otherBytes)), ("missingStreamBytes", .integer(connections.lost)),
      ("closedTLSBytes", .integer(secured.reduce(0) { $0 + $1.closedBytes })), ("controlPackets", .integer(control.unreadable)),
      ("dtlsPackets", .integer(dtlsPackets)),
    ])
  }

  private func dialogJSON(_ story: DialogStory) -> JSONValue {
    let conversation = story.conversation
    let agreement = story.agreements.last
    return .object([
      ("callID", .string(conversation.callID)), ("from", .string(conversation.fromURI)), ("to", .string(conversation.toURI)),
      ("transports", .array(conversation.transports.map { .string($0.rawValue) })), ("caller", JSONValue(story.caller?.description)),
      ("callee", JSONValue(story.callee?.description)), ("first", stampJSON(conversation.first)), ("last", stampJSON(conversation.last)),
      ("outcome", outcomeJSON(story)), ("postDialDelay", seconds(story.postDialDelay)), ("answerDelay", seconds(story.answerDelay)),
      ("attempts", .integer(story.attempts.count)), ("forks", .integer(story.forks.count)),
      ("reinvites", .integer(story.reinvites.count)),
      ("holds", .integer(story.holds)), ("resumes", .integer(story.resumes)),
      ("codec", JSONValue(agreement?.codec.map { Words.encoding($0.text) })),
      ("telephoneEvent", JSONValue(agreement?.hasTelephoneEvent == true)), ("srtp", JSONValue(agreement?.isSecure == true)),
      ("beginsInTheMiddle", JSONValue(story.beginsInTheMiddle)),
      ("digits", digitsJSON(conversation.infoDigits.map(\.digit))),
      ("messages", .array(conversation.rows.map(rowJSON))), ("messagesLeftOut", .integer(conversation.rowsLeftOut)),
    ])
  }

  private func outcomeJSON(_ story: DialogStory) -> JSONValue {
    var members: [(String, JSONValue)] = [("kind", .string(story.outcome.name)), ("text", .string(Words.outcome(story.outcome, story)))]
    switch story.outcome {
    case .hungUp(let side, let lasted, let cause, let frame):
      members += [("by", .string(side.rawValue)), ("lasted", seconds(lasted)), ("cause", JSONValue(cause)), ("at", stampJSON(frame))]
    case .up(let since): members.append(("lasted", seconds(since)))
    case .answerNotCaptured(let side, let cause, let frame):
      members += [("by", JSONValue(side?.rawValue)), ("cause", JSONValue(cause)), ("at", stampJSON(frame))]
    case .cancelled(let after, let cause, let frame):
      members += [("after", seconds(after)), ("cause", JSONValue(cause)), ("at", stampJSON(frame))]
    case .refused(let status, let phrase, let explanation, let frame):
      members += [("status", .integer(status)), ("phrase", .string(phrase)), ("cause", JSONValue(explanation)), ("at", stampJSON(frame))]
    case .redirected(let status, let target, let frame):
      members += [("status", .integer(status)), ("target", JSONValue(target)), ("at", stampJSON(frame))]
    case .challenged(let status, let frame): members += [("status", .integer(status)), ("at", stampJSON(frame))]
    case .noFinalResponse(let provisional, let waited): members += [("provisional", JSONValue(provisional)), ("waited", seconds(waited))]
    case .beganBefore(_, let frame): members.append(("at", stampJSON(frame)))
    }
    return .object(members)
  }

  private func rowJSON(_ row: Conversation.Row) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("frame", .integer(row.stamp.frame)), ("time", seconds(row.stamp.time &- (facts.first?.time ?? row.stamp.time))),
      ("source", .string(row.source.description)), ("destination", .string(row.destination.description)),
      ("transport", .string(row.transport.rawValue)),
    ]
    switch row.content {
    case .request(let method): members.append(("method", .string(method.token)))
    case .response(let status, let phrase): members += [("status", .integer(status)), ("phrase", .string(phrase))]
    }
    return .object(members + [("sdp", JSONValue(row.hasDescription)), ("repetition", .integer(row.repetition))])
  }

  private func registrationJSON(_ registration: RegistrationTable.Registration) -> JSONValue {
    let state =
      switch registration.state {
      case .asked: "unanswered"
      case .challenged: "challenged"
      case .registered: "registered"
      case .removed: "removed"
      case .refused: "refused"
      }
    return .object([
      ("callID", .string(registration.callID)), ("addressOfRecord", .string(registration.addressOfRecord)),
      ("client", .string(registration.client.description)), ("registrar", .string(registration.registrar.description)),
      ("transport", .string(registration.transport.rawValue)), ("first", stampJSON(registration.first)), ("state", .string(state)),
      ("contact", JSONValue(registration.contact)), ("asked", JSONValue(registration.asked)), ("granted", JSONValue(registration.granted)),
      ("requests", .integer(registration.requests)), ("repeated", .integer(registration.repeated)),
      ("refreshes", .integer(registration.refreshes)), ("challenges", .integer(registration.challenges)),
      ("algorithms", .array(registration.algorithms.map(JSONValue.string))),
      (
        "refusals",
        .array(
          registration.refusals.map {
            .object([("frame", .integer($0.stamp.frame)), ("status", .integer($0.status)), ("phrase", .string($0.phrase))])
          })
      ),
    ])
  }

  private func pingJSON(_ ping: PingTable.Ping) -> JSONValue {
    .object([
      ("source", .string(ping.source.description)), ("destination", .string(ping.destination.description)),
      ("transport", .string(ping.transport.rawValue)), ("first", stampJSON(ping.first)), ("sent", .integer(ping.sent)),
      ("repeated", .integer(ping.repeated)), ("answers", .object(ping.answers.map { ("\($0.status)", .integer($0.count)) })),
      ("unanswered", .integer(ping.unanswered)),
      ("shortest", ping.answered > 0 ? seconds(ping.shortest) : .null), ("longest", ping.answered > 0 ? seconds(ping.longest) : .null),
    ])
  }

  /// Levels are those of the packets that are not silent, null where all are.
  private func audioJSON(_ audio: AudioLevel) -> JSONValue {
    .object([
      ("law", .string(audio.law.rawValue)), ("packetsRead", .integer(audio.packets)), ("packetsSilent", .integer(audio.silent)),
      ("dBm0", audio.decibels.map { JSONValue($0) } ?? .null), ("dBov", audio.overloadDecibels.map { JSONValue($0) } ?? .null),
      ("tone", JSONValue(audio.tone)),
      ("fittingLaw", JSONValue(audio.fittingLaw?.rawValue)),
    ])
  }

  private func streamJSON(_ stream: RTPStream) -> JSONValue {
    let statistics = stream.statistics
    let reports = control[stream.key]
    return .object([
      ("source", .string(stream.key.source.description)), ("destination", .string(stream.key.destination.description)),
      ("ssrc", .integer(Int(stream.key.ssrc))), ("codec", .string(Words.encoding(stream.codec))),
      ("signalled", JSONValue(stream.isSignalled)),
      ("callID", JSONValue(callID(of: stream))),
      ("callIDs", .array(stream.conversations.compactMap { conversations[$0] }.map { .string($0.callID) })),
      ("first", stampJSON(stream.first)), ("last", stampJSON(stream.last)),
      ("packets", .integer(statistics.packets)), ("expected", .integer(stream.expected)), ("lost", .integer(stream.lost)),
      ("late", .integer(stream.order.late)), ("duplicates", .integer(stream.order.duplicates)),
      ("sequenceErrors", .integer(statistics.sequenceErrors)), ("maxDelta", JSONValue(statistics.maximumDelta)),
      ("meanDelta", JSONValue(statistics.meanDelta)),
      ("maxJitter", stream.hasClock ? JSONValue(stream.maximumJitter) : .null),
      ("meanJitter", stream.hasClock ? JSONValue(stream.meanJitter) : .null), ("events", .integer(stream.events)),
      ("digits", digitsJSON(stream.digits)), ("quality", StreamScore.json(stream)),
      ("audio", stream.audio.map(audioJSON) ?? .null), ("srtp", protectionJSON(stream)),
      ("differsFromWireshark", .array(stream.differences.map { .string($0.rawValue) })),
      ("payloadTypes", .array(stream.payloads.map(payloadJSON))),
      (
        "rtcp",
        reports.map {
          .object([
            ("senderReports", .integer($0.senderReports)), ("receiverReports", .integer($0.receiverReports)),
            ("packetsSent", JSONValue($0.packetsSent.map { Int($0) })), ("cumulativeLost", JSONValue($0.cumulativeLost.map { Int($0) })),
            ("maxJitterTicks", .integer(Int($0.maximumJitter))), ("bye", JSONValue($0.saidGoodbye)),
          ])
        } ?? .null
      ),
    ])
  }

  /// null for a stream in clear.
  private func protectionJSON(_ stream: RTPStream) -> JSONValue {
    guard let protection = protection(of: stream) else { return .null }
    let state = protection.isUnknown ? "unknown" : stream.protection == .opened ? "opened" : "closed"
    return .object([
      ("state", .string(state)), ("packetsOpened", .integer(stream.openedPackets)), ("packetsClosed", .integer(stream.closedPackets)),
      ("keys", JSONValue(protection.source?.rawValue)), ("obstacle", JSONValue(protection.obstacle?.name)),
      ("reason", JSONValue(protection.obstacle?.description)),
    ])
  }

  private func payloadJSON(_ use: PayloadUse) -> JSONValue {
    .object([
      ("type", .integer(Int(use.type))), ("name", .string(Words.encoding(RTPStream.text(use)))), ("packets", .integer(use.packets)),
      ("negotiated", JSONValue(use.isNegotiated)), ("frame", .integer(use.first.frame)),
    ])
  }

  private func tlsJSON(_ tls: TLSFacts) -> JSONValue {
    .object([
      ("client", .string(tls.client.description)), ("server", .string(tls.server.description)), ("first", stampJSON(tls.first)),
      ("version", .string(tls.versionName)), ("cipherSuite", JSONValue(tls.cipherSuite.map(TLSCipherSuite.name))),
      ("serverName", JSONValue(tls.serverName)), ("alerts", .array(tls.alerts.map(JSONValue.string))),
      ("openedBytes", .integer(tls.openedBytes)), ("closedBytes", .integer(tls.closedBytes)), ("obstacle", JSONValue(tls.obstacle)),
    ])
  }

  private func findingJSON(_ finding: InspectionFinding) -> JSONValue {
    .object([
      ("check", .string(finding.check)), ("severity", .string(finding.severity.rawValue)), ("rule", .string(finding.rule)),
      ("text", .string(finding.text)), ("frame", .integer(finding.frame)), ("callID", JSONValue(finding.callID)),
      ("blamed", JSONValue(finding.blamed?.description)), ("count", .integer(finding.count)),
      ("frames", .array(finding.frames.map { .integer($0) })),
      ("dialogs", .integer(finding.dialogs)), ("callIDs", .array(finding.callIDs.map(JSONValue.string))),
      ("cause", finding.cause.map { .object([("check", .string($0.check)), ("frame", .integer($0.frame))]) } ?? .null),
    ])
  }
}
