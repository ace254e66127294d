import SIPMessage

/// Tags, Contact and the route set of a dialog (RFC 3261 §12).
extension DefectCatalogue {
  static let dialogs: [Defect] = tags + contacts + routes

  private static let tags = [
    Defect(
      "other-tag-in-200", "The 200 to INVITE has another To tag than its 180.", source: "baresip #2819, rtpengine #1330",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §12.1.1", "tag-changes"], words: ["To", "tag"],
      .sends { message, _, _ in
        guard message.isResponse(180...183, to: "INVITE"), let tag = message.toTag else { return }
        message[.to] = message[.to]?.setting("tag", to: "\(tag)x")
      }),
    Defect(
      "no-tag-in-200", "The 200 to INVITE has no To tag.", source: "RFC 3261 §8.2.6.2; sipsorcery #77 class",
      at: [.endpoint, .persona], breaks: ["to-tag", "RFC 3261 §8.2.6.2", "RFC 3261 §12.1.1", "success-without-dialog"], words: ["tag"],
      .sends { message, _, _ in
        if message.isResponse(200...299, to: "INVITE") { message[.to] = message[.to]?.without("tag") }
      }),
    Defect(
      "other-tag-in-bye", "The BYE has another From tag than its dialog.", source: "livekit/sip #851 class",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §12.2.1.1", "RFC 3261 §12.2.2"], words: ["tag", "BYE"],
      .sends { message, _, memory in
        guard message.isRequest("BYE"), let tag = message.fromTag, let from = message[.from] else { return }
        message.disguise(.from, as: from.setting("tag", to: "\(tag)x"), &memory)
      }),
    Defect(
      "no-to-tag-in-bye", "The BYE has no To tag, as if it were outside of its dialog.", source: "RFC 3261 §12.2.1.1",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §12.2.1.1", "RFC 3261 §12.2.2"], words: ["tag", "BYE"],
      .sends { message, _, memory in
        guard message.isRequest("BYE"), let to = message[.to] else { return }
        message.disguise(.to, as: to.without("tag"), &memory)
      }),
    Defect(
      "bye-of-unknown-dialog-answered", "A BYE of no dialog gets 200 instead of 481.", source: "asterisk #1027 class",
      at: [.endpoint], breaks: ["RFC 3261 §15.1.2", "RFC 3261 §12.2.2"], words: ["481"],
      .sends { message, _, _ in if message.isResponse(481...481, to: "BYE") { message.setStatus(200, "OK") } }),
  ]

