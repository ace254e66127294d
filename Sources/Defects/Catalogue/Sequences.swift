import SIPMessage

/// Numbers of requests, and what is in progress at once (RFC 3261 §8.1.1.5, §12.2, §14).
extension DefectCatalogue {
  static let sequences: [Defect] = numbers + glares

  private static let numbers = [
    Defect(
      "cseq-kept-with-credentials", "An INVITE with credentials has the CSeq of the one that was challenged.",
      source: "pjproject #280 family",
      at: [.persona], breaks: ["RFC 3261 §22.2", "RFC 3261 §8.1.3.5", "cseq-not-higher", "RFC 3261 §8.2.2.2"],
      words: ["CSeq", "482"],
      .sends { message, _, memory in
        if message.isRequest("INVITE"), !message.isInDialog {
          if let first = memory[number: message.callID] {
            memory[number: "\(message.callID) \(message.sequence)"] = first
            message.disguise(.cseq, as: "\(first) INVITE", &memory)
          } else {
            memory[number: message.callID] = message.sequence
          }
        } else if message.isRequest("ACK", "CANCEL"), let first = memory[number: "\(message.callID) \(message.sequence)"] {
          message.disguise(.cseq, as: "\(first) \(message.method)", &memory)
        }
      }),
    Defect(
      "cseq-kept-in-dialog", "Requests within a dialog have the CSeq number of its INVITE.", source: "JsSIP #140",
      at: [.endpoint, .persona], breaks: ["cseq-not-higher", "RFC 3261 §12.2.1.1"], words: ["CSeq"],
      .sends { message, _, memory in
        guard message.isRequest, message.method != "CANCEL" else { return }
        if message.isRequest("INVITE"), !message.isInDialog { memory[number: message.callID] = message.sequence }
        guard message.isInDialog, let first = memory[number: message.callID] else { return }
        message.disguise(.cseq, as: "\(first) \(message.method)", &memory)
      }),
    Defect(
      "cseq-falls", "Each request within a dialog has a lower CSeq number than the last.", source: "JsSIP #140",
      at: [.endpoint, .persona], breaks: ["cseq-not-higher", "RFC 3261 §12.2.1.1"], words: ["CSeq"],
      .sends { message, _, memory in
        guard message.isRequest("BYE", "INVITE", "INFO"), message.isInDialog else { return }
        message.disguise(.cseq, as: "\(max(0, 1 - message.sequence % 2)) \(message.method)", &memory)
      }),
    Defect(
      "ack-with-other-cseq", "The ACK for a 2xx has a CSeq number of its own.", source: "SIPp #453 class", at: [.endpoint, .persona],
      breaks: ["ack-sequence", "no-ack", "RFC 3261 §13.2.2.4"], words: ["ACK", "CSeq"],
      .both(
        sends: { message, _, memory in
          if message.isRequest("ACK"), memory[word: "\(message.callID) \(message.sequence)"] != nil {
            message.setSequence(message.sequence + 1)
          }
        },
        receives: { message, _, memory in
          if message.isResponse(200...299, to: "INVITE") { memory[word: "\(message.callID) \(message.sequence)"] = "" }
        })),
    Defect(
      "lower-cseq-accepted", "A request within a dialog is accepted though its CSeq is below the last one.", source: "JsSIP #140",
      at: [.endpoint], breaks: ["RFC 3261 §12.2.2"], words: ["500", "CSeq"],
      .both(
        sends: { message, _, memory in
          if !message.isRequest, let own = memory[number: message.branch] { message.setSequence(own) }
        },
        receives: { message, _, memory in
          guard message.isInDialog, message.method != "ACK" else { return }
          let last = memory[number: message.callID] ?? 0
          if message.sequence < last {
            memory[number: message.branch] = message.sequence
            memory[number: message.callID] = last + 1
            message.setSequence(last + 1)
          } else {
            memory[number: message.callID] = message.sequence
          }
        })),
    Defect(
      "cseq-of-other-method", "The CSeq of a BYE names INVITE.", source: "RFC 3261 §8.1.1.5", at: [.endpoint, .persona],
      breaks: ["message-unreadable", "message-form", "RFC 3261 §8.1.1.5"], words: ["CSeq"],
      .sends { message, _, memory in
        if message.isRequest("BYE") { message.disguise(.cseq, as: "\(message.sequence) INVITE", &memory) }
      }),
    Defect(
      "merged-request-accepted", "The second copy of a forked INVITE is answered like the first.", source: "RFC 3261 §8.2.2.2",
      at: [.endpoint], breaks: ["RFC 3261 §8.2.2.2"], words: ["482"],
      .receives { message, _, memory in
        guard message.isRequest("INVITE"), !message.isInDialog else { return }
        let key = "\(message.callID) \(message.sequence)"
        if memory[word: key] == nil { memory[word: key] = message.branch }
        if memory[word: key] != message.branch { message[.callID] = "\(message.callID)-copy" }
      }),
  ]

  private static let glares = [
    Defect(
      "glare-refused-for-good", "A re-INVITE that crosses its own is refused with 488 instead of 491.",
      source: "pjproject #1166 #3886, re #1071 (C15)", at: [.endpoint, .persona], breaks: ["RFC 3261 §14.2"], words: ["491"],
      .sends { message, _, _ in if message.isResponse(491...491) { message.setStatus(488, "Not Acceptable Here") } }),
    Defect(
      "no-retry-after-glare", "After 491 the re-INVITE is not tried again.", source: "JsSIP #771, re #1071 (C15)",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §14.1"], words: ["491", "re-INVITE"],
      .receives { message, _, _ in if message.isResponse(491...491) { message.setStatus(488, "Not Acceptable Here") } }),
    Defect(
      "retry-at-once-after-glare", "After 491 the re-INVITE is sent again as late as the other side's, in its window.",
      source: "pjproject #1455, resiprocate #35 (C15)", at: [.endpoint, .persona], breaks: ["RFC 3261 §14.1"],
      words: ["INVITE", "re-INVITE"],
      .both(
        sends: { message, passage, memory in
          guard message.isRequest("INVITE"), message.isInDialog, memory[word: message.callID] != nil else { return }
          passage.fate = .waits(.milliseconds(2_100))
        },
        receives: { message, _, memory in
          if message.isResponse(491...491, to: "INVITE") { memory[word: message.callID] = "" }
        })),
    Defect(
      "overlapping-invite-without-retry-after", "A second INVITE in progress gets 500 without Retry-After.", source: "RFC 3261 §14.2",
      at: [.endpoint], breaks: ["RFC 3261 §14.2"], words: ["Retry-After"],
      .sends { message, _, _ in if message.isResponse(500...500, to: "INVITE") { message[.retryAfter] = nil } }),
    Defect(
      "overlapping-invite-refused-for-good", "A second INVITE in progress gets 486 instead of 500.", source: "RFC 3261 §14.2",
      at: [.endpoint], breaks: ["RFC 3261 §14.2"], words: ["500"],
      .sends { message, _, _ in if message.isResponse(500...500, to: "INVITE") { message.setStatus(486, "Busy Here") } }),
    Defect(
      "refused-reinvite-ends-the-call", "A BYE follows the refusal of its re-INVITE, though the call should go on.",
      source: "RFC 3261 §14.1; JsSIP #771 class", at: [.endpoint, .persona], breaks: ["RFC 3261 §14.1", "RFC 3261 §14"],
      words: ["re-INVITE", "established"],
      .receives { message, _, _ in if message.isResponse(488...491, to: "INVITE") { message.setStatus(481, "Call Does Not Exist") } }),
  ]
}
