import SIPMessage

/// What is sent again, and when (RFC 3261 §13.3.1, §17).
extension DefectCatalogue {
  static let timers: [Defect] = clientTimers + serverTimers

  /// What a caller sends to the second branch that answers is lost.
  private static func secondAnswer(_ name: String, _ summary: String, breaks: [String], loses methods: [String]) -> Defect {
    Defect(
      name, summary, source: "drachtio-server #318 class", at: [.endpoint, .persona], breaks: breaks, words: ["ACK", "BYE"],
      .both(
        sends: { message, passage, memory in
          guard message.isRequest, methods.contains(message.method), let tag = message.toTag, let first = memory[word: message.callID],
            memory[word: "\(message.callID) \(tag)"] != nil
          else { return }
          if first != tag { passage.fate = .lost }
        },
        receives: { message, _, memory in
          guard message.isResponse(200...299, to: "INVITE"), let tag = message.toTag else { return }
          memory[word: "\(message.callID) \(tag)"] = ""
          if memory[word: message.callID] == nil { memory[word: message.callID] = tag }
        }))
  }

  private static let clientTimers = [
    Defect(
      "timer-a-does-not-double", "An INVITE without a response leaves every 500 ms.", source: "SIPp #154 (C4)", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §17.1.1.2", "retransmission-interval"], words: ["INVITE"],
      .sends { message, passage, _ in
        guard message.isRequest("INVITE"), !passage.isStream, passage.label.attempt > 0 else { return }
        // Between one copy of ours and the next lie 2ⁿ·T1: the gap behind it is filled.
        for place in 1..<(1 << min(Int(passage.label.attempt), 6)) { passage.add(message.bytes, after: .milliseconds(500 * place)) }
      }),
    Defect(
      "timer-a-missing", "An INVITE without a response is never sent again.", source: "livekit/sip #851 class", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §17.1.1.2", "retransmission-interval"], words: ["INVITE"],
      .sends { message, passage, _ in if message.isRequest("INVITE"), passage.label.cause == .timerA { passage.fate = .lost } }),
    Defect(
      "timer-e-missing", "A request other than INVITE is never sent again.", source: "SIPp #154 (C4)", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §17.1.2.2", "retransmission-interval"], words: ["REGISTER", "OPTIONS", "BYE"],
      .sends { message, passage, _ in if message.isRequest, passage.label.cause == .timerE { passage.fate = .lost } }),
    Defect(
      "timer-e-not-capped", "Timer E doubles for ever: a request leaves after 4, 8 and 16 seconds.", source: "SIPp #154 (C4)",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §17.1.2.2", "retransmission-interval"], words: ["OPTIONS", "REGISTER"],
      .sends { message, passage, _ in
        // By the rule copies leave 0.5, 1.5, 3.5 s after the first, then every 4 s: of those the ones that doubling would send stay.
        let late: Set<UInt8> = [5, 7, 8, 9]
        if message.isRequest, passage.label.cause == .timerE, late.contains(passage.label.attempt) { passage.fate = .lost }
      }),
    Defect(
      "ack-not-repeated", "A repeated 200 to INVITE gets no other ACK.", source: "drachtio-srf #87, livekit/sip #851",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §13.2.2.4", "ack-lost", "no-ack"], words: ["ACK"],
      .sends { message, passage, memory in
        guard message.isRequest("ACK"), message.isInDialog else { return }
        if memory.count("\(message.callID) \(message.toTag ?? "") \(message.sequence)") > 0 { passage.fate = .lost }
      }),
    Defect(
      "ack-never-sent", "A 200 to INVITE gets no ACK at all.", source: "siphon-ai #29 class", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §13.2.2.4", "no-ack", "RFC 3261 §13.3.1.4"], words: ["ACK"],
      .both(
        sends: { message, passage, memory in
          if message.isRequest("ACK"), memory[word: "\(message.callID) \(message.sequence)"] != nil { passage.fate = .lost }
        },
        receives: { message, _, memory in
          if message.isResponse(200...299, to: "INVITE") { memory[word: "\(message.callID) \(message.sequence)"] = "" }
        })),
    secondAnswer(
      "ack-of-second-answer-missing", "The second 2xx of a forked call gets neither ACK nor BYE.",
      breaks: ["RFC 3261 §13.2.2.4", "no-ack"],
      loses: ["ACK", "BYE"]),
    secondAnswer(
      "second-answer-left-up", "The second 2xx of a forked call is acknowledged and never ended.",
      breaks: ["RFC 3261 §13.2.2.4", "RFC 3261 §15"], loses: ["BYE"]),
  ]

