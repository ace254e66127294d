/// Certificates, names and passwords (RFC 5280, RFC 5922, RFC 6066, RFC 7616).
extension DefectCatalogue {
  static let identities = [
    Defect(
      "certificate-of-other-name", "Its certificate names another domain.", source: "SIPp sslsocket.cpp (C6 n8)", at: [.endpoint],
      breaks: ["RFC 5922 §7.2", "tls-alert", "TLS-06", "RFC 3261 §26.3.1"], words: ["TLS", "certificate"],
      signs: ["its certificate is for"],
      .certificate(.otherName)),
    Defect(
      "certificate-expired", "Its certificate was valid until the day before yesterday.", source: "RFC 5280 §4.1.2.5 (C6)", at: [.endpoint],
      breaks: ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3", "tls-alert", "TLS-06", "RFC 3261 §26.3.1"], words: ["TLS", "certificate"],
      signs: ["certificate has expired"], .certificate(.expired)),
    Defect(
      "certificate-of-unknown-authority", "Nobody knows who signed its certificate.", source: "RFC 5280 §6.1 (C6)", at: [.endpoint],
      breaks: ["RFC 5280 §6.1", "tls-alert", "TLS-06", "RFC 3261 §26.3.1"], words: ["TLS", "certificate"],
      signs: ["unable to get local issuer certificate"], .certificate(.unknownAuthority)),
    Defect(
      "certificate-name-not-compared", "It takes a certificate of another name.", source: "SIPp sslsocket.cpp (C6 n8)", at: [.persona],
      breaks: ["RFC 5922 §7.2", "TLS-06", "RFC 3261 §26.3.1"], words: ["TLS", "certificate", "established"], .takesAnyName),
    Defect(
      "certificate-not-checked", "It takes any certificate.", source: "SIPp sslsocket.cpp (C6 n8)", at: [.persona],
      breaks: ["RFC 5280 §6.1", "RFC 5922 §7.2", "TLS-06", "RFC 3261 §26.3.1"], words: ["TLS", "certificate", "established"],
      .takesAnyCertificate),
    Defect(
      "no-server-name", "Its ClientHello does not say whom it wants.", source: "siphon-ai #600, livekit/sip #530 (C6)", at: [.persona],
      breaks: ["RFC 6066 §3"], words: ["server name", "SNI"], .namesNobody),
    Defect(
      "wrong-password", "It has another password than its account.", source: "contract 8.2", at: [.persona],
      breaks: ["contract 8.2", "RFC 7616 §3.4", "registration-refused", "RFC 3261 §22.2", "contract 8.1"], words: ["403"],
      .password("not the password")),
  ]
}
