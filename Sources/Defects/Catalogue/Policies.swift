import KallglotPolicy
import SIPMessage
import SansIO

/// An endpoint with another policy than the one it is given (contract 8).
extension DefectCatalogue {
  static let policies: [Defect] = access + limits + forms

  private static func policy(
    _ name: String, _ summary: String, source: String, breaks: [String] = ["contract 8.1"], words: [String] = [],
    signs: [String] = [], _ change: @escaping @Sendable (inout Policy) -> Void
  ) -> Defect {
    Defect(
      name, summary, source: source, at: [.endpoint], breaks: breaks, words: words, signs: signs, .policy(change))
  }

  private static let access = [
    policy("allowlist-ignored", "Every address may call.", source: "livekit/sip #484 (C9)") { $0.allow = [] },
    policy(
      "empty-allowlist-refuses-everybody", "An empty allowlist lets nobody in.", source: "livekit/sip #484 (C9)",
      signs: ["policy step 3, allow"]
    ) { policy in
      if policy.allow.isEmpty { policy.allow = ["203.0.113.255/32"].compactMap { AddressRange($0) } }
    },
    policy(
      "range-off-by-one-bit", "Each range of the allowlist is half as large as it says.", source: "siphon-ai #29, comcent-ce #11 (C9)",
      breaks: ["contract 8.1", "RFC 4632 §3.1", "RFC 4291 §2.3"], signs: ["policy step 3, allow"]
    ) { policy in
      policy.allow = policy.allow.map { range in
        range.prefixLength < (range.address.isIPv6 ? 128 : 32)
          ? AddressRange("\(range.address)/\(range.prefixLength + 1)") ?? range : range
      }
    },
    policy(
      "range-too-wide", "Each range of the allowlist is twice as large as it says.", source: "siphon-ai #29, comcent-ce #11 (C9)",
      breaks: ["contract 8.1", "RFC 4632 §3.1", "RFC 4291 §2.3"], signs: ["policy step 3, allow"]
    ) { policy in
      policy.allow = policy.allow.map { range in
        range.prefixLength > 0 ? AddressRange("\(range.address)/\(range.prefixLength - 1)") ?? range : range
      }
    },
    policy(
      "first-range-alone", "Of the allowlist only the first entry counts.", source: "comcent-ce #11 (C9)", signs: ["policy step 3, allow"]
    ) {
      $0.allow = Array($0.allow.prefix(1))
    },
    policy(
      "drop-answers-403", "Whom it should ignore it answers with 403.", source: "livekit/sip #227 (C9)", words: ["403"],
      signs: ["never: *receives*observed*received 'SIP/2.0 403"]
    ) {
      $0.allowlistRefusal = .forbidden
    },
    policy("require-tls-ignored", "UDP and TCP are let through though TLS is required.", source: "VapiAI/docs #1116 (C9)") {
      $0.requireTLS = false
    },
    policy("transports-ignored", "Every transport may be used.", source: "VapiAI/docs #1116 (C9)") { $0.transports = [.tls, .tcp, .udp] },
    policy(
      "access-never-off", "Access that is switched off stays on.", source: "contract 8.1 (C9)",
      signs: ["expected*'SIP/2.0 403 *observed*'SIP/2.0 401"]
    ) { $0.sipAccess = true },
    policy(
      "nobody-asked-for-password", "Calls need no password.", source: "livekit/sip #318 (C9)",
      breaks: ["contract 8.1", "contract 8.2", "RFC 3261 §22.1"]
    ) {
      $0.authentication = .none
    },
    policy(
      "weakest-digest-alone", "Only MD5 is offered.", source: "creytiv/re #226 (C19)",
      breaks: ["contract 8.2", "RFC 8760 §2.4", "RFC 8760 §2.3"],
      words: ["WWW-Authenticate", "SHA-256"], signs: ["offered SHA-256*observed"]
    ) { $0.digestAlgorithms = [.md5] },
    policy(
      "any-domain-served", "Calls for every domain are taken.", source: "contract 8.1 (C9)", breaks: ["contract 8.1", "RFC 3261 §10.3"],
      words: ["404"]
    ) {
      $0.anyDomain = true
    },
  ]

