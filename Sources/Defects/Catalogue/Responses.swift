import SIPMessage

/// Status codes, and what has to stand in a response beside them (RFC 3261 §8.2, §20, §21).
extension DefectCatalogue {
  static let responses: [Defect] = statuses + companions

  /// A status in another one's place.
  private static func answers(
    _ name: String, _ summary: String, source: String, breaks: [String], _ status: Int, to methods: [String] = [], with other: Int,
    _ phrase: String
  ) -> Defect {
    Defect(
      name, summary, source: source, at: [.endpoint], breaks: breaks, words: ["\(status)"],
      signs: [
        "expected*'SIP/2.0 \(status) *observed*'SIP/2.0 \(other)", "refused with \(status) *observed refused with \(other)",
        "with \(status) within*observed answered with \(other)",
      ],
      .sends { message, _, _ in
        if message.status == status, methods.isEmpty || methods.contains(message.method) { message.setStatus(other, phrase) }
      })
  }

  /// A response that lacks a field.
  private static func lacks(
    _ name: String, _ summary: String, source: String, breaks: [String], _ header: HeaderName, in statuses: ClosedRange<Int>
  ) -> Defect {
    Defect(
      name, summary, source: source, at: [.endpoint], breaks: breaks, words: [header.text],
      .sends { message, _, _ in if message.isResponse(statuses) { message[header] = nil } })
  }

  private static let statuses = [
    Defect(
      "no-100", "No 100 says that an INVITE has arrived.", source: "RFC 3261 §17.2.1", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §17.2.1", "RFC 3261 §8.2.6.1"], words: ["100"],
      .sends { message, passage, _ in if message.isResponse(100...100) { passage.fate = .lost } }),
    Defect(
      "no-180", "Nothing says that a call rings.", source: "RFC 3261 §13.3.1.1", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §13.3.1.1", "contract 8.4"], words: ["180", "ring"], signs: ["expected*'SIP/2.0 180*observed"],
      .sends { message, passage, _ in if message.isResponse(180...180) { passage.fate = .lost } }),
    answers(
      "unknown-session-is-forbidden", "A session that never was gets 403 instead of 404.", source: "livekit/sip #362 class",
      breaks: ["RFC 3261 §21.4.5", "RFC 3261 §8.2.2.1", "contract 8.1"], 404, with: 403, "Forbidden"),
    answers(
      "ended-session-is-unknown", "A session that has ended gets 404 instead of 410.", source: "RFC 3261 §21.4.11",
      breaks: ["RFC 3261 §21.4.11", "contract 8.3", "contract 8.1"], 410, with: 404, "Not Found"),
    answers(
      "cap-is-forbidden", "A call above the cap gets 403.", source: "livekit/sip #362 #520 (C9)",
      breaks: ["RFC 3261 §21.4.24", "RFC 3261 §21.5.4", "CALL-10", "contract 8.7", "contract 8.1"], 486, with: 403, "Forbidden"),
    answers(
      "no-common-codec-is-busy", "An offer without a common codec gets 486 instead of 488.", source: "sipsorcery #77 class",
      breaks: ["RFC 3261 §21.4.26", "RFC 3264 §6", "RFC 3261 §13.3.1.3"], 488, with: 486, "Busy Here"),
    answers(
      "unknown-method-is-bad-request", "A method that nobody knows gets 400 instead of 501.", source: "asterisk #1027 class",
      breaks: ["RFC 3261 §21.5.2", "RFC 3261 §8.2.1"], 501, with: 400, "Bad Request"),
    answers(
      "method-not-allowed-is-unknown", "A method that is not offered gets 501 instead of 405.", source: "RFC 3261 §8.2.1",
      breaks: ["RFC 3261 §8.2.1", "RFC 3261 §21.4.6"], 405, with: 501, "Not Implemented"),
    answers(
      "extension-refused-as-bad-request", "An extension that is required gets 400 instead of 420.", source: "siphon-ai #430 class",
      breaks: ["RFC 3261 §8.2.2.3", "RFC 3261 §21.4.15"], 420, with: 400, "Bad Request"),
    answers(
      "options-refused", "OPTIONS gets 501.", source: "asterisk #1027 class", breaks: ["RFC 3261 §11.2", "RFC 3261 §11"], 200,
      to: ["OPTIONS"], with: 501, "Not Implemented"),
    answers(
      "bye-refused", "A BYE of its call gets 481.", source: "sipgo #180 class",
      breaks: ["RFC 3261 §15.1.2", "refused-in-dialog", "RFC 3261 §12.2.2"], 200, to: ["BYE"], with: 481, "Call Does Not Exist"),
    Defect(
      "bye-unanswered", "A BYE gets no answer.", source: "RFC 3261 §15.1.2", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §15.1.2", "unanswered-request", "RFC 3261 §17.1.2.2", "RFC 3261 §17.2.2"], words: ["BYE"],
      .sends { message, passage, _ in if message.isResponse(200...699, to: "BYE") { passage.fate = .lost } }),
    Defect(
      "extension-ignored", "An extension that is required is not looked at.", source: "RFC 3261 §8.2.2.3", at: [.endpoint],
      breaks: ["RFC 3261 §8.2.2.3", "RFC 3261 §21.4.15"], words: ["420"],
      .receives { message, _, _ in if message.isRequest { message[.require] = nil } }),
    Defect(
      "body-type-ignored", "A body of any type is read as SDP.", source: "RFC 3261 §8.2.3", at: [.endpoint],
      breaks: ["RFC 3261 §8.2.3", "RFC 3261 §21.4.13"], words: ["415"],
      .receives { message, _, _ in
        if message.isRequest("INVITE"), message.has(.contentType) { message[.contentType] = "application/sdp" }
      }),
  ]

