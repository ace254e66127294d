import SIPMessage

/// What changes while a call is up: hold, resume, other places (RFC 3261 §14, RFC 3264 §8).
extension DefectCatalogue {
  static let modifications = [
    Defect(
      "held-direction-offered-again", "The offer in the 200 to an empty re-INVITE has the direction of the hold.",
      source: "siphon-ai #189/#190, livekit/sip #443 (C14)", at: [.endpoint],
      breaks: ["RFC 3264 §8.4", "RFC 6337 §5.3", "RFC 3261 §14.2", "RFC 3261 §14"], words: ["sendrecv", "inactive"],
      .both(
        sends: { message, _, memory in
          guard message.isResponse(200...299, to: "INVITE"), let direction = memory[word: message.branch] else { return }
          message.mapSDP { $0 == "a=sendrecv" ? direction : $0 }
        },
        receives: { message, _, memory in
          guard message.isRequest("INVITE"), message.isInDialog else { return }
          if message.hasDescription {
            let offered = message.sdp.last { ["a=sendonly", "a=inactive", "a=recvonly", "a=sendrecv"].contains($0) }
            memory[word: message.callID] = offered == "a=sendonly" ? "a=recvonly" : offered
          } else {
            memory[word: message.branch] = memory[word: message.callID]
          }
        })),
    Defect(
      "hold-offers-both-ways", "Its hold offers sendrecv.", source: "RFC 3264 §8.4; SIPp #639 class", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §8.4", "RFC 3264 §5.1", "RFC 3264 §6.1", "HOLD-01", "RFC 3264 §8"], words: ["sendonly", "sendrecv"],
      .sends { message, _, _ in
        if message.isRequest("INVITE"), message.isInDialog {
          message.mapSDP { $0 == "a=sendonly" || $0 == "a=inactive" ? "a=sendrecv" : $0 }
        }
      }),
    Defect(
      "resume-still-held", "Its resume offers the direction of the hold.", source: "siphon-ai #417", at: [.endpoint, .persona],
      breaks: ["RFC 3264 §8.4", "RFC 3264 §6.1", "RFC 3264 §5.1", "one-way-audio", "media-stops", "RFC 3264 §8"],
      words: ["sendrecv", "sendonly"],
      .sends { message, _, memory in
        guard message.isRequest("INVITE"), message.isInDialog else { return }
        let key = message.callID
        message.mapSDP { line in
          if line == "a=sendonly" || line == "a=inactive" { memory[word: key] = line }
          return line == "a=sendrecv" ? memory[word: key] ?? line : line
        }
      }),
    Defect(
      "hold-without-answer", "A re-INVITE gets no final response.", source: "livekit/sip #443 class", at: [.endpoint, .persona],
      breaks: ["no-final-response", "RFC 3261 §14.2", "RFC 3261 §17.1.1.2", "RFC 3261 §14"], words: ["INVITE", "200", "re-INVITE"],
      .both(
        sends: { message, passage, memory in
          if message.isResponse(200...699, to: "INVITE"), memory[word: message.branch] != nil { passage.fate = .lost }
        },
        receives: { message, _, memory in
          if message.isInDialog, message.method == "INVITE" { memory[word: message.branch] = "" }
        })),
    Defect(
      "reinvite-refused", "Every re-INVITE is refused with 488.", source: "SIPp #639 class", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §14.2", "refused-in-dialog", "RFC 3264 §8", "RFC 3261 §14"], words: ["488", "re-INVITE"],
      .both(
        sends: { message, _, memory in
          guard message.isResponse(200...299, to: "INVITE"), memory[word: message.branch] != nil else { return }
          message.setStatus(488, "Not Acceptable Here")
          message.body = ""
          message[.contentType] = nil
        },
        receives: { message, _, memory in
          if message.isInDialog, message.method == "INVITE" { memory[word: message.branch] = "" }
        })),
    Defect(
      "offer-drops-stream", "Its re-INVITE has no m= line for a stream of the session.", source: "RFC 3264 §8 (B4)", at: [.persona],
      breaks: ["offer-drops-streams", "RFC 3264 §8", "RFC 3264 §5"], words: ["m="],
      .sends { message, _, _ in
        if message.isRequest("INVITE"), message.isInDialog, message.hasDescription {
          message.sdp = Array(message.sdp.prefix { !$0.hasPrefix("m=") })
        }
      }),
    Defect(
      "hold-by-zero-address", "Its hold is by the address 0.0.0.0 beside sendrecv, as RFC 2543 had it.", source: "RFC 3264 §8.4",
      at: [.persona], breaks: ["RFC 3264 §8.4", "HOLD-05", "RFC 3264 §8"], words: ["0.0.0.0", "sendonly"],
      .sends { message, _, _ in
        guard message.isRequest("INVITE"), message.isInDialog, message.sdp.contains(where: { $0 == "a=sendonly" || $0 == "a=inactive" })
        else { return }
        message.mapSDP { line in
          if line.hasPrefix("c=IN IP4 ") { return "c=IN IP4 0.0.0.0" }
          return line == "a=sendonly" || line == "a=inactive" ? "a=sendrecv" : line
        }
      }),
  ]
}