  private static let limits = [
    policy("cap-off-by-one", "One call more than the cap is let in.", source: "siphon-ai #459 (C9)", breaks: ["contract 8.1", "CAP-01"]) {
      $0.maxConcurrentCalls += 1
    },
    policy(
      "cap-one-too-few", "One call less than the cap is let in.", source: "siphon-ai #459 (C9)", breaks: ["contract 8.1", "CAP-01"],
      signs: ["maxConcurrentCalls"]
    ) {
      $0.maxConcurrentCalls = max(0, $0.maxConcurrentCalls - 1)
    },
    policy(
      "cap-status-ignored", "Above the cap it is always 486.", source: "livekit/sip #362 #520 (C9)",
      breaks: ["contract 8.7", "CAP-01", "contract 8.1"], words: ["503"]
    ) {
      $0.capReachedStatus = 486
    },
    policy(
      "longest-call-not-ended", "A call may last for ever, whatever its longest duration.", source: "livekit/sip #348 class (C9)",
      breaks: ["contract 8.7"], words: ["BYE", "ended"]
    ) { $0.maxCallDuration = nil },
    policy(
      "silent-call-not-ended", "A call without RTP is never ended.", source: "livekit/sip #348 (C2)",
      breaks: ["contract 8.4", "contract 8.3", "contract 8.5", "CALL-15", "MED-04"], words: ["ended", "rtp-timeout", "no RTP"]
    ) { $0.rtpTimeout = .seconds(100_000) },
    policy(
      "silent-call-ended-early", "A call ends after ten seconds without RTP.", source: "livekit/sip #348 (C2)",
      breaks: ["contract 8.4", "contract 8.3", "contract 8.5", "CALL-15"], words: ["ended", "rtp-timeout"],
      signs: ["never: *is ended*observed the leg ended"]
    ) {
      $0.rtpTimeout = min($0.rtpTimeout, .seconds(10))
    },
    policy(
      "session-ends-with-first-leg", "A session ends at once, however long it should wait for another leg.", source: "contract 8.3",
      breaks: ["contract 8.3"], words: ["410"]
    ) {
      $0.byeGrace = .zero
    },
    policy(
      "media-ports-ignored", "Media is at other ports than it should be.", source: "C9", breaks: ["contract 8.5"],
      words: ["503", "port"]
    ) {
      $0.mediaPorts = 40_000...40_999
    },
  ]

  private static let forms = [
    policy(
      "inbound-first-ignored", "A call to a number makes a session though that is switched off.", source: "contract 8.3",
      breaks: ["contract 8.3", "CALL-04", "contract 8.1"], words: ["404"]
    ) {
      $0.inboundFirst = true
    },
    policy(
      "inbound-first-off", "A call to a number is unknown though it should make a session.", source: "contract 8.3",
      breaks: ["contract 8.3", "CALL-04"], signs: ["inboundFirst"]
    ) {
      $0.inboundFirst = false
    },
    policy(
      "refer-status-ignored", "REFER gets 405, whatever is set.", source: "contract 8.7", breaks: ["contract 8.7", "XFER-01"],
      words: ["603", "501"]
    ) {
      $0.referStatus = 405
    },
    policy(
      "contact-by-the-book", "Requests go to a Contact also where they should go over the flow.", source: "RFC 3261 §12.2.1.1 (C8)",
      breaks: ["contract 8.6", "NAT-02", "contract 8.5"]
    ) {
      $0.natContact = .contact
    },
    policy(
      "flow-always", "Requests go over the flow also where they should go to the Contact.", source: "RFC 3261 §12.2.1.1 (C8)",
      breaks: ["contract 8.6", "NAT-02", "contract 8.5", "RFC 3261 §12.2.1.1"], signs: ["requests still go to Contact"]
    ) {
      $0.natContact = .flow
    },
    policy(
      "always-rings", "A 180 comes first, whatever is set.", source: "contract 8.4",
      breaks: ["contract 8.4", "EM-01", "EM-02", "RFC 3960 §3"], words: ["183", "180"]
    ) {
      $0.answerWith = .ringing
    },
    policy(
      "codec-list-ignored", "All codecs may be used, whatever the list says.", source: "contract 8.5",
      breaks: ["contract 8.5", "OA-02", "RFC 3264 §6.1", "RFC 3264 §6"]
    ) {
      $0.codecs = [.opus, .g722, .pcmu, .pcma]
    },
    policy(
      "codec-list-reversed", "The last codec of the list comes first.", source: "contract 8.5",
      breaks: ["contract 8.5", "OA-02", "RFC 3264 §6.1", "RFC 3264 §6"]
    ) {
      $0.codecs.reverse()
    },
    policy(
      "contact-host-ignored", "Its Contact has its own address, whatever host is set.", source: "contract 8.6 (C7)",
      breaks: ["contract 8.6", "contract 8.7", "NAT-05"], words: ["Contact"]
    ) {
      $0.contactHost = nil
    },
  ]
}
