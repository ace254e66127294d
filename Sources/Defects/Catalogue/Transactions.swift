import SIPMessage

/// Branches, Via, Max-Forwards and CANCEL (RFC 3261 §8.1.1, §9, §17, §18).
extension DefectCatalogue {
  static let transactions: [Defect] = branches + hops + cancels

  private static let branches = [
    Defect(
      "branch-without-cookie", "A branch does not begin with z9hG4bK, but with z9hG4bk.", source: "RFC 3261 §8.1.1.7 (D.9)",
      at: [.endpoint, .persona], breaks: ["message-form", "RFC 3261 §8.1.1.7"], words: ["branch"],
      .sends { message, _, memory in
        guard message.isRequest, message.branch.hasPrefix("z9hG4bK"), let via = message[.via] else { return }
        message.disguise(.via, as: via.setting("branch", to: "z9hG4bk\(message.branch.dropFirst(7))"), &memory)
      }),
    Defect(
      "one-branch-for-every-ack", "Every ACK for a 2xx has one and the same branch.", source: "sipgo #108 class",
      at: [.endpoint, .persona], breaks: ["branch-reused", "RFC 3261 §8.1.1.7", "RFC 3261 §17.1.1.3"],
      words: ["branch"],
      .sends { message, _, memory in
        if message.isRequest("INVITE") { memory[word: message.branch] = "" }
        // The ACK of a refusal belongs to its INVITE's transaction.
        if message.isRequest("ACK"), memory[word: message.branch] == nil { message.setBranch("z9hG4bK-constant") }
      }),
    Defect(
      "bye-with-branch-of-invite", "The BYE has the branch that its INVITE had.", source: "RFC 3261 §8.1.1.7", at: [.endpoint, .persona],
      breaks: ["branch-reused", "RFC 3261 §8.1.1.7"], words: ["branch"],
      .sends { message, _, memory in
        if message.isRequest("INVITE") { memory[word: message.callID] = message.branch }
        guard message.isRequest("BYE"), let branch = memory[word: message.callID], let via = message[.via] else { return }
        message.disguise(.via, as: via.setting("branch", to: branch), &memory)
      }),
    Defect(
      "retransmission-with-new-branch", "A request that is sent again has another branch than the first time.",
      source: "SIPp #154 class, RFC 3261 §17.1.1.2", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §17.1.1.2", "RFC 3261 §17.1.2.2", "cseq-not-higher", "RFC 3261 §8.2.2.2"], words: ["branch", "482"],
      .sends { message, passage, memory in
        guard message.isRequest("INVITE", "REGISTER", "OPTIONS", "BYE"), passage.label.attempt > 0, let via = message[.via] else { return }
        message.disguise(.via, as: via.setting("branch", to: "\(message.branch)r\(passage.label.attempt)"), &memory)
      }),
    Defect(
      "ack-of-refusal-with-new-branch", "The ACK of a refusal has a branch of its own.", source: "SIPp #453 class",
      at: [.endpoint, .persona], breaks: ["refusal-not-acknowledged", "RFC 3261 §17.1.1.3", "ack-branch"], words: ["ACK", "branch"],
      .both(
        sends: { message, _, memory in
          if message.isRequest("ACK"), memory[word: message.branch] != nil { message.setBranch("\(message.branch)a") }
        },
        receives: { message, _, memory in
          if message.isResponse(300...699, to: "INVITE") { memory[word: message.branch] = "" }
        })),
    Defect(
      "refusal-never-acknowledged", "A refusal of an INVITE gets no ACK.", source: "sipsorcery #35 class", at: [.endpoint, .persona],
      breaks: ["refusal-not-acknowledged", "no-ack", "RFC 3261 §17.1.1.3", "RFC 3261 §17.2.1"], words: ["ACK"],
      .both(
        sends: { message, passage, memory in
          if message.isRequest("ACK"), memory[word: message.branch] != nil { passage.fate = .lost }
        },
        receives: { message, _, memory in
          if message.isResponse(300...699, to: "INVITE") { memory[word: message.branch] = "" }
        })),
  ]