  private static let serverTimers = [
    Defect(
      "success-not-repeated", "A 200 to INVITE leaves once, whether an ACK comes or not.", source: "sipgo #227, JsSIP #131",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §13.3.1.4", "success-not-repeated"], words: ["200"],
      .sends { message, passage, _ in
        if message.isResponse(200...299, to: "INVITE"), passage.label.cause == .awaitingACK { passage.fate = .lost }
      }),
    Defect(
      "success-repeated-once", "A 200 to INVITE is repeated once and no more.", source: "sipgo #227, JsSIP #131",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §13.3.1.4", "success-not-repeated"], words: ["200"],
      .sends { message, passage, _ in
        if message.isResponse(200...299, to: "INVITE"), passage.label.cause == .awaitingACK, passage.label.attempt > 1 {
          passage.fate = .lost
        }
      }),
    Defect(
      "success-of-reinvite-not-repeated", "A 200 to a re-INVITE leaves once.", source: "pjproject #1725 family", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §13.3.1.4", "RFC 3261 §14.2", "success-not-repeated"], words: ["200"],
      .both(
        sends: { message, passage, memory in
          if message.isResponse(200...299, to: "INVITE"), passage.label.cause == .awaitingACK, memory[word: message.branch] != nil {
            passage.fate = .lost
          }
        },
        receives: { message, _, memory in
          if message.isInDialog, message.method == "INVITE" { memory[word: message.branch] = "" }
        })),
    Defect(
      "success-repeated-without-growth", "A 200 to INVITE is repeated every 500 ms, however often.", source: "JsSIP #131",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §13.3.1.4", "retransmission-interval"], words: ["200"],
      .sends { message, passage, _ in
        guard message.isResponse(200...299, to: "INVITE"), passage.label.cause == .awaitingACK else { return }
        for place in 1..<min(8, 1 << min(Int(passage.label.attempt), 6)) { passage.add(message.bytes, after: .milliseconds(500 * place)) }
      }),
    Defect(
      "refusal-not-repeated", "A refusal of an INVITE leaves once, whether an ACK comes or not (Timer G).", source: "RFC 3261 §17.2.1",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §17.2.1", "retransmission-interval"], words: ["refus", "4", "ACK"],
      .sends { message, passage, _ in if !message.isRequest, passage.label.cause == .timerG { passage.fate = .lost } }),
    Defect(
      "copy-of-request-unanswered", "A request that comes a second time gets no answer.", source: "RFC 3261 §17.2.2",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §17.2.2", "RFC 3261 §17.2.1", "unanswered-request"], words: ["200", "180"],
      .sends { message, passage, _ in if !message.isRequest, passage.label.cause == .repeated { passage.fate = .lost } }),
    Defect(
      "copy-of-invite-is-new", "An INVITE that comes a second time is taken for another request.", source: "SIPp #154 class",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §17.2.1", "RFC 3261 §17.2.3", "RFC 3261 §8.2.2.2"], words: ["482", "180", "copy"],
      .receives { message, _, memory in
        guard message.isRequest("INVITE"), !message.isInDialog else { return }
        let before = memory.count("\(message.branch) \(message.sequence)")
        if before > 0 { message.setBranch("\(message.branch)-\(before)") }
      }),
    Defect(
      "ringing-not-repeated", "The 180 of a call that rings for long is not repeated each minute.", source: "RFC 3261 §13.3.1.1",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §13.3.1.1"], words: ["180"],
      .sends { message, passage, memory in
        guard message.isResponse(180...183, to: "INVITE"), passage.label.cause != .repeated else { return }
        if memory.count("\(message.branch) \(message.status ?? 0)") > 0 { passage.fate = .lost }
      }),
    Defect(
      "provisional-after-final", "A 180 follows the 200 to an INVITE.", source: "RFC 3261 §13.3.1.4; sipgo #227 class",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §17.2.1", "RFC 3261 §13.3.1.4"], words: ["180"],
      .sends { message, passage, _ in
        guard message.isResponse(200...299, to: "INVITE"), !passage.isRepeated else { return }
        var late = message
        late.setStatus(180, "Ringing")
        late[.contentType] = nil
        late.body = ""
        passage.add(late.bytes, after: .milliseconds(20))
      }),
    Defect(
      "registration-slow", "Answers to REGISTER leave 40 seconds late.", source: "re #581 class", at: [.endpoint],
      breaks: ["RFC 3261 §17.1.2.2", "no-final-response"], words: ["REGISTER"],
      .sends { message, passage, _ in
        if message.isResponse(100...699, to: "REGISTER"), !passage.isStream { passage.fate = .waits(.seconds(40)) }
      }),
    Defect(
      "answers-late", "Every response leaves three seconds late.", source: "sipsorcery #669 class", at: [.endpoint],
      breaks: ["RFC 3261 §17.2.2", "RFC 4320 §4.1", "RFC 3261 §17.2.1"], words: ["200", "401"],
      .sends { message, passage, _ in if !message.isRequest, !passage.isStream { passage.fate = .waits(.seconds(3)) } }),
  ]
}