  private static let companions = [
    lacks(
      "no-allow-in-405", "A 405 has no Allow.", source: "RFC 3261 §21.4.6",
      breaks: ["RFC 3261 §8.2.1", "RFC 3261 §21.4.6", "RFC 3261 §20.5"],
      .allow, in: 405...405),
    lacks(
      "no-allow-in-200", "A 200 to INVITE or OPTIONS has no Allow.", source: "SIPp #528 class",
      breaks: ["RFC 3261 §11.2", "RFC 3261 §13.3.1.4", "RFC 3261 §20.5"], .allow, in: 200...200),
    lacks(
      "no-unsupported-in-420", "A 420 does not say what is unsupported.", source: "RFC 3261 §8.2.2.3",
      breaks: ["RFC 3261 §8.2.2.3", "RFC 3261 §21.4.15"], .unsupported, in: 420...420),
    lacks(
      "no-accept-in-415", "A 415 does not say what is accepted.", source: "RFC 3261 §8.2.3",
      breaks: ["RFC 3261 §8.2.3", "RFC 3261 §21.4.13"], .accept, in: 415...415),
    lacks(
      "no-warning-in-488", "A 488 does not say why.", source: "RFC 3261 §20.43",
      breaks: ["RFC 3261 §13.3.1.3", "RFC 3261 §20.43", "RFC 3261 §21.4.26"], .warning, in: 488...488),
    lacks(
      "no-retry-after-in-503", "A 503 does not say when to come again.", source: "livekit/sip #520 (C9)",
      breaks: ["RFC 3261 §21.5.4", "RFC 3261 §20.33", "contract 8.7"], .retryAfter, in: 503...503),
    lacks(
      "no-min-expires-in-423", "A 423 does not say which expiry would do.", source: "RFC 3261 §20.23 (C19)",
      breaks: ["RFC 3261 §20.23", "RFC 3261 §10.3", "min-expires"], .minExpires, in: 423...423),
    Defect(
      "no-content-type-in-200", "The answer in a 200 has no Content-Type.", source: "RFC 3261 §20.15", at: [.endpoint, .persona],
      breaks: ["content-type", "message-form", "RFC 3261 §20.15", "RFC 3261 §7.4.1"], words: ["Content-Type"],
      .sends { message, _, _ in if message.isResponse(180...299, to: "INVITE") { message[.contentType] = nil } }),
    Defect(
      "no-content-length-on-streams", "Messages over TCP have no Content-Length.", source: "RFC 3261 §18.3 (C6)",
      at: [.endpoint, .persona],
      breaks: ["content-length", "message-form", "message-unreadable", "RFC 3261 §18.3"], words: ["Content-Length"],
      .sends { message, passage, _ in if passage.isStream { message[.contentLength] = nil } }),
    Defect(
      "reason-missing-in-bye", "A BYE that the endpoint sends by itself does not say why.", source: "RFC 3326 §2", at: [.endpoint],
      breaks: ["RFC 3326 §2", "contract 8.3", "contract 8.7"], words: ["Reason"],
      .sends { message, _, _ in if message.isRequest("BYE", "CANCEL") { message[.reason] = nil } }),
  ]
}
