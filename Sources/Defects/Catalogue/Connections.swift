import SIPMessage
import SansIO

/// Connections and what answers over them (RFC 3261 §18, RFC 5923).
extension DefectCatalogue {
  static let connections = [
    Defect(
      "response-on-another-connection", "A response over TCP leaves on a connection of its own.",
      source: "livekit/sip #528, sofia-sip #309",
      at: [.endpoint], breaks: ["RFC 3261 §18.2.2", "response-connection", "no-final-response"], words: ["connection"],
      .sends { message, passage, _ in
        guard !message.isRequest, passage.isStream, let remote = passage.remote else { return }
        passage.connection = .another(TransportAddress(remote.address, port: 5_060))
      }),
    Defect(
      "requests-on-another-connection", "Requests of a dialog over TCP leave on connections of their own.",
      source: "pjproject #1740 #2149 (C7)", at: [.endpoint, .persona],
      breaks: ["RFC 3261 §18.1.1", "RFC 5923 §8", "needless-connection", "RFC 3261 §12.2.1.1"], words: ["connection"],
      .sends { message, passage, _ in
        guard message.isInDialog, passage.isStream, let remote = passage.remote else { return }
        passage.connection = .another(TransportAddress(remote.address, port: 5_060))
      }),
    Defect(
      "closes-after-each-response", "A TCP connection ends after each final response.", source: "sofia-sip #309", at: [.endpoint],
      breaks: ["RFC 3261 §18", "RFC 3261 §18.2.2", "RFC 9293 §3.8"], words: ["connection"], signs: ["failed: closed by the peer"],
      .sends { message, passage, _ in if passage.isStream, message.isResponse(200...699) { passage.closes = .orderly } }),
    Defect(
      "resets-after-invite", "A TCP connection is reset once its INVITE has been answered.", source: "pjproject #2149", at: [.endpoint],
      breaks: ["RFC 3261 §18", "RFC 3261 §18.2.2", "RFC 9293 §3.8"], words: ["connection", "reset"], signs: ["failed: reset by the peer"],
      .sends { message, passage, _ in if passage.isStream, message.isResponse(200...299, to: "INVITE") { passage.closes = .reset } }),
    Defect(
      "allowlist-reads-via", "A request counts as sent from the address in its Via.", source: "livekit/sip #501, pocket-dial #146 (C8, C9)",
      at: [.endpoint], breaks: ["contract 8.1", "ACL-02", "RFC 3261 §18.2.1"], words: ["403", "Via"], signs: ["policy step 3, allow"],
      .both(
        sends: { _, passage, memory in
          guard let remote = passage.remote, let real = memory[word: "\(remote)"] else { return }
          passage.remote = TransportAddress(real) ?? remote
        },
        receives: { message, passage, memory in
          guard message.isRequest, !passage.isStream, let remote = passage.remote,
            let host = message[.via]?.split(separator: " ").dropFirst().first?.prefix(while: { $0 != ";" && $0 != ":" }),
            let address = IPAddress(host), address != remote.address
          else { return }
          let claimed = TransportAddress(address, port: remote.port)
          memory[word: "\(claimed)"] = "\(remote)"
          passage.remote = claimed
        })),
    Defect(
      "invite-answered-unseen", "An INVITE gets 100 before anybody looks at who sends it, also where it is to be dropped.",
      source: "livekit/sip #227 (C9)", at: [.endpoint], breaks: ["contract 8.1", "ACL-10"], words: ["100"],
      signs: ["never: *observed*received 'SIP/2.0 100 Trying"],
      .receives { message, passage, _ in
        guard message.isRequest("INVITE"), !message.isInDialog, !passage.isStream else { return }
        var answer = message
        answer.makeResponse(100, "Trying")
        passage.add(answer.bytes)
      }),
  ]
}
