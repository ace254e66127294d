import SIPMessage

/// REGISTER, from both sides (RFC 3261 §10).
extension DefectCatalogue {
  static let registrations: [Defect] = registrars + clients

  private static let registrars = [
    Defect(
      "expired-binding-kept", "A binding lives a day longer than was granted.", source: "sprout #1217, sipsorcery #669", at: [.endpoint],
      breaks: ["RFC 3261 §10.3", "RFC 3261 §10.2.4", "listed-bindings"], words: ["Contact", "expire"],
      .both(
        sends: { message, _, memory in
          guard message.isResponse(200...200, to: "REGISTER"), let asked = memory[word: message.branch] else { return }
          message.replace(.contact, message.values(.contact).map { $0.setting("expires", to: asked) })
          if message.has(.expires) { message[.expires] = asked }
        },
        receives: { message, _, memory in
          guard message.isRequest("REGISTER"), let contact = message[.contact], contact != "*" else { return }
          let asked = contact.parameter("expires") ?? message[.expires] ?? "3600"
          guard let seconds = Int(asked), (60...80_000).contains(seconds) else { return }
          memory[word: message.branch] = asked
          message.replace(.contact, message.values(.contact).map { $0.without("expires") })
          message[.expires] = "86000"
        })),
    Defect(
      "brief-expiry-raised", "An expiry below the minimum is raised in silence instead of 423.", source: "C19, D.9; RFC 3261 §10.3",
      at: [.endpoint], breaks: ["RFC 3261 §10.3", "RFC 3261 §21.4.17", "RFC 3261 §10.2.8"], words: ["423"],
      .receives { message, _, _ in
        guard message.isRequest("REGISTER"), let contact = message[.contact], contact != "*" else { return }
        let asked = contact.parameter("expires") ?? message[.expires]
        guard let asked, let seconds = Int(asked), (1...59).contains(seconds) else { return }
        message.replace(.contact, message.values(.contact).map { $0.without("expires") })
        message[.expires] = "60"
      }),
    Defect(
      "bindings-not-listed", "The 200 to REGISTER lists no contact.", source: "RFC 3261 §10.3", at: [.endpoint],
      breaks: ["listed-bindings", "RFC 3261 §10.3", "RFC 3261 §10.2.4"], words: ["Contact"],
      .sends { message, _, _ in if message.isResponse(200...200, to: "REGISTER") { message[.contact] = nil } }),
    Defect(
      "granted-expiry-not-said", "The 200 to REGISTER does not say for how long.", source: "re #581", at: [.endpoint],
      breaks: ["RFC 3261 §10.3", "RFC 3261 §10.2.4", "listed-bindings"], words: ["expires", "Contact"],
      .sends { message, _, _ in
        guard message.isResponse(200...200, to: "REGISTER") else { return }
        message.replace(.contact, message.values(.contact).map { $0.without("expires") })
        message[.expires] = nil
      }),
    Defect(
      "unregistration-ignored", "A REGISTER that removes bindings gets 200 and removes nothing.", source: "sprout #1217 class",
      at: [.endpoint], breaks: ["RFC 3261 §10.3", "RFC 3261 §10.2.2", "listed-bindings"], words: ["Contact"],
      .receives { message, _, _ in
        guard message.isRequest("REGISTER"), let contact = message[.contact] else { return }
        let asked = contact.parameter("expires") ?? message[.expires]
        if contact == "*" || asked == "0" {
          message[.contact] = nil
          message[.expires] = nil
        }
      }),
    Defect(
      "old-register-obeyed", "A REGISTER of the same Call-ID with a lower CSeq is obeyed.", source: "RFC 3261 §10.3", at: [.endpoint],
      breaks: ["RFC 3261 §10.3"], words: ["CSeq", "Contact", "500"],
      .both(
        sends: { message, _, memory in
          if message.isResponse(200...699, to: "REGISTER"), let own = memory[number: message.branch] { message.setSequence(own) }
        },
        receives: { message, _, memory in
          guard message.isRequest("REGISTER") else { return }
          let key = message.callID
          let last = memory[number: key] ?? 0
          guard message.sequence <= last else { return memory[number: key] = message.sequence }
          memory[number: message.branch] = message.sequence
          memory[number: key] = last + 1
          message.setSequence(last + 1)
        })),
  ]