  private static let contacts = [
    Defect(
      "contact-port-lost", "Its Contact has no port, also where it listens on another than 5060.", source: "sipgo #171, re #824 (C7)",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §8.1.1.8", "RFC 3261 §12.1.1"], words: ["Contact"],
      .sends { message, _, _ in
        guard let contact = message[.contact], contact != "*" else { return }
        let uri = contact.addressed
        let host = uri.split(separator: "@").last ?? ""
        guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]"), host.filter({ $0 == ":" }).count == 1 else { return }
        let port = host[colon...].prefix { $0 != ";" }
        message[.contact] = contact.replacing(uri, with: uri.replacing(port, with: ""), maxReplacements: 1)
      }),
    Defect(
      "no-contact-in-200", "The 200 to INVITE has no Contact.", source: "sipgo #361 (C7)", at: [.endpoint, .persona],
      breaks: ["contact-missing", "RFC 3261 §12.1.1", "RFC 3261 §8.1.1.8"], words: ["Contact"],
      .sends { message, _, _ in if message.isResponse(200...299, to: "INVITE") { message[.contact] = nil } }),
    Defect(
      "no-contact-in-200-of-reinvite", "The 200 to a re-INVITE has no Contact.", source: "sipgo #361 (C7)", at: [.endpoint, .persona],
      breaks: ["contact-missing", "RFC 3261 §12.1.1", "RFC 3261 §12.2.2"], words: ["Contact"],
      .both(
        sends: { message, _, memory in
          if message.isResponse(200...299, to: "INVITE"), memory[word: message.branch] != nil { message[.contact] = nil }
        },
        receives: { message, _, memory in
          if message.isInDialog, message.method == "INVITE" { memory[word: message.branch] = "" }
        })),
    Defect(
      "no-contact-in-invite", "The INVITE has no Contact.", source: "RFC 3261 §8.1.1.8", at: [.persona],
      breaks: ["contact-missing", "RFC 3261 §8.1.1.8"], words: ["Contact"],
      .sends { message, _, _ in if message.isRequest("INVITE") { message[.contact] = nil } }),
    Defect(
      "contact-of-nowhere", "Its Contact names an address at which nobody is.", source: "sipgo #171, SIPp #385 (C7, C8)",
      at: [.endpoint, .persona], breaks: ["contact-elsewhere", "RFC 3261 §8.1.1.8", "RFC 3261 §12.2.1.1"],
      words: ["Contact"],
      .sends { message, _, _ in
        guard message.method == "INVITE", let contact = message[.contact] else { return }
        message[.contact] = contact.replacing(contact.addressed, with: "sip:nobody@10.255.255.1:5060", maxReplacements: 1)
      }),
    Defect(
      "bye-to-address-of-record", "BYE and ACK have the Request-URI of the INVITE instead of the Contact.", source: "sipgo #151",
      at: [.persona], breaks: ["RFC 3261 §12.2.1.1"], words: ["ACK", "BYE"],
      .sends { message, _, memory in
        if message.isRequest("INVITE"), !message.isInDialog { memory[word: message.callID] = message.requestURI }
        if message.isRequest("ACK", "BYE"), message.isInDialog, let uri = memory[word: message.callID] { message.requestURI = uri }
      }),
  ]

  private static let routes = [
    Defect(
      "no-record-route-in-200", "The 200 to INVITE has no Record-Route.", source: "siphon-sip #258, sipgo #180 (C7)",
      at: [.endpoint, .persona], breaks: ["RFC 3261 §12.1.1", "record-route"], words: ["Record-Route"],
      .sends { message, _, _ in if message.isResponse(200...299, to: "INVITE") { message[.recordRoute] = nil } }),
    Defect(
      "record-route-reversed", "The 200 to INVITE has the fields of Record-Route in the opposite order.",
      source: "sipgo #180, doubango #108, SIPp #262", at: [.endpoint, .persona], breaks: ["RFC 3261 §12.1.1", "record-route"],
      words: ["Record-Route"],
      .sends { message, _, _ in
        if message.isResponse(180...299, to: "INVITE") {
          message.replace(.recordRoute, message.values(.recordRoute).flatMap(\.elements).reversed())
        }
      }),
    Defect(
      "route-reversed", "Requests of a dialog go through its proxies in the opposite order.", source: "sipsak #7, janus #1389",
      at: [.endpoint, .persona], breaks: ["route-set", "RFC 3261 §12.2.1.1", "RFC 3261 §12.1.2", "RFC 3261 §12.1.1"], words: ["Route"],
      .sends { message, _, _ in
        if message.isInDialog { message.replace(.route, message.values(.route).flatMap(\.elements).reversed()) }
      }),
    Defect(
      "no-route", "Requests of a dialog have no Route, though proxies recorded themselves.", source: "drachtio-srf #87 class",
      at: [.endpoint, .persona], breaks: ["route-set", "RFC 3261 §12.2.1.1", "RFC 3261 §12.1.2", "RFC 3261 §12.1.1"], words: ["Route"],
      .sends { message, _, _ in if message.isInDialog { message[.route] = nil } }),
    Defect(
      "no-route-in-ack", "The ACK for a 2xx has no Route.", source: "SIPp #453 class, RFC 3261 §13.2.2.4", at: [.endpoint, .persona],
      breaks: ["route-set", "RFC 3261 §12.2.1.1", "RFC 3261 §13.2.2.4"], words: ["ACK", "Route"],
      .sends { message, _, _ in if message.isRequest("ACK") { message[.route] = nil } }),
  ]
}
