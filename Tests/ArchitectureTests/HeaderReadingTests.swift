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
    ("sequence: essentials.cseq?.number ?? 0", "a label, also of the answer to a request without CSeq"),
    ("essentials.callID.map { message[$0].text } ?? \"\"", "a log names what was refused, maybe for its Call-ID"),
    ("message.status ?? 0", "a response that the transaction layer handed up has a status, and its phrase may be empty"),
    ("let key = try? BranchKey(request: request", "a request without a key belongs to no transaction"),
    // Our own text, read back where few want it.
    ("let message = try? SIPMessage.parse(bytes), let key = BranchKey(sent: message)", "a request of ours that could not leave"),
    ("own.flatMap { (try? NameAddress(parsing: $0))?.uri.user }", "read for the few products that write it into a field of their own"),
    ("entries[id.rawValue]?.draft.fields.first(.contact).flatMap { (try? NameAddress(parsing: $0))?.uri }", "read for a REGISTER alone"),
    // A value that cannot be read is copied, compared or ignored as the RFC says.
    ("value.contains(\",\") ? nil : try? Via(parsing: value)", "a Via that cannot be read is copied as it is (RFC 3261 §8.2.6.2)"),
    ("guard let left = try? SIPURI(parsing: left), let right = try?", "URIs that cannot be read are compared as text"),
    ("password: password ?? Secret(\"\")", "an unknown user costs as much time as a wrong password"),
    ("let realm = challenge.realm ?? \"\"", "a challenge without a realm is for the empty one"),
    ("let owner = account.name.isEmpty ? aor.user ?? \"\" : account.name", "an address of record may have no user (RFC 3261 §10.3)"),
    ("served.request.map(\\.uri) ?? (try? served.message.requestURI())", "an unreadable target is no session's"),
    ("callID: request.callID.text, from: from?.description ?? \"\"", "the journal"),
  ]

  /// What falls back, on lines that speak of messages and their fields.
  private func isFallback(_ line: Substring) -> Bool {
    // Bodies are not headers: one that cannot be read is answered by a rule of its own.
    if line.contains(#/try\? (SessionDescription\.parse|negotiation\.answer)/#) { return false }
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
