import RTP
import SIPMessage
import SansIO

/// What a host lets others read, or sends to whom it should not, though its policy or its description says otherwise.
extension DefectCatalogue {
  static let leaks: [Defect] = leakedMedia + leakedSecrets + leakedPorts + unprovenClients

  private static let leakedMedia = [
    Defect(
      "every-tenth-packet-in-clear", "Every tenth RTP packet of an SRTP call leaves in clear.", source: "rtpengine #1443 class (C16)",
      at: [.endpoint, .persona], breaks: ["rtp-outside-srtp", "SRTP-04", "RFC 3711 §3"],
      .speaks { packet, _, memory in
        guard isProtected(packet), memory.count("packets") % 10 == 9 else { return }
        packet.payload = silence
      }),
    Defect(
      "first-packet-in-clear", "The first RTP packet of an SRTP call leaves in clear: the key is there too late.",
      source: "rtpengine #1249 class (C16)", at: [.endpoint, .persona], breaks: ["rtp-outside-srtp", "SRTP-04", "RFC 3711 §3"],
      .speaks { packet, _, memory in
        guard isProtected(packet), memory.isFirst("stream \(packet.ssrc)") else { return }
        packet.payload = silence
      }),
    Defect(
      "media-copied-to-a-stranger", "Every RTP packet goes to another host as well.", source: "a recorder that nobody told of",
      at: [.endpoint, .persona], breaks: ["media-to-stranger", "RFC 3264 §5.1"],
      .speaks { packet, passage, _ in
        // Of a net for documentation (RFC 5737): nobody is there.
        passage.add(packet.serialized(), to: TransportAddress(IPAddress(v4: 0xCB00_71FA), port: 40_000))
      }),
    Defect(
      "require-srtp-ignored", "Calls in clear are taken though SRTP is required.", source: "contract 8.5 (C16)", at: [.endpoint],
      breaks: ["rtp-outside-srtp", "SRTP-04", "contract 8.1", "contract 8.5"], .policy { $0.requireSRTP = false }),
    Defect(
      "keys-taken-in-clear", "SRTP keys that come over UDP or TCP are taken, and answered with others, though they should be refused.",
      source: "contract 8.5 (C16)", at: [.endpoint], breaks: ["keys-in-clear", "RFC 4568 §8.3", "SRTP-06", "contract 8.5"],
      .policy { $0.sdesOverClear = .accept }),
  ]

  /// Clients over TLS that have not proven who they are.
  private static let unprovenClients = [
    Defect(
      "client-certificate-ignored", "Clients over TLS are not asked for a certificate though one is required.", source: "contract 8.8",
      at: [.endpoint], breaks: ["client-unproven", "TLS-04", "contract 8.7"], .policy { $0.tls.clientCertificate = .init(.off) }),
    Defect(
      "any-client-certificate-taken", "Whatever certificate a client over TLS shows is taken.", source: "livekit/sip #530", at: [.endpoint],
      breaks: ["client-unproven", "TLS-04", "contract 8.7"], .takesAnyCertificate),
    Defect(
      "client-certificate-of-any-name", "Names in the certificates of clients over TLS are not looked at.", source: "RFC 5922 §7.4",
      at: [.endpoint], breaks: ["client-unproven", "TLS-04", "contract 8.7"], .policy { $0.tls.clientCertificate.names = [] }),
  ]

  /// Longer than whole tens of milliseconds of G.711 by a tag.
  private static func isProtected(_ packet: RTPPacket) -> Bool { packet.payload.count > 160 && packet.payload.count % 80 != 0 }
  private static let silence = Bytes([UInt8](repeating: 0xFF, count: 160))

  private static let leakedSecrets = [
    Defect(
      "password-in-a-header", "Its first request names its password in a header field of its own.", source: "RFC 3261 §26.1",
      at: [.persona], breaks: ["password-in-clear", "RFC 3261 §26.1"],
      .leak { secrets in
        Flaw(sends: { message, _, memory in
          guard message.isRequest("REGISTER", "INVITE"), memory.isFirst("shown") else { return }
          message[HeaderName("X-Account")] = "\(secrets.username):\(secrets.password.reveal())"
        })
      }),
    Defect(
      "secret-hash-in-a-header", "Its first request names H(A1) of its account.", source: "RFC 7616 §5.2", at: [.persona],
      breaks: ["password-in-clear", "RFC 3261 §26.1", "RFC 7616 §5.2"],
      .leak { secrets in
        Flaw(sends: { message, _, memory in
          guard message.isRequest("REGISTER", "INVITE"), memory.isFirst("shown") else { return }
          message[HeaderName("X-Account")] = secrets.secretHash.reveal()
        })
      }),
    Defect(
      "basic-credentials", "Beside those of digest it sends Basic credentials.", source: "RFC 3261 §22", at: [.persona],
      breaks: ["password-in-clear", "RFC 3261 §26.1", "RFC 3261 §22"],
      .sends { message, _, _ in
        guard message.isRequest("REGISTER", "INVITE"), message.has(.authorization) else { return }
        message.replace(.authorization, message.values(.authorization) + ["Basic YWNtZTpzZWNyZXQ="])
      }),
  ]

  private static let leakedPorts = [
    Defect(
      "port-before-the-policy", "A media port is opened for each INVITE before the policy has been asked.", source: "siphon-ai #29 (C9)",
      at: [.endpoint], breaks: ["refused-call-port", "ACL-09", "contract 8.1"],
      .receives { message, passage, _ in if message.isRequest("INVITE"), message.toTag == nil { passage.opensPort = true } })
  ]
}