  private static let clients = [
    Defect(
      "new-call-id-for-every-register", "Each REGISTER has a Call-ID of its own.", source: "sprout #1217 class", at: [.persona],
      breaks: ["RFC 3261 §10.2", "register-identity", "RFC 3261 §10.2.4"], words: ["Call-ID"],
      .sends { message, _, memory in
        guard message.isRequest("REGISTER"), let own = message[.callID] else { return }
        message.disguise(.callID, as: "\(message.sequence)-\(own)", &memory)
      }),
    Defect(
      "register-cseq-kept", "Each REGISTER has the CSeq number of the first.", source: "sprout #1217 class", at: [.persona],
      breaks: ["RFC 3261 §10.2", "RFC 3261 §10.3", "cseq-not-higher"], words: ["CSeq"],
      .sends { message, _, memory in
        guard message.isRequest("REGISTER") else { return }
        let key = message.callID
        if memory[number: key] == nil { memory[number: key] = message.sequence }
        message.disguise(.cseq, as: "\(memory[number: key] ?? 1) REGISTER", &memory)
      }),
    Defect(
      "registration-refreshed-late", "A registration is refreshed when it has expired, as if what was asked had been granted.",
      source: "gsm-sip-bridge #21, sipdroid #346; re #581", at: [.persona],
      breaks: ["late-refresh", "RFC 3261 §10.2.4", "RFC 3261 §10.2.1.1"],
      words: ["REGISTER"], signs: ["registered for*observed registered for"],
      .both(
        sends: { message, _, memory in
          if message.isRequest("REGISTER") { memory[word: message.branch] = message[.contact]?.parameter("expires") ?? message[.expires] }
        },
        receives: { message, _, memory in
          guard message.isResponse(200...200, to: "REGISTER"), let asked = memory[word: message.branch], asked != "0" else { return }
          let late = max((Int(asked) ?? 0) * 2, 7_200)
          message.replace(.contact, message.values(.contact).map { $0.setting("expires", to: "\(late)") })
          message[.expires] = "\(late)"
        })),
    Defect(
      "granted-expiry-ignored", "It believes that it is registered for as long as it asked.", source: "gsm-sip-bridge #21; re #581",
      at: [.persona], breaks: ["RFC 3261 §10.2.4", "RFC 3261 §10.2.1.1", "RFC 3261 §10.3", "late-refresh"], words: ["registered"],
      signs: ["registered for*observed registered for", "expected*REGISTER*but within*observed no message"],
      .both(
        sends: { message, _, memory in
          if message.isRequest("REGISTER") { memory[word: message.branch] = message[.contact]?.parameter("expires") ?? message[.expires] }
        },
        receives: { message, _, memory in
          guard message.isResponse(200...200, to: "REGISTER"), let asked = memory[word: message.branch] else { return }
          message.replace(.contact, message.values(.contact).map { $0.setting("expires", to: asked) })
          message[.expires] = nil
        })),
    Defect(
      "minimum-expiry-ignored", "423 ends its registration: it does not ask again for what is wanted.", source: "C19; RFC 3261 §10.2.8",
      at: [.persona], breaks: ["RFC 3261 §10.2.8", "min-expires", "registration-refused"], words: ["423", "Min-Expires"],
      signs: ["expected*REGISTER*Expires: *observed"],
      .receives { message, _, _ in if message.isResponse(423...423) { message[.minExpires] = nil } }),
    Defect(
      "register-without-contact", "Its REGISTER has no Contact, and so binds nothing.", source: "RFC 3261 §10.2", at: [.persona],
      breaks: ["RFC 3261 §10.2", "RFC 3261 §10.2.1", "RFC 3261 §10.3", "listed-bindings"], words: ["Contact"],
      .sends { message, _, _ in if message.isRequest("REGISTER") { message[.contact] = nil } }),
    Defect(
      "registered-contact-of-another-port", "The Contact that it registers names a port at which it does not listen.",
      source: "sipdroid #346 class", at: [.persona],
      breaks: ["RFC 3261 §10.2.1", "contact-elsewhere", "no-final-response", "RFC 3261 §16.5"],
      words: ["Contact"],
      .sends { message, _, memory in
        guard message.isRequest("REGISTER"), let contact = message[.contact], contact != "*" else { return }
        let uri = contact.addressed
        let host = uri.split(separator: "@").last.map { String($0.prefix { $0 != ";" && $0 != ":" }) } ?? ""
        message.disguise(.contact, as: contact.replacing(uri, with: "sip:moved@\(host):5099", maxReplacements: 1), &memory)
      }),
  ]
}
