import Testing

/// A message is read once, by the parser, and what it lacks is refused where requests are checked: nothing above falls back to an empty
/// text or a zero for a header that is missing, and nothing reads one again and drops the error (design 3, "one way down").
@Suite struct HeaderReadingTests {
  /// Rows 3 to 6 of the arrow table. Media knows no headers, and the passive reader's whole business is messages that lack something.
  private let modules: Set<String> = [
    "SIPTransaction", "SIPTransport", "SIPComposition", "SIPUserAgent", "Legs", "CallControl", "Kallglot", "Personas",
  ]

  /// Where it has to stay: a piece of the line, and why.
  private let reasons: [(piece: String, why: String)] = [
    // What was refused because it could not be read is written about, too.
    ("sequence: request.essentials.cseq?.number ?? 0", "a label, also of the answer to a request without CSeq"),
    ("method: request.message.method?.token ?? \"a request\", callID: callID ?? \"\"", "a report of what was refused, maybe for that"),
    ("message.method?.token ?? \"\") from", "the text of a violation, by a message that may be of either kind"),
    ("message.value(.contact)?.prefix(128).text ?? \"\"", "the text of a violation: the Contact is quoted as far as it is there"),
    ("reasonPhrase?.text ?? \"\"", "a Reason-Phrase may be empty (RFC 3261 §25.1)"),
    ("message.method?.token ?? \"\\(message.status ?? 0)\"", "the text of a violation: a message has a method or a status"),
    ("message.status ?? 0", "a response that the transaction layer handed up has a status"),
    ("dialog: leg?.rawValue ?? 0", "a label of what belongs to no leg"),
    ("cause.map { \"; \\($0.name): \\($0.value)\" } ?? \"\"", "our own Reason, where the refusal has one"),
    ("method: inbound.message.method?.token ?? \"\"", "the journal's name of a request, refused or not"),
    ("callID: inbound.essentials.callID.map { inbound.message.text($0) } ?? \"\"", "the journal's name of a request, refused or not"),
    ("refusal.map { \"\\($0.status) \\($0.callID)\" } ?? \"\"", "the text of what was refused, where something was"),
    // Keys: what is missing is as good a key as any, as long as it is always the same.
    ("message.requestURIBytes?.text ?? \"\", toTag.map { message[$0].text } ?? \"\", try message.from().tag ?? \"\"", "RFC 2543 keys"),
    ("localTag: essentials.fromTag.map { message.text($0) } ?? \"\"", "peers of RFC 2543 have no tag, and none is the empty one"),
    ("inbound.essentials.toTag.map { message.text($0) } ?? \"\"", "peers of RFC 2543 have no tag, and none is the empty one"),
    ("remoteTag: tag ?? \"\"", "peers of RFC 2543 have no tag, and none is the empty one"),
    ("let key = try? BranchKey(request: request", "a request without a key belongs to no transaction"),
    ("request.essentials.via?.branchHash ?? 0", "what was dropped is known again, readable or not"),
    ("ByteHash.of(Bytes(request.message.method?.token ?? \"\"))", "what was dropped is known again, readable or not"),
    // Our own text, read back.
    ("let message = try? SIPMessage.parse(bytes), let key = BranchKey(sent: message)", "a request of ours that could not leave"),
    ("own.flatMap { (try? NameAddress(parsing: $0))?.uri.user } ?? \"\"", "our own From or To; without a user its style writes none"),
    ("entries[id.rawValue]?.draft.fields.first(.contact).flatMap { (try? NameAddress(parsing: $0))?.uri }", "our own Contact"),
    ("entries.remove(id.rawValue)?.draft.sequence ?? 0", "our own request"),
    // A value that cannot be read is copied, compared or ignored as the RFC says.
    (
      "guard !value.contains(\",\"), let via = try? Via(parsing: value)", "a Via that cannot be read is copied as it is (RFC 3261 §8.2.6.2)"
    ),
    (
      "guard !value.contains(\",\"), var via = try? Via(parsing: value)", "a Via that cannot be read is copied as it is (RFC 3261 §8.2.6.2)"
    ),
    ("(try? request.via().host.address?.unmapped) == source.address.unmapped", "an unreadable Via is at no address"),
    ("guard let contact = try? message.contacts().firstURI, contact != remoteTarget", "without a usable Contact the target stays"),
    ("guard case .list(let contacts)? = try? response.contacts()", "a redirection without a usable Contact leads nowhere"),
    ("facts.recordRoute == nil ? [] : (try? message.recordRoutes()) ?? []", "Record-Route was read by the audit"),
    ("(try? message.contentDisposition())?.parameters[\"handling\"]", "an unreadable Content-Disposition means handling=required"),
    ("guard message.has(.accept), let accept = try? message.accept()", "an unreadable Accept refuses nothing"),
    (
      "guard let left = try? SIPURI(parsing: left), let right = try? SIPURI(parsing: right)",
      "URIs that cannot be read are compared as text"
    ),
    ("password: password ?? Secret(\"\")", "an unknown user costs as much time as a wrong password"),
    ("let realm = challenge.realm ?? \"\"", "a challenge without a realm is for the empty one"),
    ("guard let callID = try? request.callID(), let sequence = try? request.cseq().number, let contacts = try? request.contacts()", "400"),
    ("guard let aor = try? served.message.to().uri", "400"),
    ("let owner = account.name.isEmpty ? aor.user ?? \"\" : account.name", "an address of record may have no user (RFC 3261 §10.3)"),
    ("served.request.map(\\.uri) ?? (try? served.message.requestURI())", "an unreadable target is no session's"),
    ("if let callID = try? message.callID(), let sequence = try? message.cseq().number { next =", "our own, as it came back"),
    ("if case .list(let list)? = try? message.contacts()", "a 200 without a usable Contact binds nothing"),
    ("callID: request.callID.text, from: from?.description ?? \"\"", "the journal"),
    ("to: request.message.requestURIBytes?.text ?? \"\"", "the journal's facts of a request"),
    // Bodies, which are no headers.
    ("try? SessionDescription.parse", "a body that cannot be read is answered by its own rule"),
    ("let answer = try? negotiation.answer(", "an offer that was judged before, or a body that is answered by its own rule"),
  ]

  /// What falls back, on lines that speak of messages and their fields.
  private func isFallback(_ line: Substring) -> Bool {
    if line.contains(#/\btry\? /#) { return true }
    guard line.contains(#/\?\? (""|0\b(?![.x])|Secret\(""\))/#) else { return false }
    return line.contains(#/message|request|response|essentials|cseq|[cC]allID|[tT]ag\b|[pP]hrase|contact|realm|draft|password|aor/#)
  }

  @Test func `in rows 3 to 6 no header value falls back to nothing or is read again in vain, but for a list of reasons (design 3)`() {
    var used: Set<String> = []
    for file in Repository.files("Sources") where modules.contains(file.module) {
      for (number, line) in Repository.code(file.text).enumerated() where isFallback(line) {
        let reason = reasons.first { line.contains($0.piece) }
        if let reason { used.insert(reason.piece) }
        #expect(reason != nil, "\(file.path):\(number + 1): \(line.drop { $0 == " " })")
      }
    }
    for reason in reasons where !used.contains(reason.piece) { Issue.record("nobody needs '\(reason.piece)' any more: take it out") }
  }
}