  private static let hops = [
    Defect(
      "no-max-forwards-in-cancel-and-ack", "CANCEL and the ACK of a refusal have no Max-Forwards.", source: "sipsorcery #35 class",
      at: [.endpoint, .persona], breaks: ["message-form", "RFC 3261 §8.1.1.6", "RFC 3261 §8.1.1"],
      words: ["Max-Forwards"],
      .sends { message, _, _ in if message.isRequest("CANCEL", "ACK") { message[.maxForwards] = nil } }),
    Defect(
      "no-max-forwards", "No request has Max-Forwards.", source: "RFC 3261 §8.1.1.6", at: [.endpoint, .persona],
      breaks: ["message-form", "RFC 3261 §8.1.1.6", "RFC 3261 §8.1.1"], words: ["Max-Forwards"],
      .sends { message, _, _ in if message.isRequest { message[.maxForwards] = nil } }),
    Defect(
      "via-names-other-transport", "The Via of a request names another transport than it goes by.", source: "RFC 3261 §18.1.1 (C7)",
      at: [.endpoint, .persona], breaks: ["via-transport", "RFC 3261 §18.1.1"], words: ["Via"],
      .sends { message, passage, _ in
        guard message.isRequest else { return }
        let (own, other) = passage.isStream ? ("SIP/2.0/TCP", "SIP/2.0/UDP") : ("SIP/2.0/UDP", "SIP/2.0/TCP")
        message.setTopVia { $0.replacing(own, with: other, maxReplacements: 1) }
      }),
    Defect(
      "received-missing", "A response's Via does not say where its request came from.", source: "SIPp #385 (C8)", at: [.endpoint],
      breaks: ["RFC 3261 §18.2.1", "RFC 3581 §4", "via-received"], words: ["received", "Via"],
      .sends { message, _, _ in if !message.isRequest { message.setTopVia { $0.without("received") } } }),
    Defect(
      "rport-not-filled", "A response gives rport back without the port.", source: "SIPp #761, RFC 3581 §4 (C8)", at: [.endpoint],
      breaks: ["RFC 3581 §4", "via-received"], words: ["rport", "Via"],
      .sends { message, _, _ in
        if !message.isRequest { message.setTopVia { $0.parameter("rport") == nil ? $0 : $0.without("rport") + ";rport" } }
      }),
    Defect(
      "response-to-via-port", "A response goes to the port in the Via, whatever rport asks.", source: "SIPp #761, pocket-dial #146 (C8)",
      at: [.endpoint, .persona], breaks: ["RFC 3581 §4"], words: ["rport"],
      .sends { message, passage, _ in
        guard !message.isRequest, !passage.isStream, let via = message[.via], let remote = passage.remote else { return }
        let host = via.split(separator: " ").dropFirst().first.map(String.init)?.prefix { $0 != ";" } ?? ""
        let port = host.split(separator: ":").dropFirst().last.flatMap { UInt16($0) } ?? 5_060
        passage.remote = .init(remote.address, port: host.contains("[") ? remote.port : port)
      }),
    Defect(
      "response-to-contact", "A response goes to the address in the Contact of its request.",
      source: "SIPp #385, livekit/sip #528 (C7, C8)",
      at: [.endpoint], breaks: ["RFC 3261 §18.2.2"], words: ["Contact"],
      .both(
        sends: { message, passage, memory in
          guard !message.isRequest, !passage.isStream, let place = memory[word: message.branch] else { return }
          passage.remote = .init(place) ?? passage.remote
        },
        receives: { message, _, memory in
          guard message.isRequest, let uri = message[.contact]?.addressed.split(separator: "@").last?.prefix(while: { $0 != ";" }) else {
            return
          }
          let place = String(uri).replacing("sip:", with: "")
          memory[word: message.branch] = place.contains(":") ? place : "\(place):5060"
        })),
    Defect(
      "vias-reversed", "A response has the Via fields of its request in the opposite order.", source: "RFC 3261 §8.2.6.2", at: [.endpoint],
      breaks: ["RFC 3261 §8.2.6.2", "response-vias", "response-with-several-vias"], words: ["Via"],
      .sends { message, _, _ in if !message.isRequest { message.replace(.via, message.values(.via).reversed()) } }),
  ]

  private static let cancels = [
    Defect(
      "cancel-with-new-branch", "The CANCEL has another branch than its INVITE.", source: "ezk #74, sipdroid #517",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §9.1", "cancel-branch"], words: ["CANCEL", "branch"],
      .sends { message, _, memory in
        guard message.isRequest("CANCEL"), let via = message[.via] else { return }
        message.disguise(.via, as: via.setting("branch", to: "\(message.branch)c"), &memory)
      }),
    Defect(
      "cancel-with-other-cseq", "The CANCEL has another CSeq number than its INVITE.", source: "pjproject #280", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §9.1", "cancel-sequence"], words: ["CANCEL", "CSeq"],
      .sends { message, _, memory in
        if message.isRequest("CANCEL") { message.disguise(.cseq, as: "\(message.sequence + 1) CANCEL", &memory) }
      }),
    Defect(
      "cancel-with-to-tag", "The CANCEL has a To tag, which its INVITE had not.", source: "RFC 3261 §9.1", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §9.1", "cancel-target"], words: ["CANCEL", "tag"],
      .sends { message, _, memory in
        guard message.isRequest("CANCEL"), message.toTag == nil, let to = message[.to] else { return }
        message.disguise(.to, as: "\(to);tag=early", &memory)
      }),
    Defect(
      "cancelled-invite-unanswered", "A cancelled INVITE gets no 487.", source: "sipgo #108 class, RFC 3261 §9.2",
      at: [.endpoint, .persona],
      breaks: ["RFC 3261 §9.2", "no-final-response", "RFC 3261 §15.1.2"], words: ["487"], signs: ["expected*'SIP/2.0 487*observed*message"],
      .sends { message, passage, _ in if message.isResponse(487...487, to: "INVITE") { passage.fate = .lost } }),
    Defect(
      "cancel-unanswered", "A CANCEL gets no 200.", source: "RFC 3261 §9.2", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §9.2", "unanswered-request", "RFC 3261 §17.1.2.2"], words: ["CANCEL"],
      signs: ["expected*'SIP/2.0 200 *CSeq: * CANCEL*observed"],
      .sends { message, passage, _ in if message.isResponse(200...299, to: "CANCEL") { passage.fate = .lost } }),
    Defect(
      "cancel-of-nothing-answered", "A CANCEL that matches no INVITE gets 200 instead of 481.", source: "RFC 3261 §9.2", at: [.endpoint],
      breaks: ["RFC 3261 §9.2"], words: ["481"],
      .sends { message, _, _ in if message.isResponse(481...481, to: "CANCEL") { message.setStatus(200, "OK") } }),
    Defect(
      "cancel-ends-with-486", "A cancelled INVITE is refused as busy instead of by 487.", source: "RFC 3261 §9.2",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §9.2", "RFC 3261 §15.1.2"], words: ["487"],
      signs: ["expected*'SIP/2.0 487*observed*486 Busy Here"],
      .sends { message, _, _ in if message.isResponse(487...487, to: "INVITE") { message.setStatus(486, "Busy Here") } }),
  ]
}
